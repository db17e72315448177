"""Makes `tricky` importable: programs and inputs that the tests of the compiler share."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
