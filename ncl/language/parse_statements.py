"""Reads statements: Python's `ast` → the typed tree, refusing what is outside the language. Called by `parse`."""

from __future__ import annotations

import ast

from ncl.language import remedies
from ncl.language.parse_contracts import PLACES, loop_contract, word_of
from ncl.language.parse_expressions import call, expression, hidden, operator
from ncl.language.program import Position
from ncl.language.reader import Reader
from ncl.language.syntax import (
    Assert,
    Assign,
    Augment,
    Break,
    Continue,
    Element,
    Expression,
    For,
    If,
    NewArray,
    Number,
    Perform,
    Receive,
    Return,
    Statement,
    Variable,
    While,
)  # fmt: skip

_REFUSED: dict[type[ast.stmt], tuple[str, str]] = {
    ast.FunctionDef: ("functions inside functions are outside the language", "move it to the top of the file"),
    ast.AsyncFunctionDef: ("a program is not asynchronous", "write `def`"),
    ast.ClassDef: ("there are no classes", "use words and arrays"),
    ast.Delete: ("nothing is deleted", "leave the variable unused"),
    ast.With: ("there are no contexts", "leave it out"),
    ast.AsyncWith: ("there are no contexts", "leave it out"),
    ast.AsyncFor: ("a program is not asynchronous", "write `for`"),
    ast.Try: ("a trap ends the run and cannot be caught", "check before: if n != 0: …"),
    ast.TryStar: ("a trap ends the run and cannot be caught", "check before: if n != 0: …"),
    ast.Raise: ("nothing is raised", "use assert"),
    ast.Import: ("imports stand at the top of the file", "move it there"),
    ast.ImportFrom: ("imports stand at the top of the file", "move it there"),
    ast.Global: ("there are no global variables", "pass it as a parameter"),
    ast.Nonlocal: ("there are no outer variables", "pass it as a parameter"),
    ast.Match: ("there is no match", "use if and elif"),
}


def statements(reader: Reader, nodes: list[ast.stmt], arrays: frozenset[str], in_loop: bool) -> tuple[Statement, ...]:
    """The typed trees of a block. `arrays` are the names of arrays in the whole function."""
    read: list[Statement] = []
    for node in nodes:
        before = len(reader.found)
        one = _statement(reader, node, arrays, in_loop)
        if one is not None:
            read.append(one)
        if one is None or (not isinstance(node, ast.If | ast.While | ast.For) and len(reader.found) > before):
            reader.lose(node)
    return tuple(read)


def _statement(reader: Reader, node: ast.stmt, arrays: frozenset[str], in_loop: bool) -> Statement | None:
    place = reader.position(node)
    match node:
        case ast.Pass():
            return None
        case ast.Assign():
            return _assign(reader, node, arrays, place)
        case ast.AugAssign(target=target, op=kind, value=value):
            where, spelled, change = _target(reader, target), operator(reader, node, kind), expression(reader, value)
            return Augment(where, spelled, change, place) if where else None
        case ast.If(test=test, body=body, orelse=orelse):
            condition = expression(reader, test)
            then = statements(reader, body, arrays, in_loop)
            return If(condition, then, statements(reader, orelse, arrays, in_loop), place)
        case ast.While(test=test, body=body, orelse=orelse):
            _no_else(reader, orelse, arrays, in_loop)
            condition = expression(reader, test)
            contract, body = loop_contract(reader, body, arrays, reader.parameters)
            return While(condition, statements(reader, body, arrays, True), place, contract)
        case ast.For():
            return _for(reader, node, arrays, in_loop, place)
        case ast.Break():
            return Break(place) if _inside(reader, node, in_loop) else None
        case ast.Continue():
            return Continue(place) if _inside(reader, node, in_loop) else None
        case ast.Assert(test=test, msg=msg):
            if msg is not None and not (isinstance(msg, ast.Constant) and isinstance(msg.value, str)):
                reader.refuse(msg, "the message of an assert is literal text", "write it in quotes")
            return Assert(expression(reader, test), place)
        case ast.Return(value=value):
            return _return(reader, node, value, arrays, place)
        case ast.AnnAssign(value=value):
            reader.refuse(node, "variables carry no annotations", "write name = value")
            _read_only(reader, value)
            return None
        case ast.Expr(value=ast.Call(func=ast.Name(id=name)) as value) if name in reader.callable:
            made = call(reader, value, name)
            return Perform(made, place) if made else None
        case ast.Expr() if (word := word_of(node)) is not None:
            reader.refuse(node, PLACES[word], "move it up, before any other statement")
            return None
        case ast.Expr(value=value):
            before = len(reader.found)
            if not isinstance(value, ast.Constant):
                expression(reader, value)
            if len(reader.found) == before:
                reader.refuse(node, "an expression alone has no effect", "assign it, or delete it")
            return None
    for block in _blocks(node):  # what stands inside may hold violations of its own
        statements(reader, block, arrays, in_loop or isinstance(node, ast.AsyncFor))
    reason, remedy = _REFUSED.get(type(node), (f"{type(node).__name__} is outside the language", "see the reference"))
    reader.refuse(node, reason, remedy)
    return None


def _inside(reader: Reader, node: ast.stmt, in_loop: bool) -> bool:
    if not in_loop:
        reader.refuse(node, f"{type(node).__name__.lower()} stands outside a loop", "delete it")
    return in_loop


def _no_else(reader: Reader, orelse: list[ast.stmt], arrays: frozenset[str], in_loop: bool) -> None:
    if orelse:
        reader.refuse(orelse[0], "a loop has no else", "set a variable before `break` and test it after the loop")
        statements(reader, orelse, arrays, in_loop)
        for node in orelse:
            reader.lose(node)


def _blocks(node: ast.stmt) -> list[list[ast.stmt]]:
    """The blocks of a compound statement that is refused as a whole."""
    match node:
        case ast.With(body=body) | ast.AsyncWith(body=body):
            return [body]
        case ast.AsyncFor(body=body, orelse=orelse):
            return [body, orelse]
        case ast.Try() | ast.TryStar():
            return [node.body, *(handler.body for handler in node.handlers), node.orelse, node.finalbody]
        case ast.Match(cases=cases):
            return [case.body for case in cases]
    return []


def _read_only(reader: Reader, value: ast.expr | None) -> None:
    """Look for violations in a value that is not kept."""
    parts = (value,) if value is None or (made := new_array(value)) is None else made
    for part in parts:
        if part is not None:
            expression(reader, part)


# --- assignments -----------------------------------------------------------------------------------------------------


def _assign(reader: Reader, node: ast.Assign, arrays: frozenset[str], place: Position) -> Statement | None:
    if len(node.targets) > 1:
        reader.refuse(node, "one assignment has one `=`", "write a = x, then b = x")
        _read_only(reader, node.value)
        return None
    target, value = node.targets[0], node.value
    if (made := new_array(value)) is not None:
        return _new_array(reader, target, made, place)
    if (name := gives_array(reader, value)) and isinstance(value, ast.Call) and not isinstance(target, ast.Tuple):
        return _receive(reader, target, value, name, place)
    if isinstance(target, ast.Tuple | ast.List):
        values = value.elts if isinstance(value, ast.Tuple | ast.List) else []
        if len(values) != len(target.elts):
            reader.refuse(node, f"{len(target.elts)} names need as many values, written out", "write a, b = x, y")
            return None
        pairs = list(zip(target.elts, values, strict=True))
    else:
        pairs = [(target, value)]
    found = [_one(reader, left, right, arrays) for left, right in pairs]
    if any(item is None for item in found):
        return None
    done = [item for item in found if item is not None]
    return Assign(tuple(t for t, _ in done), tuple(v for _, v in done), place)


def _one(
    reader: Reader, left: ast.expr, right: ast.expr, arrays: frozenset[str]
) -> tuple[Variable | Element, Expression] | None:
    if isinstance(right, ast.Name) and right.id in arrays:
        reader.refuse(right, f"{right.id} is an array: another name for it would be an alias",
                      "make a new array with [0] * len(…) and copy the elements")  # fmt: skip
        return None
    if isinstance(right, ast.List | ast.Tuple) and isinstance(left, ast.Name):
        reader.refuse(right, "an array is made only as `[c] * n`", "make it with [0] * n and fill it")
        return None
    value = expression(reader, right)
    target = _target(reader, left)
    return (target, value) if target else None


def new_array(value: ast.expr) -> tuple[ast.expr, ast.expr] | None:
    """(fill, count) of `[fill] * count`."""
    match value:
        case ast.BinOp(left=ast.List(elts=[fill]), op=ast.Mult(), right=count) if not isinstance(fill, ast.Starred):
            return fill, count
    return None


def gives_array(reader: Reader, value: ast.expr) -> str:
    """The name of the function when the value is a call that gives an array, else ""."""
    match value:
        case ast.Call(func=ast.Name(id=name)) if name in reader.callable and reader.callable[name].result == "array":
            return name
    return ""


def _receive(reader: Reader, target: ast.expr, value: ast.Call, name: str, place: Position) -> Statement | None:
    made = call(reader, value, name)
    if not isinstance(target, ast.Name):
        reader.refuse(target, "a new array is given to a name", f"write xs = {name}(…)")
        return None
    return Receive(target.id, made, place) if _assignable(reader, target) and made else None


def _new_array(reader: Reader, target: ast.expr, made: tuple[ast.expr, ast.expr], place: Position) -> Statement | None:
    if new_array(made[0]) is not None or isinstance(made[0], ast.List):
        reader.refuse(made[0], "an array holds words, and no arrays",
                      "make one array of n * m cells, with xs[i * m + j] for xs[i][j]")  # fmt: skip
        return None
    if _negative(made[1]) is not None:
        reader.refuse(made[1], "an array has no negative length", "write 0, as Python takes it")
        return None
    fill, count = expression(reader, made[0]), expression(reader, made[1])
    if not isinstance(target, ast.Name):
        reader.refuse(target, "a new array is given to a name", "write xs = [c] * n")
        return None
    return NewArray(target.id, fill, count, place) if _assignable(reader, target) else None


def _target(reader: Reader, node: ast.expr) -> Variable | Element | None:
    place = reader.position(node)
    match node:
        case ast.Name(id=name):
            return Variable(name, place) if _assignable(reader, node) else None
        case ast.Subscript(value=ast.Name(), slice=index) if not isinstance(index, ast.Slice | ast.Tuple):
            found = expression(reader, node)
            return found if isinstance(found, Element) else None
        case ast.Subscript() if not isinstance(node.slice, ast.Slice):
            reader.refuse(node, "this cannot be assigned to", remedies.of_cell(node))
        case ast.Starred():
            reader.refuse(node, "a star gathers nothing here", "name each variable")
        case _:
            reader.refuse(node, "this cannot be assigned to", "assign to a variable or to xs[i]")
    return None


def _assignable(reader: Reader, node: ast.Name) -> bool:
    if node.id in reader.constants:
        reader.refuse(node, f"{node.id} is a module constant", "choose another name for the variable")
    elif node.id in ("len", "range"):
        reader.refuse(node, f"{node.id} is a function of the language", "choose another name")
    else:
        return True
    return False


# --- loops and returns -----------------------------------------------------------------------------------------------


def _for(reader: Reader, node: ast.For, arrays: frozenset[str], in_loop: bool, place: Position) -> Statement | None:
    _no_else(reader, node.orelse, arrays, in_loop)
    named = isinstance(node.target, ast.Name) and _assignable(reader, node.target)
    if not isinstance(node.target, ast.Name):
        reader.refuse(node.target, "a for loop has one variable", "write for i in range(…)")
    start, stop, step, falling = _head(reader, node.iter, place)
    contract, rest = loop_contract(reader, node.body, arrays, reader.parameters)
    body = statements(reader, rest, arrays, True)
    if not named or not isinstance(node.target, ast.Name):
        return None
    return For(node.target.id, start, stop, step, falling, body, place, contract)


def _head(
    reader: Reader, head: ast.expr, place: Position
) -> tuple[Expression, Expression | None, Expression, int | None]:
    """(start, stop, step, falling) as `syntax.For` has them; a refused head reads as range(0)."""
    match head:
        case ast.Call(func=ast.Name(id="range"), args=bounds, keywords=[]) if 1 <= len(bounds) <= 3:
            hidden(reader, head, "range")
            return _range(reader, bounds, place)
    over = head.id if isinstance(head, ast.Name) else ""
    remedy = f"write for i in range(len({over})), and {over}[i] for the element" if over in reader.own else ""
    reader.refuse(
        head, "a for loop runs over range with one to three bounds", remedy or "write for i in range(len(xs))"
    )
    nothing = Number(0, False, place)
    return nothing, nothing, Number(1, False, place), None


def _range(
    reader: Reader, bounds: list[ast.expr], place: Position
) -> tuple[Expression, Expression | None, Expression, int | None]:
    if len(bounds) == 1:
        return Number(0, False, place), expression(reader, bounds[0]), Number(1, False, place), None
    start = expression(reader, bounds[0])
    falling = _negative(bounds[2]) if len(bounds) == 3 else None
    if falling is None:
        stop = expression(reader, bounds[1])
        step = expression(reader, bounds[2]) if len(bounds) == 3 else Number(1, False, place)
        return start, stop, step, None
    if _negative(bounds[1]) == 1:
        return start, None, Number(1, False, place), falling
    return start, expression(reader, bounds[1]), Number(1, False, place), falling


def _negative(node: ast.expr) -> int | None:
    """k for the literal -k with k ≥ 1."""
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as value)) if (
            not isinstance(value, bool) and value >= 1
        ):
            return value
    return None


def _return(
    reader: Reader, node: ast.Return, value: ast.expr | None, arrays: frozenset[str], place: Position
) -> Statement | None:
    if value is None or (isinstance(value, ast.Constant) and value.value is None):
        reader.refuse(node, "a program returns a word or an array", "return a value")
        return None
    if isinstance(value, ast.Name) and value.id in arrays:
        return Return(value.id, place)
    if new_array(value) is not None:
        reader.refuse(value, "an array is made by an assignment", "write ys = [c] * n, then return ys")
        return None
    if name := gives_array(reader, value):
        reader.refuse(value, "an array is received by an assignment", f"write ys = {name}(…), then return ys")
        return None
    return Return(expression(reader, value), place)
