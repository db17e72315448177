"""Small chat models with a library (`chat_fixtures`), and readings made by hand (`readings`)."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path += [str(HERE), str(HERE.parent / "pretrained")]

from chat_fixtures import *  # noqa: E402, F403 (fixtures)
