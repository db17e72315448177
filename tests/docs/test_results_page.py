"""The page of results is what the newest JSON of each kind gives, and no older JSON lies beside it."""

import importlib.util
import re

from pages import ROOT

SPEC = importlib.util.spec_from_file_location("results", ROOT / "benchmarks" / "results.py")
results = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(results)


def test_the_committed_page_is_what_the_newest_results_give():
    page = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    assert page == results.page(), "run: python benchmarks/results.py > docs/results.md"


def test_only_the_newest_result_of_each_kind_is_kept():
    assert results.older() == []


def test_the_newest_of_each_kind_is_chosen_by_date(tmp_path):
    for name in ("natural-2026-11-26-1338.json", "natural-2026-11-27-0100.json", "demo-float32-2026-11-26-1128.json"):
        (tmp_path / name).write_text("{}", encoding="utf-8")
    assert {kind: file.name for kind, file in results.newest(tmp_path).items()} == {
        "natural": "natural-2026-11-27-0100.json",
        "demo-float32": "demo-float32-2026-11-26-1128.json",
    }
    assert [file.name for file in results.older(tmp_path)] == ["natural-2026-11-26-1338.json"]


def test_every_decision_has_a_date_and_a_status():
    index = (ROOT / "docs" / "decisions" / "index.md").read_text(encoding="utf-8")
    counted = dict(re.findall(r"\((\w+\.md)\) \| .* \| (\d+) \|", index))
    for page in (ROOT / "docs" / "decisions").glob("*.md"):
        text = page.read_text(encoding="utf-8")
        decisions = re.findall(r"^## .+\n\n(.*)\n", text, re.MULTILINE)
        for line in decisions:
            assert re.fullmatch(r"\*\d{4}-\d\d-\d\d · (in force|rejected|withdrawn\b.*)\*", line), (page.name, line)
        assert page.name == "index.md" or int(counted[page.name]) == len(decisions), page.name
