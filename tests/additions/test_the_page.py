"""The additions that are tried here are those of docs/extending.md, line by line."""

from pathlib import Path

import pytest
from additions import POPCOUNT
from test_the_rest import LIFT_RULE, MAXIMUM

PAGE = (Path(__file__).parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")


def added(edits):
    """The lines that are new in the edits."""
    for _, old, new in edits:
        yield from (line.strip() for line in new.splitlines() if line not in old.splitlines() and line.strip(" )"))


@pytest.mark.parametrize(
    ("edits", "least"), [(POPCOUNT, 12), (LIFT_RULE, 2), ((("", "", MAXIMUM),), 20)], ids=["op", "lift rule", "program"]
)
def test_what_is_tried_on_a_copy_is_what_the_page_says(edits, least):
    lines = list(added(edits))
    assert len(lines) >= least
    assert [line for line in lines if line.removesuffix(",") not in PAGE] == []
