"""The planted checkers are importable by name here and in worker processes, which inherit the path."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
