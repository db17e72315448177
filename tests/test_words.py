"""Names, help texts and pages use terms of the field: a short table of words that are never right in them.

The table holds only words and phrases that have no honest use in the places where they are looked for. A word such as
"shown" or "told" is an everyday one in a sentence, and is refused in names alone. `PACKAGES` says whose names are held.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from ncl.cli.main import COMMANDS, app

ROOT = Path(__file__).resolve().parent.parent

# Never right in prose: pattern, and what says it.
PHRASES = (
    (r"by another hand", "independently written"),
    (r"looks? again|looked at again", "checks again"),
    (r"doors?", "entry point"),
    (r"crew", "worker pool"),
    (r"arms?", "system, baseline"),
    (r"hollow", "too weak, vacuous"),
    (r"borders?", "boundary"),
    (r"stretch(es)?", "segment"),
    (r"dressed", "with readers"),
    (r"lessons?", "training example"),
    (r"partings?|parted|executors part|first part|parts? from", "divergence, differ"),
    (r"perceiv\w+", "extract"),
    (r"judg(e|es|ed|ing)", "decide"),
    (r"speech", "assertion"),
    (r"(speaks?|spoken) (of|for)", "is about, names, covers"),
    (r"listens?|(is|are) told|(is|are) asked(?! for)", "is reported, is requested"),
    (r"(rooms|walls) of the house|the house", "package"),
    (r"strangers?", "foreign"),
)  # fmt: skip
# Never right as a part of a public name.
NAME_PARTS = {
    "told", "asked", "shown", "paper", "arm", "arms", "dressed", "drawn", "lesson", "lessons", "stretch", "border",
    "borders", "speech", "parting", "partings", "parted", "settle", "settled", "perceive", "judge", "judged", "door",
    "doors", "crew", "hollow", "spoken", "listen", "heard", "stranger", "strangers", "house",
}  # fmt: skip
# And the files beside them.
PACKAGES = (
    "language", "machine", "compiler", "library", "cli", "properties", "verify", "llama", "training",
)  # fmt: skip
PAGES = ("docs/*.md", "docs/language/*.md", "README.md", "CONTRIBUTING.md", "tests/README.md")
GENERATED = ("results.md", "api.md", "library.md", "machine.md")  # prose of other sources, wrapped there
LONGEST = 120


def refused(text: str) -> list[str]:
    """Every phrase of the table that a text has, with what says it instead."""
    return [
        f"{found[0]!r}: say {better}"
        for phrase, better in PHRASES
        for found in re.finditer(rf"\b(?:{phrase})\b", " ".join(text.split()), re.IGNORECASE)
    ]


def pages() -> list[Path]:
    return [page for pattern in PAGES for page in sorted(ROOT.glob(pattern))]


def prose(page: Path) -> list[str]:
    """The lines of a page outside of fenced blocks; what stands in backquotes is code and is left out."""
    lines, fenced = [], False
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            lines.append(line)
    return lines


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


# --- help ------------------------------------------------------------------------------------------------------------


def test_the_help_of_all_commands_has_no_refused_word(ncl_help):
    assert refused(ncl_help()) == []


@pytest.mark.parametrize("name", [command.__name__.rstrip("_") for command in COMMANDS])
def test_the_help_of_a_command_has_no_refused_word(name, ncl_help):
    text = ncl_help(name)
    assert refused(text) == []
    flags = {part for flag in re.findall(r"--([a-z][a-z0-9-]*)", text) for part in flag.split("-")}
    assert flags & NAME_PARTS == set()


@pytest.fixture
def ncl_help():
    """The help as a parser knows it: descriptions, flags that are displayed, and what is said of each."""
    group = typer.main.get_command(app)

    def text(name=None):
        command = group if name is None else group.commands[name]
        parts = [command.help or "", getattr(command, "epilog", "") or ""]
        for option in command.params:
            if not getattr(option, "hidden", False):
                parts += [*option.opts, *option.secondary_opts, getattr(option, "help", "") or ""]
        return "\n".join(parts)

    return text


# --- names -----------------------------------------------------------------------------------------------------------


def held() -> list[Path]:
    inside = (file for name in PACKAGES for file in (ROOT / "ncl" / name).rglob("*.py"))
    files = {*(ROOT / "ncl").glob("*.py"), *inside}
    return sorted(file for file in files if file.name != "former_names.py")  # which has to hold them


def public_names(tree: ast.AST) -> Iterator[str]:
    """Functions, classes, methods, fields and constants, but for those inside of functions and of private classes."""
    for node in getattr(tree, "body", []):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name):
                yield name
                if not name.startswith("_"):
                    yield from public_names(node)
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.Assign(targets=targets):
                yield from (target.id for target in targets if isinstance(target, ast.Name))


def parts(name: str) -> set[str]:
    """`MOST_TOLD` and `MostTold` are most and told."""
    return {part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def test_no_public_name_has_a_refused_part():
    found = [
        f"{name_of(file)}: {name}"
        for file in held()
        for name in public_names(ast.parse(file.read_text(encoding="utf-8")))
        if not name.startswith("_") and parts(name) & NAME_PARTS
    ]
    assert found == []


# --- pages -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_a_page_has_no_refused_word_in_its_prose(page):
    text = re.sub(r"`[^`]*`", "", "\n".join(prose(page)))
    assert refused(text) == []


@pytest.mark.parametrize("page", [page for page in pages() if page.name not in GENERATED], ids=name_of)
def test_the_prose_of_a_page_is_wrapped(page):
    rows = [line for line in prose(page) if len(line) > LONGEST and not line.startswith(("|", "[", "!["))]
    assert [line for line in rows if " " in line.strip()] == []


# --- the table -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["the doors of it", "where two executors\npart", "A policy is hollow.", "it Speaks of words"]
)
def test_a_refused_phrase_is_found_across_lines_and_cases(text):
    assert len(refused(text)) == 1


@pytest.mark.parametrize("text", ["results are shown", "tell a user", "in part", "outdoors", "a part of it"])
def test_everyday_words_are_none(text):
    assert refused(text) == []


@pytest.mark.parametrize("name", ["MOST_TOLD", "MostTold", "told_of", "arm_n"])
def test_a_refused_part_of_a_name_is_found(name):
    assert parts(name) & NAME_PARTS


@pytest.mark.parametrize("name", ["harmless", "NOTE", "with_parts", "PaperbackIndex"])
def test_a_part_is_a_whole_word(name):
    assert not parts(name) & NAME_PARTS
