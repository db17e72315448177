#!/usr/bin/env bash
# numba 0.68.1 (numpy 2.4.6): a shift by 64 or more depends on whether the compiler sees the number.
#
# For int64, `a << 64` gives 0 when 64 stands in the source, and `a` when it is an argument; numpy gives 0 both times.
# The same expression of a program thus means one thing after constant folding and another before. Expected: one
# meaning, numpy's. Who compiles word operations through numba must guard every shift.
#
# Output seen (x86-64):
#   numpy 0, literal 0, argument 1
#   shift by 65: numpy 0, literal 0, argument 2
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check numba==0.68.1 numpy==2.4.6
cat > "$folder/ask.py" <<'PY'
import numba
import numpy as np


@numba.njit
def by_64(a):
    return a << 64


@numba.njit
def by_65(a):
    return a << 65


@numba.njit
def by(a, n):
    return a << n


print(f"numpy {np.int64(1) << np.int64(64)}, literal {by_64(1)}, argument {by(1, 64)}")
print(f"shift by 65: numpy {np.int64(1) << np.int64(65)}, literal {by_65(1)}, argument {by(1, 65)}")
PY
"$folder/venv/bin/python" "$folder/ask.py" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
numpy 0, literal 0, argument 1
shift by 65: numpy 0, literal 0, argument 2
SEEN
