"""The cache keeps decided outcomes by content, and trusts nothing that does not read back exactly."""

import json

import planted_checkers as planted
import pytest

from ncl import cached
from ncl.errors import InputError
from ncl.verify.engine import cache, runner
from ncl.verify.engine.obligation import Outcome


@pytest.fixture
def counted(tmp_path):
    """Runs one obligation through the cache and says how often its checker was really called."""
    log = tmp_path / "calls"

    def go(verdict="proved", name="a/x", argument=None):
        obligation = planted.make(name, "count_calls", argument or str(log), verdict)
        (found,) = runner.run([obligation], jobs=1, cache_folder=tmp_path / "cache")
        return found, log.read_text().count("x") if log.exists() else 0

    return go


def entries(tmp_path):
    return list((tmp_path / "cache").rglob("*.json"))


def test_a_decided_outcome_is_not_computed_again(counted):
    assert counted()[1] == 1
    found, calls = counted()
    assert calls == 1 and found.cached and found.outcome.verdict == "proved" and found.outcome.limits == {"cases": 1}


def test_a_refutation_is_kept_with_its_verdict(counted):
    counted("refuted")
    found, calls = counted("refuted")
    assert calls == 1 and found.outcome.verdict == "refuted"


@pytest.mark.parametrize("verdict", ["unknown", "vacuous", "skipped"])
def test_what_was_not_decided_is_never_kept(counted, tmp_path, verdict):
    counted(verdict)
    assert counted(verdict)[1] == 2 and not entries(tmp_path)


def test_another_question_has_another_key(counted):
    counted(name="a/x")
    assert counted(name="a/y")[1] == 2


def test_an_edited_source_or_version_asks_again(counted, monkeypatch):
    counted()
    monkeypatch.setattr(cache, "_surroundings", lambda: "other sources")
    assert counted()[1] == 2


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: text.replace('"proved"', '"tested"'),
        lambda text: json.dumps(json.loads(text) | {"schema": 0}),
        lambda text: json.dumps(json.loads(text) | {"key": "0" * 64}),
        lambda text: json.dumps(json.loads(text) | {"outcome": {"verdict": "proved"}}),
    ],
    ids=["empty", "cut", "other-form", "edited", "other-schema", "other-key", "lacking"],
)
def test_a_spoiled_entry_is_computed_again(counted, tmp_path, spoil):
    counted()
    (file,) = entries(tmp_path)
    file.write_text(spoil(file.read_text()))
    found, calls = counted()
    assert calls == 2 and not found.cached


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path):
    (tmp_path / "file").write_text("in the way")
    obligation = planted.make("a/x", "give", "proved")
    (found,) = runner.run([obligation], jobs=1, cache_folder=tmp_path / "file")
    assert found.outcome.verdict == "proved"


def test_the_environment_chooses_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("NCL_CACHE_DIR", str(tmp_path))
    assert cache.folder() == tmp_path


def test_proofs_of_a_user_without_a_home_folder_are_kept_nowhere(monkeypatch):
    def homeless(*_: object, **__: object) -> None:
        raise RuntimeError("no home")

    monkeypatch.delenv("NCL_CACHE_DIR", raising=False)
    monkeypatch.setattr(cached, "user_cache_path", homeless)
    with pytest.raises(InputError, match="no home folder"):
        cache.folder()
    obligation = planted.make("a/x", "give", "proved")
    cache.store(obligation, Outcome("proved", "planted"))
    assert cache.load(obligation) is None
