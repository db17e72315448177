#!/usr/bin/env bash
# safetensors 0.8.0: a disk that is full while a file is saved is no OSError.
#
# `save_file` raises SafetensorError, which derives from Exception alone and has no errno. Code that saves checkpoints and
# catches OSError, to go on or to clean up, misses it. Expected: OSError, as from every other writer, or an error of its
# own that derives from it. The limit on file sizes stands in for the full disk.
#
# Output seen:
#   open and write: OSError True, errno 27
#   save_file: SafetensorError, an OSError: False, errno None
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6
cat > "$folder/ask.py" <<'PY'
import resource
import signal

import numpy as np
from safetensors.numpy import save_file

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300, resource.RLIM_INFINITY))
try:
    with open("plain", "wb", buffering=0) as file:
        while True:
            file.write(bytes(200))
except OSError as fault:
    print(f"open and write: OSError True, errno {fault.errno}")
try:
    save_file({"x": np.zeros(1000)}, "x.safetensors")
except Exception as fault:
    name = type(fault).__name__
    print(f"save_file: {name}, an OSError: {isinstance(fault, OSError)}, errno {getattr(fault, 'errno', None)}")
PY
(cd "$folder" && venv/bin/python ask.py 2> "$folder/errors") | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
open and write: OSError True, errno 27
save_file: SafetensorError, an OSError: False, errno None
SEEN
