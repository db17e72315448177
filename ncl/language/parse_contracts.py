"""Reads contracts: Python's `ast` → the tree of `contracts`, refusing what they cannot say.

They stand at the top of their function or loop and nowhere else. Called by `parse` and `parse_statements`.
"""

from __future__ import annotations

import ast
from typing import Literal as Choices

from ncl.language.contracts import (
    ArrayName,
    Calculation,
    Cell,
    Choice,
    Clause,
    Comparison,
    Display,
    Expression,
    FunctionContract,
    Junction,
    Literal,
    LoopContract,
    Measure,
    Name,
    Not,
    Permutation,
    Quantified,
    Same,
    Sequence,
    Size,
    Slice,
    Sorted,
    Time,
)  # fmt: skip
from ncl.language.program import Position, Signature
from ncl.language.reader import Reader

WORDS = ("requires", "ensures", "invariant", "decreases")
PLACES = {
    "requires": "`requires` stands at the top of its function",
    "ensures": "`ensures` stands at the top of its function",
    "invariant": "`invariant` stands at the top of the body of its loop",
    "decreases": "`decreases` stands at the top of its function or of the body of its loop",
}
_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//", ast.Mod: "%",
}  # fmt: skip
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip


def word_of(node: ast.AST) -> str | None:
    """Which contract a statement is: `requires(…)`, `ncl.requires(…)`."""
    match node:
        case ast.Expr(value=ast.Call(func=ast.Name(id=name) | ast.Attribute(value=ast.Name(), attr=name))):
            return name if name in WORDS else None
    return None


def function_contract(
    reader: Reader, body: list[ast.stmt], arrays: frozenset[str], signature: Signature
) -> tuple[FunctionContract, list[ast.stmt]]:
    """The contract at the top of a function, and what stands behind it."""
    clauses, rest = _leading(body, ("requires", "ensures", "decreases"))
    read = _Reading(reader, arrays, frozenset(p.name for p in signature.parameters))
    after = _Reading(reader, arrays, read.parameters, signature.result)
    return (
        FunctionContract(
            tuple(read.clause(node) for word, node in clauses if word == "requires"),
            tuple(after.clause(node) for word, node in clauses if word == "ensures"),
            read.measure([node for word, node in clauses if word == "decreases"]),
        ),
        rest,
    )


def loop_contract(
    reader: Reader, body: list[ast.stmt], arrays: frozenset[str], parameters: frozenset[str]
) -> tuple[LoopContract, list[ast.stmt]]:
    """The contract at the top of a loop's body, and what stands behind it."""
    clauses, rest = _leading(body, ("invariant", "decreases"))
    read = _Reading(reader, arrays, parameters)
    invariants = tuple(read.clause(node) for word, node in clauses if word == "invariant")
    return LoopContract(invariants, read.measure([n for word, n in clauses if word == "decreases"])), rest


def _leading(body: list[ast.stmt], wanted: tuple[str, ...]) -> tuple[list[tuple[str, ast.Call]], list[ast.stmt]]:
    found: list[tuple[str, ast.Call]] = []
    for number, node in enumerate(body):
        word = word_of(node)
        if word not in wanted or not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
            return found, body[number:]
        found.append((word, node.value))
    return found, []


class _Reading:
    """Reads the clauses of one place; `result` is the sort of what is returned, where that may be named."""

    def __init__(
        self, reader: Reader, arrays: frozenset[str], parameters: frozenset[str], result: str | None = None
    ) -> None:
        self.reader, self.arrays, self.parameters, self.result = reader, arrays, parameters, result
        self.bound: tuple[str, ...] = ()

    # --- clauses

    def clause(self, call: ast.Call) -> Clause:
        place = self.reader.position(call)
        self.meant(call.func)
        if len(call.args) != 1 or call.keywords:
            self.refuse(call, "a contract holds one condition", "write one such line for each")
            return Clause(Literal(1, False, place), "", place)
        value = call.args[0]
        if isinstance(value, ast.GeneratorExp):
            return Clause(self.quantified("all", value), self.text(call), place)
        return Clause(self.number(value), self.text(call), place)

    def measure(self, calls: list[ast.Call]) -> Measure | None:
        for more in calls[1:]:
            self.refuse(more, "there is one `decreases`", "write decreases(a, b): a falls, or it stays and b falls")
        if not calls:
            return None
        call = calls[0]
        self.meant(call.func)
        only = call.args[0] if len(call.args) == 1 else None
        parts = only.elts if isinstance(only, ast.Tuple) else call.args
        if not parts or call.keywords:
            self.refuse(call, "`decreases` holds one number or several", "write decreases(n - i)")
        return Measure(tuple(map(self.number, parts)), self.text(call), self.reader.position(call))

    def meant(self, node: ast.expr) -> None:
        """A word of contracts, or a function of Python's that they know: refused where it means something else."""
        if not isinstance(node, ast.Name):
            return
        if node.id in self.reader.own:
            self.refuse(node, f"{node.id} is a variable here, no function", "choose another name for the variable")
        elif node.id in self.reader.bound and node.id not in self.reader.words:
            self.refuse(node, f"{node.id} is something else in this file", f"rename what hides {node.id}")

    def text(self, node: ast.expr) -> str:
        lines = self.reader.lines[node.lineno - 1 : node.end_lineno]
        first, last = node.col_offset, node.end_col_offset or 0
        whole = "\n".join(lines).encode()
        tail = len(lines[-1].encode()) - last if lines else 0
        return " ".join(whole[first : len(whole) - tail].decode(errors="ignore").split())

    def refuse(self, node: ast.AST, reason: str, remedy: str) -> Expression:
        self.reader.refuse(node, reason, remedy)
        return Literal(0, False, self.reader.position(node))

    # --- numbers and conditions

    def number(self, node: ast.expr) -> Expression:
        place = self.reader.position(node)
        match node:
            case ast.Constant(value=int() as value):
                return Literal(int(value), False, place)
            case ast.UnaryOp(op=ast.Invert(), operand=ast.Constant(value=int() as value)):
                return Literal(int(value), True, place)
            case ast.Name(id=name):
                return self.name(node, name, place)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Not(self.number(operand), place)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Calculation("-", Literal(0, False, place), self.number(operand), place)
            case ast.BinOp(left=left, op=kind, right=right) if type(kind) in _ARITHMETIC:
                return Calculation(_ARITHMETIC[type(kind)], self.number(left), self.number(right), place)
            case ast.BoolOp(op=kind, values=values):
                return Junction("and" if isinstance(kind, ast.And) else "or", tuple(map(self.number, values)), place)
            case ast.Compare(left=left, ops=kinds, comparators=others) if all(type(k) in _COMPARISONS for k in kinds):
                return self.compared([left, *others], [_COMPARISONS[type(k)] for k in kinds], place)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return Choice(self.number(test), self.number(body), self.number(orelse), place)
            case ast.Subscript(value=of, slice=index) if not isinstance(index, ast.Slice | ast.Tuple):
                array = self.array(of)
                return Cell(array, self.number(index), place) if array else self.no_array(of)
            case ast.Call(func=ast.Name(id=function), args=arguments, keywords=[]):
                return self.call(node, function, arguments, place)
        return self.refuse(node, "a contract cannot say this", "see the page on contracts")

    def name(self, node: ast.expr, name: str, place: Position) -> Expression:
        if name in self.bound:
            return Name(name, "now", place)
        if name == "result" and self.result:
            if self.result == "array":
                return self.refuse(node, "result is an array, a number is needed here", "take result[i] or len(result)")
            return Name(name, "result", place)
        if name in self.arrays:
            return self.refuse(node, f"{name} is an array, a number is needed here",
                               f"take an element {name}[i] or its length len({name})")  # fmt: skip
        constant = self.reader.constants.get(name)
        if constant is None:
            # When a function returns, its word parameters mean what was passed.
            return Name(name, "old" if self.result else "now", place)
        self.reader.used.add(name)
        return Literal(constant.value, constant.inverted, place)

    def compared(self, sides: list[ast.expr], operators: list[str], place: Position) -> Expression:
        """`a < b < c` is `a < b and b < c`; == and != compare two sequences too."""
        if len(operators) == 1 and operators[0] in ("==", "!=") and any(map(self.is_sequence, sides)):
            left, right = map(self.sequence, sides)
            same = Same(left, right, place)
            return same if operators[0] == "==" else Not(same, place)
        numbers = [self.number(side) for side in sides]
        parts = tuple(Comparison(o, a, b, place) for o, a, b in zip(operators, numbers, numbers[1:], strict=False))
        return parts[0] if len(parts) == 1 else Junction("and", parts, place)

    def call(self, node: ast.Call, function: str, arguments: list[ast.expr], place: Position) -> Expression:
        self.meant(node.func if isinstance(node, ast.Call) else node)
        match function, arguments:
            case "len", [of]:
                array = self.array(of)
                return Size(array, place) if array else self.no_array(of)
            case "old", [ast.Name(id=name)] if name in self.bound:
                return self.refuse(node, f"{name} is the variable of a quantifier here, and `old` takes a parameter",
                                   "give the quantifier another variable")  # fmt: skip
            case "old", [ast.Name(id=name)] if name in self.parameters and name not in self.arrays:
                return Name(name, "old", place)
            case "old", [_]:
                return self.refuse(node, "`old` takes a parameter, and a number is needed here",
                                   "write old(n), or old(xs)[i] for an array")  # fmt: skip
            case ("all" | "any" | "sum") as kind, [ast.GeneratorExp() as generator]:
                return self.quantified(kind, generator)
            case "sum", [of] if self.array(of, quiet=True) or isinstance(of, ast.Subscript):
                return self.total(of, place)
            case "sorted", [of]:
                return Sorted(self.sequence(of), place)
            case "permutation", [left, right]:
                return Permutation(self.sequence(left), self.sequence(right), place)
            case ("min" | "max") as kind, [left, right]:
                a, b = self.number(left), self.number(right)
                return Choice(Comparison("<=" if kind == "min" else ">=", a, b, place), a, b, place)
        return self.refuse(node, f"a contract cannot call {function} so", "it knows len, old, all, any, sum, sorted, "
                           "permutation, min and max")  # fmt: skip

    def quantified(self, kind: Choices["all", "any", "sum"], node: ast.GeneratorExp) -> Expression:
        """Several `for` stand for several quantifiers in each other."""
        outside = self.bound
        heads: list[tuple[str, Expression, Expression, Expression | None, Position]] = []
        for head in node.generators:
            place = self.reader.position(head.target)
            match head:
                case ast.comprehension(
                    target=ast.Name(id=name), iter=ast.Call(func=ast.Name(id="range"), args=bounds, keywords=[])
                ) if len(bounds) in (1, 2):
                    limits = list(map(self.number, bounds))
                    start = limits[0] if len(limits) == 2 else Literal(0, False, place)
                    if name in self.arrays or name in self.reader.constants or name in ("result", "len", "range"):
                        self.refuse(head.target, f"{name} already means something else here", "choose another name")
                    self.bound = (*self.bound, name)
                    tests = tuple(map(self.number, head.ifs))
                    condition: Expression | None = Junction("and", tests, place) if tests else None
                    heads.append((name, start, limits[-1], condition, place))
                case _:
                    self.refuse(head.iter, "a quantifier runs over range with one or two bounds",
                                "write for i in range(len(xs))")  # fmt: skip
                    self.reader.lost.update(n.id for n in ast.walk(head.target) if isinstance(n, ast.Name))
        body = self.number(node.elt)
        self.bound = outside
        for name, start, stop, test, place in reversed(heads):
            body = Quantified(kind, name, start, stop, test, body, place)
        return body

    def total(self, of: ast.expr, place: Position) -> Expression:
        """`sum(xs[a:b])` is `sum(xs[i] for i in range(a, b))`, cut to the array."""
        piece = self.slice(of)
        if piece is None:
            return self.no_array(of)
        size = Size(piece.array, place)
        stop = size if piece.stop is None else Choice(
            Comparison("<=", piece.stop, size, place), piece.stop, size, place
        )  # fmt: skip
        hidden = f"{len(self.bound)} of sum"  # no variable is called so
        cell = Cell(piece.array, Name(hidden, "now", place), place)
        return Quantified("sum", hidden, piece.start or Literal(0, False, place), stop, None, cell, place)

    # --- arrays

    def array(self, node: ast.expr, quiet: bool = False) -> ArrayName | None:
        place = self.reader.position(node)
        match node:
            case ast.Name(id="result") if self.result == "array":
                return ArrayName("result", "result", place)
            case ast.Name(id=name) if name in self.arrays and name not in self.bound:
                return ArrayName(name, "now", place)
            case ast.Call(func=ast.Name(id="old"), args=[ast.Name(id=name)], keywords=[]) if (
                name in self.arrays and name in self.parameters
            ):
                time: Time = "old"
                return ArrayName(name, time, place)
        return None

    def no_array(self, node: ast.expr) -> Expression:
        return self.refuse(node, "an array is needed here", "name one, or write old(xs) for a parameter as passed")

    def is_sequence(self, node: ast.expr) -> bool:
        sliced = isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice)
        return isinstance(node, ast.List) or sliced or self.array(node) is not None

    def slice(self, node: ast.expr) -> Slice | None:
        place = self.reader.position(node)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            array, bounds = self.array(node.value), node.slice
            if bounds.step is not None:
                self.refuse(bounds.step, "a slice in a contract has no step", "write a quantifier")
            if array is None:
                return None
            start = self.number(bounds.lower) if bounds.lower else None
            return Slice(array, start, self.number(bounds.upper) if bounds.upper else None, place)
        array = self.array(node)
        return Slice(array, None, None, place) if array else None

    def sequence(self, node: ast.expr) -> Sequence:
        place = self.reader.position(node)
        if isinstance(node, ast.List):
            return Display(tuple(self.part(p) for p in node.elts), place)
        piece = self.slice(node)
        if piece is None:
            self.refuse(node, "an array, a slice of one, or a list of both is needed here", "write xs, xs[:i] or "
                        "[*xs[:i], x]")  # fmt: skip
            return Display((), place)
        return piece

    def part(self, node: ast.expr) -> Slice | Expression:
        if isinstance(node, ast.Starred):
            piece = self.slice(node.value)
            return piece if piece is not None else self.no_array(node.value)
        return self.number(node)
