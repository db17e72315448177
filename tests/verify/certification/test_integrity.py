"""The second look refuses every edit and nothing else; a spoiled one is refuted."""

import pytest

from ncl.errors import GateRefused
from ncl.llama.computer import permit
from ncl.verify.certification import integrity


def test_every_edit_is_seen_and_what_is_as_it_was_passes():
    found = integrity.check()
    assert found.verdict == "tested", found.detail


@pytest.mark.parametrize("name, change", integrity.EDITS, ids=[name for name, _ in integrity.EDITS])
def test_an_edit_is_refused_in_one_line_each_time_it_is_looked_at(name, change):
    made = integrity.watched()
    made.look()
    change(made)
    for _ in range(2):
        with pytest.raises(GateRefused) as caught:
            made.look()
        assert "\n" not in caught.value.message and caught.value.exit_code == 1


def test_a_look_that_compares_shapes_alone_is_refuted(monkeypatch):
    monkeypatch.setattr(permit, "copied", lambda tensor: ("", tuple(tensor.shape), b""))
    assert integrity.check().detail == "a table in place: not seen"


def test_a_look_without_counters_is_refuted(monkeypatch):
    monkeypatch.setattr(permit, "marked", lambda module: tuple(name for name, _ in module.named_parameters()))
    assert integrity.check().detail == "a weight in place: not seen"
