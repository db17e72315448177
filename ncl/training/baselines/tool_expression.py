"""What a text tool user wrote, as a Python expression of few kinds; anything else is refused.

Nothing is run here. The whitelist is of syntax, so whatever passes is numbers, lists, names of `TOOLS`, slices, four
operators and calls: no attribute but `.count`, no import, no loop, no function of its own.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

TOOLS = ("reverse", "sort", "count", "modsum", "stack", "sorted", "reversed", "list", "sum", "len", "min", "max")
POP = "pop"
MOST = 40_000  # characters
LARGEST = 10**9
_NODES = (
    ast.Expression, ast.Call, ast.Name, ast.Load, ast.List, ast.Tuple, ast.Constant, ast.Subscript, ast.Slice,
    ast.UnaryOp, ast.USub, ast.BinOp, ast.Add, ast.Sub, ast.Mod, ast.FloorDiv, ast.Attribute, ast.keyword,
)  # fmt: skip
_FENCE = re.compile(r"```(?:python|py)?\s*\n?(.*?)(?:```|\Z)", re.S)


def expression(text: str) -> str | None:
    """The first whitelisted call in an answer, written anew; None when there is none."""
    for candidate in _candidates(text[:MOST]):
        found = _call(candidate)
        if found is not None:
            return found
    return None


def _candidates(text: str) -> Iterator[str]:
    """In code fences, as a whole, or in a line of its own."""
    for inside in _FENCE.findall(text):
        yield inside.strip()
        yield from inside.strip().splitlines()
    yield text.strip()
    for line in text.splitlines():
        yield line.strip().strip("`")


def _call(source: str) -> str | None:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if len(tree.body) != 1:
        return None
    statement = tree.body[0]
    if not isinstance(statement, ast.Expr | ast.Assign) or statement.value is None:
        return None
    value = statement.value
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "print" and value.args:
        value = value.args[0]
    if not any(isinstance(node, ast.Call | ast.Subscript) for node in ast.walk(value)):
        return None  # a number or a list is an answer, not a call
    return ast.unparse(value) if all(map(_allowed, ast.walk(value))) else None


def _allowed(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr="count", value=value)):
            return not isinstance(value, ast.Attribute)
        case ast.Call(func=called):
            return isinstance(called, ast.Name)
        case ast.Constant(value=value):
            plain = value is None or value is True or value is False or value == POP
            return plain or (type(value) is int and value <= LARGEST)
        case ast.Name(id=name):
            return name in TOOLS
        case ast.Attribute(attr=name):
            return name == "count"
        case ast.keyword(arg=name):
            return name is not None
    return isinstance(node, _NODES)
