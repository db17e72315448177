"""Small chat models with a library (`chat_fixtures`)."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))

from chat_fixtures import *  # noqa: F403 (fixtures)
