"""What a built site loads from elsewhere is found; a link that a reader may follow is not that."""

import importlib.util

import pytest
from pages import ROOT

SPEC = importlib.util.spec_from_file_location("check_site", ROOT / "docs" / "check_site.py")
check_site = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(check_site)


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://cdn.example/x.js"></script>',
        "<img alt='' src='//img.example/x.png'>",
        '<link href="https://fonts.example/css" rel="stylesheet">',
        '<link rel="preconnect" href="https://fonts.example">',
        '<style>@import "https://fonts.example/css";</style>',
        "<style>p { background: url(https://img.example/x.png) }</style>",
    ],
)
def test_what_is_loaded_from_another_host_is_found(tmp_path, text):
    (tmp_path / "index.html").write_text(text, encoding="utf-8")
    (found,) = check_site.foreign(tmp_path)
    assert found.startswith("index.html: ")


def test_links_and_what_lies_beside_a_page_are_not(tmp_path):
    text = '<a href="https://example.org">x</a> <script src="assets/x.js"></script> <link rel="canonical" href="https://x.y">'
    (tmp_path / "index.html").write_text(text, encoding="utf-8")
    assert check_site.foreign(tmp_path) == []
