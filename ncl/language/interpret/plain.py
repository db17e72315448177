"""A program as plain Python: the third witness beside the source interpreter and the machine.

What is run is the program's own text, read again by Python's `ast` and taken apart: decorators, annotations and
contracts are left out, loop heads, new arrays and calls are counted, and what is not a node of the language is refused.
The functions see each other, their constants, and a handful of Python's functions; no file is imported. Called by the
property `source = python`, the obligation `python/PROGRAM` and `ncl run --check`.
"""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache, wraps
from operator import add, lshift, mul, sub
from types import CodeType, TracebackType
from typing import Any

from ncl.errors import CapacityError
from ncl.language import declare
from ncl.language.builtins import IMPORTED
from ncl.language.interpret.source import ExactRun, run_exact, run_source
from ncl.language.opcodes import Trap
from ncl.language.parse_contracts import word_of
from ncl.language.program import Position, Sizes, Value
from ncl.language.syntax import Function
from ncl.language.trace import DEFAULT_BUDGET, Result, TrapReport

# All that a text of the language is made of; a text with anything else is not run.
_NODES = (
    ast.FunctionDef, ast.arguments, ast.arg, ast.Assign, ast.AugAssign, ast.If, ast.While, ast.For, ast.Break,
    ast.Continue, ast.Assert, ast.Return, ast.Pass, ast.Expr, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare,
    ast.IfExp, ast.Call, ast.Subscript, ast.Name, ast.Constant, ast.List, ast.Tuple, ast.expr_context, ast.operator,
    ast.unaryop, ast.boolop, ast.cmpop,
)  # fmt: skip
_BUILTINS: dict[str, Any] = {"abs": abs, "len": len, "max": max, "min": min, "range": range}
_TRAPS = {ZeroDivisionError: Trap.DIVISION, ValueError: Trap.DIVISION, IndexError: Trap.INDEX,
          AssertionError: Trap.ASSERT}  # fmt: skip
_OPERATORS: dict[str, Callable[[int, int], int]] = {"Add": add, "Sub": sub, "Mult": mul, "LShift": lshift}
_BEYOND = (Trap.MEMORY,)  # what Python has no bound for


@dataclass(frozen=True)
class Agreement:
    """What a run of source and one of Python have in common. `kind`: agree, wrapped, beyond or differ."""

    kind: str
    source: ExactRun
    python: PlainRun | None = None

    @property
    def difference(self) -> str:
        """How they differ."""
        assert self.python is not None and self.source.result is not None
        mine = _told(self.source.result, self.source.arrays)
        theirs = self.python.raised or _told(self.python.result, self.python.arrays)
        return f"the source gives {mine}, plain Python {theirs}"


@dataclass(frozen=True)
class PlainRun:
    """`raised` is what Python raised that is no trap of the language, else ""."""

    result: Result
    arrays: tuple[list[int], ...]
    raised: str = ""


def compared(
    function: Function, arguments: list[Value], sizes: Sizes | None = None, budget: int = DEFAULT_BUDGET
) -> Agreement:
    """Run the source and plain Python; where a number leaves the words, Python with each result taken modulo N.

    They agree in result, ticks, the arrays that were passed, and in what ended them early with its line. Python knows
    no end of memory, so those runs are not compared; nor are runs that wrap of programs with signed operations, which
    Python has of numbers below 0 alone.
    """
    machine = sizes or Sizes()
    source = run_exact(function, arguments, machine, budget)
    if source.result is None:
        return _modulo(function, arguments, machine, budget, source)
    if source.result.trap is not None and source.result.trap.kind in _BEYOND:
        return Agreement("beyond", source)
    python = run_plain(function, arguments, machine.depth, budget)
    alike = not python.raised and _key(source.result) == _key(python.result) and source.arrays == python.arrays
    return Agreement("agree" if alike else "differ", source, python)


def _modulo(function: Function, arguments: list[Value], sizes: Sizes, budget: int, source: ExactRun) -> Agreement:
    """Of a run that wraps: "wrapped", with Python's run where the two were compared, or "differ"."""
    result = run_source(function, arguments, sizes, budget)
    signed = any(one.constants and _signed(one.constants) for one in function.program.values())
    if signed or (result.trap is not None and result.trap.kind in _BEYOND):
        return Agreement("wrapped", source)
    python = run_plain(function, arguments, sizes.depth, budget, sizes.width)
    if not python.raised and _key(result) == _key(python.result):
        return Agreement("wrapped", source, python)
    return Agreement("differ", ExactRun(result, source.wrap, ()), PlainRun(python.result, (), python.raised))


def _signed(constants: str) -> bool:
    """Whether a text imports operations of signed words."""
    return any(
        isinstance(node, ast.ImportFrom) and any(a.name in IMPORTED for a in node.names)
        for node in ast.parse(constants).body
    )


def run_plain(
    function: Function, arguments: list[Value], depth: int, budget: int = DEFAULT_BUDGET, width: int = 0
) -> PlainRun:
    """Run as Python, ended after so many ticks or open calls; with a width, what may leave the words is taken modulo N.

    Raises CapacityError for what is no text of ours.
    """
    meter, given = _Meter(budget, depth, width), [list(v) if isinstance(v, list) else v for v in arguments]
    names = _names(function, meter)
    arrays = tuple(value for value in given if isinstance(value, list))
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, before + 300 * bool(function.others) + 10 * (depth + 1)))
    try:
        value = names[_entry(function)](*given)
    except Exception as fault:  # whatever Python raises is an answer
        report = _report(function, fault)
        raised = "" if report else f"{type(fault).__name__}: {fault}"
        return PlainRun(Result(None, meter.ticks, None, report), arrays, raised)
    finally:
        sys.setrecursionlimit(before)
    return PlainRun(Result(value, meter.ticks, None), arrays)


def _key(result: Result) -> tuple[object, ...]:
    trap = result.trap
    place = trap.position if trap else None
    return result.result, result.ticks, trap and trap.kind, place and (place.line, place.file)


def _told(result: Result, arrays: tuple[list[int], ...]) -> str:
    value = str(result.trap) if result.trap else str(result.result)
    left = f", arrays {', '.join(map(str, arrays))}" if arrays else ""
    return f"{value} after {result.ticks} ticks{left}"


# --- running ---------------------------------------------------------------------------------------------------------


class _Ended(Exception):
    """The ticks are used up, or all calls are open."""

    def __init__(self, trap: Trap) -> None:
        super().__init__(trap)
        self.trap = trap


@dataclass
class _Meter:
    """Counts what the source interpreter counts."""

    budget: int
    depth: int
    width: int = 0  # 0 where numbers are Python's own
    ticks: int = 0
    calls: int = field(default=0)

    def tick(self) -> bool:
        if self.ticks >= self.budget:
            raise _Ended(Trap.BUDGET)
        self.ticks += 1
        return True

    def each(self, rounds: Iterable[int]) -> Iterator[int]:
        """A tick at each arrival, the last one too."""
        following = iter(rounds)
        for number in following:
            self.tick()
            yield number
        self.tick()

    def made(self, array: list[int]) -> list[int]:
        for _ in range(len(array) + 1):
            self.tick()
        return array

    def word(self, number: int) -> int:
        return number & ((1 << self.width) - 1)

    def operate(self, operator: str, x: int, y: int) -> int:
        if operator == "LShift" and y >= self.width:
            return 0
        return self.word(_OPERATORS[operator](x, y))

    def augment(self, cells: list[int], at: int, operator: str, change: Callable[[], int]) -> None:
        """`cells[at] += change`: the old element is read first."""
        old = cells[at]
        cells[at] = self.operate(operator, old, change())

    def called(self, function: Callable[..., Value]) -> Callable[..., Value]:
        @wraps(function)
        def call(*arguments: Value) -> Value:
            self.tick()
            if self.calls >= self.depth:
                raise _Ended(Trap.STACK)
            self.calls += 1
            value = function(*arguments)
            self.calls -= 1
            return value

        return call


def _names(function: Function, meter: _Meter) -> dict[str, Any]:
    """The module in which the functions run, with nothing in it but what they may use."""
    names: dict[str, Any] = {"__builtins__": {}, **_BUILTINS, "tick@": meter.tick, "each@": meter.each,
                             "made@": meter.made, "word@": meter.word, "operate@": meter.operate,
                             "augment@": meter.augment}  # fmt: skip
    for one in function.program.values():
        constants = _constants(one.constants)
        if meter.width:
            constants = {name: meter.word(v) if isinstance(v, int) else v for name, v in constants.items()}
        names |= constants
        exec(_code(_This(one), bool(meter.width)), names)
    names[_entry(function)] = names[function.name]
    for name in function.program:
        names[name] = meter.called(names[name])
    return names


def _entry(function: Function) -> str:
    """The name under which the program's first function is called without being counted."""
    return f"{function.name}@"


def _constants(text: str) -> dict[str, Any]:
    """Assignments of literals and imports from ncl, as `Function.constants` has them."""
    found: dict[str, Any] = {}
    for node in ast.parse(text).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=int() as value)):
                found[name] = value
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.UnaryOp(operand=ast.Constant(value=int() as value))):
                found[name] = ~value
            case ast.ImportFrom(names=names):
                found |= {a.asname or a.name: getattr(declare, a.name) for a in names if a.name in IMPORTED}
    return found


def _report(function: Function, fault: Exception) -> TrapReport | None:
    """The trap that an exception is, with the line where it was raised; None when it is none."""
    kind = fault.trap if isinstance(fault, _Ended) else _TRAPS.get(type(fault))
    place = _place(function, fault.__traceback__)
    return TrapReport(kind, place) if kind is not None and place is not None else None


def _place(function: Function, traceback: TracebackType | None) -> Position | None:
    """Of the innermost frame that is the program's own."""
    files = {_file(one): one.position.file for one in function.program.values()}
    found = None
    while traceback is not None:
        name = traceback.tb_frame.f_code.co_filename
        if name in files:
            found = Position(traceback.tb_lineno, 1, files[name])
        traceback = traceback.tb_next
    return found


# --- making ----------------------------------------------------------------------------------------------------------


class _This:
    """One function as an object, as the source interpreter keeps it."""

    def __init__(self, function: Function) -> None:
        self.function = function

    def __hash__(self) -> int:
        return id(self.function)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _This) and other.function is self.function


def _file(function: Function) -> str:
    return f"<{function.position.file or 'program'}:{function.name}>"


@lru_cache(maxsize=256)
def _code(this: _This, modulo: bool) -> CodeType:
    """The function's text, counted, at the lines of its file; with `modulo`, as operations on words."""
    function = this.function
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (node,) = ast.parse(function.text).body
        assert isinstance(node, ast.FunctionDef)
        ast.increment_lineno(node, function.position.line - node.lineno)
        bare = _Bare().visit(node)
        _checked(function, bare)
        counted = _Counted().visit(_Modulo().visit(bare) if modulo else bare)
        module = ast.Module([ast.fix_missing_locations(counted)], [])
        return compile(module, _file(function), "exec", dont_inherit=True, optimize=0)


def _checked(function: Function, node: ast.AST) -> None:
    """What is run holds nothing but nodes of the language, and calls nothing but functions by their names."""
    for inner in ast.walk(node):
        named = not isinstance(inner, ast.Call) or (isinstance(inner.func, ast.Name) and not inner.keywords)
        hidden = isinstance(inner, ast.Name) and (inner.id.startswith("__") or "@" in inner.id)
        if not isinstance(inner, _NODES) or not named or hidden:
            raise CapacityError(
                f"{type(inner).__name__} is not run as Python", where=f"{function.file}:{function.name}"
            )


class _Bare(ast.NodeTransformer):
    """Takes away what the language does not run: decorators, annotations, contracts."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.decorator_list, node.returns = [], None
        for argument in node.args.args:
            argument.annotation = None
        return self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        return ast.copy_location(ast.Pass(), node) if word_of(node) else self.generic_visit(node)


class _Counted(ast.NodeTransformer):
    """Puts in the ticks of loop heads and new arrays; those of calls are in the functions."""

    def visit_While(self, node: ast.While) -> ast.AST:
        self.generic_visit(node)
        tick = ast.copy_location(_call("tick@", node), node)
        node.test = ast.copy_location(ast.BoolOp(ast.And(), [tick, node.test]), node.test)
        return node

    def visit_For(self, node: ast.For) -> ast.AST:
        self.generic_visit(node)
        node.iter = _call("each@", node, node.iter)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.value, ast.BinOp) and isinstance(node.value.left, ast.List):
            node.value = _call("made@", node, node.value)
        return node


class _Modulo(ast.NodeTransformer):
    """Takes every result that may leave the words modulo N, but for what is written to lie below 0: the difference in
    `abs(a - b)`, and the ends of a range that falls.
    """

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.left, ast.List) or type(node.op).__name__ not in _OPERATORS:
            return node
        return _call("operate@", node, ast.Constant(type(node.op).__name__), node.left, node.right)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        return _call("word@", node, node) if isinstance(node.op, ast.Invert) else node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        value = self.visit(node.value)
        name, target = type(node.op).__name__, node.target
        if name not in _OPERATORS:
            node.value, node.target = value, self.visit(target)
            return node
        if isinstance(target, ast.Name):
            changed = _call("operate@", node, ast.Constant(name), ast.Name(target.id, ast.Load()), value)
            return ast.copy_location(ast.Assign([target], changed), node)
        assert isinstance(target, ast.Subscript)
        later = ast.Lambda(ast.arguments([], [], None, [], [], None, []), value)
        call = _call("augment@", node, target.value, self.visit(target.slice), ast.Constant(name), later)
        return ast.copy_location(ast.Expr(call), node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        first = node.args[0] if node.args else None
        falls = name == "range" and len(node.args) == 3 and isinstance(node.args[2], ast.UnaryOp)
        to_zero = falls and isinstance(node.args[1], ast.UnaryOp)
        if isinstance(first, ast.BinOp) and isinstance(first.op, ast.Sub) and (name == "abs" or to_zero):
            first.left, first.right = self.visit(first.left), self.visit(first.right)
            node.args[1:] = [self.visit(other) for other in node.args[1:]]
            return node
        return self.generic_visit(node)


def _call(name: str, place: ast.AST, *arguments: ast.expr) -> ast.Call:
    """A call that counts as standing where the statement does."""
    call = ast.copy_location(ast.Call(ast.Name(name, ast.Load()), list(arguments), []), place)
    call.end_lineno, call.end_col_offset = call.lineno, call.col_offset
    return call
