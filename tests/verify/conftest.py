"""Planted checkers and shared programs are importable by name here and in worker processes, which inherit the path."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.extend(str(folder) for folder in (HERE, *(HERE / name for name in ("contracts", "step", "translation"))))
