"""The page about the library has every program, and a verdict for each that has a contract."""

import re
from pathlib import Path

import pytest

from ncl import library
from ncl.verify.certification.library_page import NONE, contract_lines, page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "library.md"
AGAIN = "run: ncl verify --all --json | python -m ncl.verify.certification.library_page > docs/library.md"


def shown():
    text = PAGE.read_text(encoding="utf-8")
    return dict(re.findall(r"^\| `(\w+)` \| .* \| ([^|]*) \|$", text, re.MULTILINE))


def document(**contracts):
    sources = [{"id": f"source/{name}", "verdict": "proved"} for name in library.names()]
    return {"obligations": [*sources, *({"id": f"contract/{name}", **c} for name, c in contracts.items())]}


def test_the_page_says_of_every_program_whether_its_contract_is_proved_bounded_or_missing():
    contracts = shown()
    assert set(contracts) == set(library.names()), AGAIN
    for name, verdict in contracts.items():
        assert (verdict != NONE) is bool(library.get(name).contract), f"{name}: {AGAIN}"
        assert verdict in ("proved", NONE) or verdict.startswith("bounded: every word"), verdict


def test_the_committed_page_is_what_its_verdicts_give():
    assert PAGE.read_text(encoding="utf-8") == page(shown()), AGAIN


def test_verdicts_come_from_a_run_in_which_all_is_green():
    proved = {"verdict": "proved"}
    some = contract_lines(document(gcd=proved, count={"verdict": "proved-bounded", "bound": "every word at W = 3"}))
    assert (some["gcd"], some["count"], some["reverse"]) == ("proved", "bounded: every word at W = 3", NONE)
    with pytest.raises(ValueError, match="contract of gcd is refuted: no"):
        contract_lines(document(gcd={"verdict": "refuted", "detail": "no"}))
    bad = document()
    bad["obligations"][0]["verdict"] = "unknown"
    with pytest.raises(ValueError, match="not proved to be its source"):
        contract_lines(bad)
