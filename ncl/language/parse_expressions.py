"""Reads expressions: Python's `ast` → the typed tree, refusing what is outside the language.

A refused expression comes back as the number 0, so that reading goes on and finds the rest. Called by
`parse_statements`.
"""

from __future__ import annotations

import ast

from ncl.language import remedies
from ncl.language.builtins import BUILTINS
from ncl.language.program import Parameter, Position
from ncl.language.reader import Reader
from ncl.language.syntax import (
    Binary,
    Builtin,
    Call,
    Chain,
    Conditional,
    Element,
    Expression,
    Length,
    Logical,
    Number,
    Unary,
    Variable,
)  # fmt: skip

_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//", ast.Mod: "%",
    ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>",
}  # fmt: skip
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip
_OTHER_OPERATORS: dict[type[ast.operator], tuple[str, str]] = {
    ast.Div: ("`/` gives fractions, words are whole", "use `//`"),
    ast.Pow: ("`**` is no operation of the machine", "multiply in a loop"),
    ast.MatMult: ("`@` is no operation of the machine", "write the loops"),
}


def operator(reader: Reader, node: ast.AST, kind: ast.operator) -> str:
    """The spelling of an arithmetic operator; refused ones read as `+`."""
    if type(kind) in _BINARY:
        return _BINARY[type(kind)]
    reason, remedy = _OTHER_OPERATORS[type(kind)]
    if isinstance(node, ast.BinOp) and isinstance(kind, ast.Pow):
        remedy = remedies.of_power(node)
    reader.refuse(node, reason, remedy)
    return "+"


def expression(reader: Reader, node: ast.expr) -> Expression:
    """The typed tree of one expression."""
    place = reader.position(node)
    match node:
        case ast.Constant(value=bool() as truth):
            return Number(int(truth), False, place)
        case ast.Constant(value=int() as value):
            return Number(value, False, place)
        case ast.Name(id=name):
            return _name(reader, name, place)
        case ast.Subscript(value=ast.Name(id=array), slice=ast.UnaryOp(op=ast.USub()) as index):
            reader.refuse(index, "an index counts from 0: there is none from the end", remedies.of_index(array, index))
            return Number(0, False, place)
        case ast.Subscript(value=ast.Name(id=array), slice=index) if not isinstance(index, ast.Slice | ast.Tuple):
            return Element(array, expression(reader, index), place)
        case ast.UnaryOp(op=ast.Invert(), operand=ast.Constant(value=int() as value)) if not isinstance(value, bool):
            return Number(value, True, place)
        case ast.UnaryOp(op=ast.Invert(), operand=operand):
            return Unary("~", expression(reader, operand), place)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return Unary("not", expression(reader, operand), place)
        case ast.BinOp(left=left, op=kind, right=right):
            if isinstance(left, ast.List) or isinstance(right, ast.List):
                return _misplaced_array(reader, node, place)
            first, second = expression(reader, left), expression(reader, right)
            return Binary(operator(reader, node, kind), first, second, place)
        case ast.BoolOp(op=kind, values=values):
            return _logical(reader, "and" if isinstance(kind, ast.And) else "or", values, place)
        case ast.Compare(left=left, ops=[kind], comparators=[right]) if type(kind) in _COMPARISONS:
            first, second = (_ordered(reader, side, kind) for side in (left, right))
            return Binary(_COMPARISONS[type(kind)], first, second, place)
        case ast.Compare(left=left, ops=kinds, comparators=rest) if all(type(k) in _COMPARISONS for k in kinds):
            operands = tuple(_ordered(reader, part, kinds[0]) for part in (left, *rest))
            return Chain(operands, tuple(_COMPARISONS[type(k)] for k in kinds), place)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            condition = expression(reader, test)
            return Conditional(condition, expression(reader, body), expression(reader, orelse), place)
        case ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=array)], keywords=[]):
            hidden(reader, node, "len")
            return Length(array, place)
        case ast.Call(func=ast.Name(id=name)) if name in reader.callable:
            made = call(reader, node, name)
            if made is not None and reader.callable[name].result == "word":
                return made
            if made is not None:
                reader.refuse(node, f"{name} gives an array, a word is needed here",
                              f"write ys = {name}(…) in a statement of its own")  # fmt: skip
            return Number(0, False, place)
        case ast.Call(func=ast.Name(id=called)) if called in reader.builtin and called in reader.own:
            reader.refuse(
                node.func, f"{called} is a variable here, no function", "choose another name for the variable"
            )
            return Number(0, False, place)
        case ast.Call(func=ast.Name(id=called)) if called in reader.builtin:
            return _builtin(reader, node, reader.builtin[called])
    return _refused(reader, node, place)


def _ordered(reader: Reader, node: ast.expr, kind: ast.cmpop) -> Expression:
    """An expression whose size is taken: there the word that -x wraps to is the wrong one."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not isinstance(kind, ast.Eq | ast.NotEq):
        reader.refuse(node, "words are unsigned, there is no negative number", remedies.OF_ORDER)
        return Number(0, False, reader.position(node))
    return expression(reader, node)


def call(reader: Reader, node: ast.Call, name: str) -> Call | None:
    """A call of a function of the program; None when its arguments do not fit, which is refused."""
    reader.called.add(name)
    parameters = reader.callable[name].parameters
    plain = not node.keywords and not any(isinstance(a, ast.Starred) for a in node.args)
    if not plain or len(node.args) != len(parameters):
        wanted = ", ".join(f"{p.name}: {p.sort.capitalize()}" for p in parameters)
        reader.refuse(node, f"{name} takes {len(parameters)} arguments, each in its place",
                      f"write {name}({wanted.replace(': Word', '').replace(': Array', '')})")  # fmt: skip
        for given in (*node.args, *(k.value for k in node.keywords)):
            if not isinstance(given, ast.Name | ast.Starred):
                expression(reader, given)
        return None
    before = len(reader.found)
    arguments = [_argument(reader, given, p, name) for given, p in zip(node.args, parameters, strict=True)]
    for number, argument in enumerate(arguments):
        if isinstance(argument, str) and argument in arguments[:number]:
            reader.refuse(node.args[number], f"{argument} is passed twice: two names for it would be an alias",
                          "pass a copy: make a new array and copy the elements")  # fmt: skip
    if len(reader.found) > before:
        return None
    return Call(name, tuple(a for a in arguments if a is not None), reader.position(node))


def _argument(reader: Reader, node: ast.expr, parameter: Parameter, name: str) -> Expression | str | None:
    if parameter.sort == "word":
        return expression(reader, node)
    if isinstance(node, ast.Name):
        return node.id
    reader.refuse(node, f"parameter {parameter.name} of {name} is an array", "pass the name of an array")
    return None


def _builtin(reader: Reader, node: ast.Call, name: str) -> Expression:
    """A function of the language itself. `abs(a - b)` has the two sides as its arguments."""
    place, row, given = reader.position(node), BUILTINS[name], list(node.args)
    if name == "abs":
        match given:
            case [ast.BinOp(left=left, op=ast.Sub(), right=right)] if not node.keywords:
                if (inside := _difference(left) or _difference(right)) is not None:
                    reader.refuse(inside, "abs takes one difference: this one wraps below 0, as Python's does not",
                                  "bring it to the other side: abs(a - (b + c)) for a - b - c")  # fmt: skip
                given = [left, right]
            case _:
                reader.refuse(node, "abs takes a difference: a word has no sign", "write abs(a - b)")
                return Number(0, False, place)
    if node.keywords or len(given) < row.least or (row.most is not None and len(given) > row.most):
        count = f"{row.least}" if row.most == row.least else f"{row.least} or more"
        remedy = f"write {name}({', '.join('abcd'[: row.least])})"
        if len(given) == 1 and isinstance(given[0], ast.Name) and given[0].id in reader.arrays:
            remedy += f", in a loop for an array: best = {name}(best, {given[0].id}[i])"
        reader.refuse(node, f"{name} takes {count} words", remedy)
        return Number(0, False, place)
    if isinstance(node.func, ast.Name) and row.imported:
        reader.borrowed.add(node.func.id)
    kind = ast.Lt() if name in ("min", "max") else ast.Eq()
    return Builtin(name, tuple(_ordered(reader, part, kind) for part in given), place)


def _difference(node: ast.expr) -> ast.expr | None:
    """A difference among the terms that a side of one is made of."""
    match node:
        case ast.BinOp(op=ast.Sub()):
            return node
        case ast.BinOp(left=left, op=ast.Add() | ast.Mult(), right=right):
            return _difference(left) or _difference(right)
    return None


def hidden(reader: Reader, node: ast.AST, name: str) -> None:
    """`len` and `range` are the language's own; a file that gives the name to something else is refused."""
    if name in reader.bound:
        reader.refuse(node, f"{name} is something else in this file", f"rename what hides {name}")


def _name(reader: Reader, name: str, place: Position) -> Expression:
    constant = reader.constants.get(name)
    if constant is None:
        return Variable(name, place)
    reader.used.add(name)
    return Number(constant.value, constant.inverted, place)


def _logical(reader: Reader, kind: str, values: list[ast.expr], place: Position) -> Expression:
    """`a and b and c` is `a and (b and c)`: the same values in the same order."""
    parts = [expression(reader, value) for value in values]
    whole = parts[-1]
    for part in reversed(parts[:-1]):
        whole = Logical(kind, part, whole, place)
    return whole


def _misplaced_array(reader: Reader, node: ast.expr, place: Position) -> Expression:
    reader.refuse(
        node,
        "an array is made only by an assignment `name = [c] * n`",
        "write name = [c] * n: one value, then how many",
    )
    return Number(0, False, place)


def _refused(reader: Reader, node: ast.expr, place: Position) -> Expression:
    reason, remedy = _why(reader, node)
    reader.refuse(node, reason, remedy)
    if isinstance(node, ast.NamedExpr):
        reader.lose(node)
    for child in _inside(node):
        if not isinstance(child, ast.Constant | ast.Name):
            expression(reader, child)
    return Number(0, False, place)


def _inside(node: ast.expr) -> list[ast.expr]:
    """The parts of a refused expression that may hold violations of their own."""
    match node:
        case ast.Call(func=function, args=args, keywords=keywords):
            of = [function.value] if isinstance(function, ast.Attribute) else []
            return [*of, *args, *(k.value for k in keywords)]
        case ast.Subscript(value=value, slice=ast.Slice(lower=lower, upper=upper, step=step)):
            return [value, *(bound for bound in (lower, upper, step) if bound is not None)]
        case ast.Subscript(value=value, slice=ast.Tuple(elts=elements)):
            return [value, *elements]
        case ast.JoinedStr():
            return []
    return [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]


def _why(reader: Reader, node: ast.expr) -> tuple[str, str]:
    match node:
        case ast.Call(func=ast.Name(id=name)) if name in reader.absent:
            return reader.absent[name]
        case ast.Constant(value=float() | complex()):
            return "words are whole numbers", "write a number without a fraction"
        case ast.Constant():
            return f"{type(node.value).__name__} is no word", "use a number"
        case ast.UnaryOp(op=ast.USub()):
            return "words are unsigned, there is no negative number", remedies.of_negative(node)
        case ast.UnaryOp(op=ast.UAdd()):
            return "a plus sign in front means nothing", "leave it out"
        case ast.Compare():
            return "`in` and `is` compare no words", "use == or a loop"
        case ast.Call(func=ast.Name(id="len")):
            return "len takes the name of one array", "write len(xs)"
        case ast.Call(func=ast.Name(id="range")):
            return "range stands only in `for … in range(…)`", "use it in a for statement"
        case ast.Call(func=ast.Name(id=name)) if name in BUILTINS and name in reader.bound:
            return f"{name} is something else in this file", f"rename what hides {name}"
        case ast.Call(func=ast.Name(id=name)):
            known = (*reader.callable, *reader.builtin, "len")
            return f"{name} is no function that can be called here", remedies.of_function(name, known)
        case ast.Call(func=function):
            return "methods and computed functions cannot be called", remedies.of_method(function)
        case ast.Subscript(slice=ast.Slice()):
            return "there are no slices", "copy the elements in a loop"
        case ast.Subscript():
            return "only an array's name takes an index, and only one", remedies.of_cell(node)
        case ast.Set() | ast.Dict():
            return "an array is made only as `[c] * n`", remedies.of_function("set", ())
        case ast.List() | ast.Tuple():
            return "an array is made only as `[c] * n`", "make it with [0] * n and fill it"
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            return "there are no comprehensions", "write a for loop"
        case ast.Lambda():
            return "there are no lambdas", "write a loop or a statement"
        case ast.NamedExpr():
            return "`:=` assigns inside an expression", "assign in a statement of its own"
        case ast.Attribute():
            return "there are no attributes", "use words and arrays only"
        case ast.JoinedStr():
            return "there is no text", "use numbers"
        case ast.Await() | ast.Yield() | ast.YieldFrom():
            return "a program neither waits nor yields", "return the result"
        case ast.Starred():
            return "a star spreads nothing here", "write the elements one by one"
    return f"{type(node).__name__} is outside the language", "see the language reference"
