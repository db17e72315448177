"""What the top level of a file binds: every name with the places where it gets a meaning when the file is loaded.

Read from Python's `ast`; nothing is executed. Whatever a name may become besides what it seems is counted as a binding
of it. Called by `discover`, and by `parse` for what would make another function of a program.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from ncl.language.builtins import IMPORTED

WORDS_FROM = ("ncl", "ncl.language.declare", "ncl.language.contract_words")
CONTRACT_WORDS = ("requires", "ensures", "invariant", "decreases", "old", "result", "permutation")
# What `from ncl import *` binds.
FROM_NCL = frozenset(
    {*IMPORTED, *CONTRACT_WORDS, "Array", "Compiled", "Word", "check_model", "compile", "library", "program", "prove"}
)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


@dataclass(frozen=True)
class Binding:
    """One place where a name is bound. `ncl`: the name of NCL's that it is an import of, else ""."""

    node: ast.AST
    ncl: str = ""


@lru_cache(maxsize=64)
def bindings(tree: ast.Module) -> Mapping[str, tuple[Binding, ...]]:
    """In the order of the text; a `global` statement in a function counts as one binding."""
    found: dict[str, list[Binding]] = {}
    run = sorted(outside_functions(tree), key=_place)
    bare = {id(node.target) for node in run if isinstance(node, ast.AnnAssign) and node.value is None}
    for node in (node for node in run if id(node) not in bare):  # an annotation alone binds nothing
        for name, ncl in _bound_by(node):
            found.setdefault(name, []).append(Binding(node, ncl))
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            for name in node.names:
                found.setdefault(name, []).append(Binding(node))
    return {name: tuple(places) for name, places in found.items()}


def stars(tree: ast.Module) -> list[ast.ImportFrom]:
    """Star imports from elsewhere than NCL: there is no knowing what they bind."""
    return [
        node
        for node in outside_functions(tree)
        if isinstance(node, ast.ImportFrom) and any(a.name == "*" for a in node.names) and not _of_ncl(node)
    ]


def from_ncl(tree: ast.Module) -> dict[str, str]:
    """The names that stand for one of NCL's and for nothing else in the file, each with what it is called there."""
    found = {}
    for name, places in bindings(tree).items():
        meant = {place.ncl for place in places}
        if len(meant) == 1 and meant != {""}:
            found[name] = meant.pop()
    return found


def outside_functions(tree: ast.Module) -> Iterator[ast.AST]:
    """Every node that runs when the file is loaded: bodies of functions and classes are left out, heads are not."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(_head(node) if isinstance(node, _SCOPES) else ast.iter_child_nodes(node))


def _head(node: ast.AST) -> list[ast.AST]:
    """What of a function or class is evaluated where it stands."""
    match node:
        case ast.Lambda(args=arguments):
            return [arguments]
        case ast.ClassDef(bases=bases, keywords=keywords, decorator_list=decorators):
            return [*bases, *keywords, *decorators]
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return [node.args, *node.decorator_list, *([node.returns] if node.returns else [])]
    return []


def _bound_by(node: ast.AST) -> list[tuple[str, str]]:
    """The names that one node binds, each with the name of NCL's that it is imported from."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            return [(name, "")]
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [(name, "")]
        case ast.Import(names=names):
            return [(a.asname or a.name.partition(".")[0], _module(a)) for a in names]
        case ast.ImportFrom(names=names) if _of_ncl(node):
            everything = [(name, name) for name in sorted(FROM_NCL)] if any(a.name == "*" for a in names) else []
            return everything + [(a.asname or a.name, a.name) for a in names if a.name != "*"]
        case ast.ImportFrom(names=names):
            return [(a.asname or a.name, "") for a in names if a.name != "*"]
        case (
            ast.ExceptHandler(name=str() as name) | ast.MatchAs(name=str() as name) | ast.MatchStar(name=str() as name)
        ):
            return [(name, "")]
        case ast.MatchMapping(rest=str() as name):
            return [(name, "")]
    return []


def _of_ncl(node: ast.ImportFrom) -> bool:
    return node.level == 0 and node.module in WORDS_FROM


def _module(alias: ast.alias) -> str:
    """`import ncl`, `import ncl as n`, and `import ncl.build`, which binds `ncl` too."""
    whole = alias.name == "ncl" or (alias.name.startswith("ncl.") and alias.asname is None)
    return "module ncl" if whole else ""


def _place(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)
