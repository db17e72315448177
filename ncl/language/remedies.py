"""What to write instead: remedies for what people try first, each in words that lead to a program that is accepted.

Called by `parse_expressions` and `parse_statements` with the piece of Python that is refused.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from difflib import get_close_matches

_MARK = "mark what is in it: seen = [0] * n, then seen[x] = 1"
_COPY = "make a new array with [0] * len(…) and copy the elements in a loop"

# What is called by name and is none of the language.
_FUNCTIONS = {
    "print": "leave it out: a program only returns, and `ncl trace` shows every step",
    "set": _MARK,
    "frozenset": _MARK,
    "dict": _MARK,
    "list": _COPY,
    "tuple": _COPY,
    "sum": "add up in a loop: total += xs[i]",
    "sorted": "sort in loops of your own",
    "reversed": _COPY,
    "any": "look in a loop, and stop with break",
    "all": "look in a loop, and stop with break",
    "int": "leave it out: words are whole numbers",
    "bool": "write x != 0",
    "float": "leave it out: words are whole numbers",
    "divmod": "write a // b and a % b",
    "pow": "multiply in a loop",
    "input": "make it a parameter",
    "enumerate": "count with for i in range(len(xs))",
    "zip": "count with for i in range(…)",
}
# Methods of lists. {0} is the array.
_METHODS = {
    "append": "make {0} long enough with [0] * n, and count what is in it: {0}[count] = x, then count += 1",
    "extend": "make {0} long enough with [0] * n, and copy in a loop",
    "insert": "make {0} long enough with [0] * n, and move the elements behind in a loop",
    "pop": "count what is in it: count -= 1, then {0}[count]",
    "copy": "make a new array with [0] * len({0}) and copy the elements in a loop",
    "clear": "count what is in it: count = 0",
    "sort": "sort in loops of your own",
    "reverse": "swap in a loop: {0}[i], {0}[j] = {0}[j], {0}[i]",
    "index": "look in a loop, and stop with break",
    "count": "count in a loop: total += {0}[i] == x",
    "remove": "move the elements behind it in a loop",
}


# Instead of a negative number that is compared.
OF_ORDER = "write 0, the smallest word; numbers with a sign are compared by signed_less from ncl"


def near(name: str, known: Iterable[str]) -> str:
    """The known name that is nearly this one, "" when there is none."""
    return next(iter(get_close_matches(name, sorted(set(known)), 1, 0.7)), "")


def of_function(name: str, known: Iterable[str]) -> str:
    """Instead of a call of what is no function here."""
    if name in _FUNCTIONS:
        return _FUNCTIONS[name]
    if other := near(name, known):
        return f"write {other}, if that is meant, or define {name}"
    return f"define it once at the top level of this file, with def, or import it: from .FILE import {name}"


def of_method(function: ast.expr) -> str:
    """Instead of a call of a method, or of something computed."""
    match function:
        case ast.Attribute(value=ast.Name(id=array), attr=method) if method in _METHODS:
            return _METHODS[method].format(array)
    return "write it in statements, over words and elements"


def of_negative(node: ast.UnaryOp) -> str:
    """Instead of -x where a word is needed."""
    match node.operand:
        case ast.Constant(value=int() as value) if value > 0:
            return f"write ~{value - 1}, the word that it wraps to"
    return "write 0 - x, which wraps, or turn it round"


def of_index(array: str, index: ast.UnaryOp) -> str:
    """Instead of an index from the end."""
    return f"write {array}[len({array}) - {ast.unparse(index.operand)}]"


def of_cell(node: ast.Subscript) -> str:
    """Instead of two indices."""
    match node:
        case ast.Subscript(value=ast.Subscript(value=ast.Name(id=array), slice=row), slice=column):
            return _row(array, row, column)
        case ast.Subscript(value=ast.Name(id=array), slice=ast.Tuple(elts=[row, column])):
            return _row(array, row, column)
    return "write xs[i]"


def _row(array: str, row: ast.expr, column: ast.expr) -> str:
    places = [ast.unparse(part) for part in (row, column)]
    first, second = (f"({text})" if not text.isalnum() else text for text in places)
    return f"keep the rows behind each other in one array: {array}[{first} * columns + {second}]"


def of_power(node: ast.BinOp) -> str:
    """Instead of x ** k."""
    match node.left, node.right:
        case ast.Name(id=name), ast.Constant(value=2):
            return f"write {name} * {name}"
    return "multiply in a loop"
