#!/usr/bin/env bash
# z3-solver 5.4.1.0: Ctrl-C during `check()` is an answer of the solver and no KeyboardInterrupt.
#
# z3 takes SIGINT for itself while it works; `check()` then returns `unknown`, and Python never hears of the signal. A loop
# over many questions goes on with the next one, and a question that was interrupted counts as undecided, as if the solver
# had given up. Expected: KeyboardInterrupt, as from other extensions, or an option to have it. (The question is whether a
# large prime has two factors; it has a time limit of 20 seconds and gets its signal after one.)
#
# Output seen:
#   check: unknown, interrupted from keyboard
#   the program goes on
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check z3-solver==5.4.1.0
cat > "$folder/ask.py" <<'PY'
import os
import signal
import threading

import z3

a, b = z3.BitVecs("a b", 64)
solver = z3.Solver()
solver.set(timeout=20_000)
solver.add(a * b == 18446744073709551557, z3.UGT(a, 1), z3.UGT(b, 1), z3.BVMulNoOverflow(a, b, False))
signaller = threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT))
signaller.start()
try:
    print(f"check: {solver.check()}, {solver.reason_unknown()}")
    signaller.join()
    print("the program goes on")
except KeyboardInterrupt:
    print("KeyboardInterrupt")
PY
(cd "$folder" && venv/bin/python ask.py 2> "$folder/errors") | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
check: unknown, interrupted from keyboard
the program goes on
SEEN
