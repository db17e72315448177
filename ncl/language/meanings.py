"""Over all files of a program a name means one thing, so that its functions and constants could stand in one file.

`Function.whole` is that file: what a counterexample carries and is run again from. Called by `parse`, for every program
when its functions have been read.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from ncl.language.builtins import IMPORTED
from ncl.language.discover import names_bound, names_used
from ncl.language.files import Defined, Files, Meaning
from ncl.language.reader import Constant

# What a name of the one file means, and a place where it does.
Names = dict[str, tuple[Meaning, str]]


def agree(files: Files, program: Sequence[Defined]) -> bool:
    """Refuse every name that means one thing in one file and another in another; whether there is none."""
    if not any(name in here.file.imports for here in program for name in names_used(here.node)):
        return True  # of one file, where this is so anyway
    names: Names = {}
    for here in program:
        for name, meaning, node in _uses(files, here):
            if isinstance(meaning, Constant | Defined) or meaning in IMPORTED:
                names.setdefault(name, (meaning, _where(meaning, here, node)))
    reported: set[tuple[str, str]] = set()
    for here in program:
        for name, node in _others(files, here, names):
            if (clash := (here.file.reader.place, name)) not in reported:
                reported.add(clash)
                _refuse(here, node, name, names)
    return not reported


def _others(files: Files, here: Defined, names: Names) -> Iterator[tuple[str, ast.AST]]:
    """The names by which a function means something else, each where it stands."""
    for name, meaning, node in _uses(files, here):
        if name in names and not _same(names[name][0], meaning):
            yield name, node
    for name in sorted(names_bound(here.node)):
        if name in names and isinstance(names[name][0], Constant):
            yield name, _assigned(here.node, name)


def _uses(files: Files, here: Defined) -> list[tuple[str, Meaning, ast.AST]]:
    """The name of a function, which it means itself, and all that its body has from outside."""
    used = [(name, files.meaning(here.file, name), node) for name, node in names_used(here.node).items()]
    return [(here.node.name, here, here.node), *used]


def _same(one: Meaning, other: Meaning) -> bool:
    if isinstance(one, Defined) and isinstance(other, Defined):
        return one.node is other.node
    return one == other


def _where(meaning: Meaning, here: Defined, node: ast.AST) -> str:
    place, at = (meaning.file, meaning.node) if isinstance(meaning, Defined) else (here.file, node)
    return f"{place.reader.file}:{getattr(at, 'lineno', 1)}"


def _assigned(function: ast.AST, name: str) -> ast.AST:
    """Where a function binds a name."""
    for node in ast.walk(function):
        match node:
            case ast.Name(id=found, ctx=ast.Store()) | ast.arg(arg=found) if found == name:
                return node
    return function


def _refuse(here: Defined, node: ast.AST, name: str, names: Names) -> None:
    meaning, where = names[name]
    kind = "a function" if isinstance(meaning, Defined) else "a constant"
    if isinstance(meaning, str):
        kind = "a function of the language"
    here.file.reader.refuse(node, f"{name} means something else here than in {where}, where it is {kind}",
                            "rename one of them: over the files of a program a name means one thing")  # fmt: skip
