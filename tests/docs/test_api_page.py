"""The page of the Python API is what signatures and docstrings give."""

import importlib.util

from pages import ROOT

SPEC = importlib.util.spec_from_file_location("api_page", ROOT / "docs" / "api_page.py")
api_page = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(api_page)


def test_the_committed_page_is_what_the_docstrings_give():
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert page == api_page.page(), "run: python docs/api_page.py > docs/api.md"


def test_every_public_name_is_described():
    text = api_page.page()
    for _, _, entries in api_page.SECTIONS:
        for name, _, members in entries:
            section = text.split(f"\n### {name}\n")[1].split("\n### ")[0]
            assert len(section.strip()) > 40, name
            assert all(f"#### {name.rpartition('.')[2]}.{member}\n" in section for member in members)
