#!/usr/bin/env bash
# numba 0.68.1 (numpy 2.4.6): a uint64 and an int64 that differ compare as equal.
#
# Both are turned into float64 first, which has 53 bits: 2^63 == 2^63 - 1 is True in compiled code. numpy 2 compares the
# integers themselves and says False. Expected: numpy's answer. Hashes, addresses and counters of mixed sign meet this.
#
# Output seen:
#   2^63 == 2^63 - 1: numpy False, numba True
#   2^63 <= 2^63 - 1: numpy False, numba True
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check numba==0.68.1 numpy==2.4.6
cat > "$folder/ask.py" <<'PY'
import numba
import numpy as np

equal = numba.njit(lambda a, b: a == b)
at_most = numba.njit(lambda a, b: a <= b)
large, less = np.uint64(2**63), np.int64(2**63 - 1)
print(f"2^63 == 2^63 - 1: numpy {large == less}, numba {equal(large, less)}")
print(f"2^63 <= 2^63 - 1: numpy {large <= less}, numba {at_most(large, less)}")
PY
"$folder/venv/bin/python" "$folder/ask.py" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
2^63 == 2^63 - 1: numpy False, numba True
2^63 <= 2^63 - 1: numpy False, numba True
SEEN
