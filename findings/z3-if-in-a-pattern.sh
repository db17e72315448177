#!/usr/bin/env bash
# z3-solver 5.4.1.0: a quantifier whose pattern holds an if-then-else ends in "invalid pattern".
#
# z3py builds such terms without a word (abs, min, max and clamped indices become If), and a pattern `f(If(...), v)` looks
# like any other; only the quantifier is refused, by an exception that names neither the term nor the reason (a warning on
# stderr does). A product at the same place passes. Expected: the pattern is skipped with the warning, or the exception
# says what stands in it. Who derives patterns from contracts has to name such terms by constants first.
#
# Output seen:
#   f(n*n, v): accepted
#   f(If(n > 0, n, -n), v): invalid pattern
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check z3-solver==5.4.1.0
cat > "$folder/ask.py" <<'PY'
import z3

f = z3.Function("f", z3.IntSort(), z3.IntSort(), z3.IntSort())
v, n = z3.Ints("v n")
for argument in (n * n, z3.If(n > 0, n, -n)):
    try:
        z3.ForAll([v], f(argument, v) == v, patterns=[f(argument, v)])
        print(f"f({argument}, v): accepted")
    except z3.Z3Exception as fault:
        print(f"f({argument}, v): {fault.args[0].decode()}")
PY
(cd "$folder" && venv/bin/python ask.py 2> "$folder/errors") | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
f(n*n, v): accepted
f(If(n > 0, n, -n), v): invalid pattern
SEEN
