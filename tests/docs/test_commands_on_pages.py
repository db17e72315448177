"""Every command of `ncl` on any page is there and has the options it is given; every block of Python is Python."""

import ast
import json
import re
import shlex

import pytest
import typer
from pages import ROOT, blocks

from ncl.cli.main import app

PAGES = [*sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("*.md"))]
NCL = typer.main.get_command(app)


def commands(page):
    """The words behind each `ncl` in the blocks of a page, up to where another command begins."""
    for block in blocks(page):
        if block.kind in ("console", "bash"):
            starts = r"^\$ " if block.kind == "console" else "^"
            for line in re.findall(rf"{starts}(.*)$", block.text, re.MULTILINE):
                for part in re.split(r"&&|\|\||;|\|", line):
                    words = shlex.split(part, comments=True)
                    if "ncl" in words:
                        yield block.place, words[words.index("ncl") + 1 :]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_commands_and_options_that_there_are(page):
    for place, (name, *words) in commands(page):
        assert name in NCL.commands, f"{place}: ncl {name}"
        known = {
            option for parameter in NCL.commands[name].params for option in (*parameter.opts, *parameter.secondary_opts)
        }
        asked = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert asked - known - {"--help"} == set(), f"{place}: ncl {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_blocks_of_python_and_json_can_be_read(page):
    for block in blocks(page):
        if block.kind == "python" and page.parent.name != "language" and page.name != "api.md":
            ast.parse(block.text)
        if block.kind == "json":
            assert documents(block.text), block.place


def documents(text):
    """The JSON documents in a text, one behind another."""
    found, text = [], text.strip()
    while text:
        document, end = json.JSONDecoder().raw_decode(text)
        found, text = [*found, document], text[end:].lstrip()
    return found
