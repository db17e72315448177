"""Guides are run from their first block to their last, every page is linked, and every link leads somewhere."""

import re

import pytest
from pages import COLUMNS, ROOT, run_page

DOCS = ROOT / "docs"
RUN = ("tutorial.md", "unknown.md", "extending.md")
PROVED = ("compiled", "source", "cross-check", "python", "contract", "executor", "weights")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


@pytest.mark.parametrize("name", RUN)
def test_a_page_prints_what_it_shows(name, tmp_path, monkeypatch, capsys, in_this_process, grant_machine):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", COLUMNS)
    monkeypatch.setenv("NCL_CACHE_DIR", str(tmp_path / ".cache"))
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    grant_machine(but=PROVED)
    faults = run_page(DOCS / name, lambda: spoken(*capsys.readouterr()))
    assert not faults, "\n".join(faults)


def spoken(out, err):
    """Standard output, and of standard error what is no progress."""
    return out + re.sub(r"^ncl: \w+ing\b.*\n", "", err, flags=re.MULTILINE)


def pages():
    return sorted(DOCS.rglob("*.md"))


def targets(page):
    """The files that a page links to; addresses of the web and places of the page itself aside."""
    text = re.sub(r"^```.*?^```$|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    found = (link.partition("#")[0] for link in LINK.findall(text) if not re.match(r"\w+:", link))
    return {(page.parent / link).resolve() for link in found if link}


def test_every_page_is_reached_from_the_map():
    reached, waiting = set(), [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            waiting += [target for target in targets(page) if target.suffix == ".md" and target.is_relative_to(DOCS)]
    assert set(pages()) - reached == set()


@pytest.mark.parametrize("page", [*pages(), *sorted(ROOT.glob("*.md"))], ids=lambda page: page.name)
def test_every_link_to_a_file_leads_to_one(page):
    assert {str(target) for target in targets(page) if not target.exists()} == set()


def test_every_term_of_the_glossary_is_used_on_another_page():
    glossary = (DOCS / "glossary.md").read_text(encoding="utf-8")
    terms = re.findall(r"^\| (\*\*.+?) \|", glossary, re.MULTILINE)
    words = [word for term in terms for word in re.findall(r"\*\*(.+?)\*\*", term)]
    assert len(words) > 60 and len(words) == len(set(words))
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages() if page.name != "glossary.md").lower()
    assert [word for word in words if word.lower() not in text] == []
