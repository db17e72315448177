"""Searches get their number of examples from `--ncl-profile`; what the tests share is importable by name."""

import sys
from pathlib import Path

import pytest

from ncl.properties.search import PROFILES, falsify, seed_for

sys.path.append(str(Path(__file__).parent))


@pytest.fixture
def search(request):
    """falsify(check, strategy), with as many examples as the profile gives; `share` asks for a part of them."""
    profile = PROFILES[request.config.getoption("--ncl-profile")]

    def run(check, strategy, share=1.0, slow=False):
        count = max(3, int((profile.soft if slow else profile.runs) * share))
        falsify(check, strategy, count, seed_for(request.node.nodeid))

    return run
