#!/usr/bin/env bash
# numba 0.68.1 (numpy 2.4.6): the smallest int64 divided by -1 is 0.
#
# Two's complement has no 2^63, so numpy (with a warning) and torch wrap to -2^63; numba's `//` gives 0 under both error
# models, without an exception. Expected: the wrapped quotient, as everywhere else in numba where int64 overflows
# (-a and abs(a) give -2^63 there).
#
# Output seen:
#   numpy -9223372036854775808
#   numba 0, error model numpy 0, negated -9223372036854775808
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check numba==0.68.1 numpy==2.4.6
cat > "$folder/ask.py" <<'PY'
import warnings

import numba
import numpy as np

divide = numba.njit(lambda a, b: a // b)
divide_as_numpy = numba.njit(lambda a, b: a // b, error_model="numpy")
negate = numba.njit(lambda a: -a)
least, minus_one = np.int64(-(2**63)), np.int64(-1)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    print(f"numpy {least // minus_one}")
print(f"numba {divide(least, minus_one)}, error model numpy {divide_as_numpy(least, minus_one)}, negated {negate(least)}")
PY
"$folder/venv/bin/python" "$folder/ask.py" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
numpy -9223372036854775808
numba 0, error model numpy 0, negated -9223372036854775808
SEEN
