"""THE op table: what every instruction means, once, over the algebra of `word.py`.

From a row are derived the opcode itself (`numbering` writes `opcodes` from here), the reference interpreter (ints), the
solver term (verify), the property strategies, the function of source texts that calls it, the assembly text and the
reference page. A circuit of the machine may not see it: two independent readings of the prose are what makes their
agreement worth proving. The examples are worked by hand. docs/extending.md says how a row is added.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from ncl.language.halves import Halves
from ncl.language.opcodes import Opcode
from ncl.language.operands import Kind, Trap
from ncl.language.word import Algebra, Term


class View(Protocol):
    """The state before the step, as a row may read it. Operands and everything but words are naturals."""

    algebra: Algebra
    a: Term
    b: Term
    c: Term
    pc: Term
    hp: Term
    fp: Term
    sp: Term
    ticks: Term
    budget: Term
    memory_size: Term
    frame_size: Term
    depth: Term

    def register(self, index: Term) -> Term:
        """The word in a register."""

    def memory(self, address: Term) -> Term:
        """The word in a memory cell."""

    def frame(self, slot: Term) -> Term:
        """The word in a frame slot."""

    def stack(self, level: Term) -> tuple[Term, Term, Term]:
        """(return pc, fp, hp) of a level of the call stack."""


class Effect(NamedTuple):
    """What one instruction does; what is None stays as it is, and the pc moves to the next line.

    The first trap whose condition holds wins: then the machine halts, `trap` is set, and nothing else changes, the pc
    included. A trap condition None means `always`.
    """

    traps: tuple[tuple[Term | None, Trap | Term], ...] = ()
    register: Term | None = None  # written to register a
    memory: tuple[Term, Term] | None = None  # (address, word)
    frame: tuple[Term, Term] | None = None  # (slot, word)
    push: tuple[Term, Term, Term] | None = None  # (return pc, fp, hp), written at stack level sp
    pc: Term | None = None
    hp: Term | None = None
    fp: Term | None = None
    sp: Term | None = None
    ticks: Term | None = None
    halt: bool = False


WordMeaning = Callable[..., Term]  # (algebra, x) or (algebra, x, y) → word


Example = tuple[int, tuple[int, ...], int | None]  # width, operands, result; None where it traps


@dataclass(frozen=True)
class Op:
    """A row: prose before meaning. `word` is set for ops that only compute a word from words.

    `number` is what programs hold: it never changes, and a new row takes the next one. `examples` of a word op are in
    the row; other ops have theirs in verify/runs/golden.py, as states before and after, and in tests/golden, as runs.
    `python` makes the op a function that source texts import from ncl: what it is where the program runs as Python.
    """

    number: int
    name: str
    operands: tuple[Kind, ...]
    prose: str
    meaning: Callable[[View], Effect]
    word: WordMeaning | None = None
    traps_on_zero: bool = False  # the last operand
    examples: tuple[Example, ...] = ()
    python: Callable[..., int] | None = None
    passes_on: bool = True  # control may come to the next line

    @property
    def opcode(self) -> Opcode:
        """The opcode with this row's number."""
        return Opcode(self.number)


def _binary(word: WordMeaning) -> Callable[[View], Effect]:
    return lambda s: Effect(register=word(s.algebra, s.register(s.b), s.register(s.c)))


def _unary(word: WordMeaning) -> Callable[[View], Effect]:
    return lambda s: Effect(register=word(s.algebra, s.register(s.b)))


def _division(word: WordMeaning) -> Callable[[View], Effect]:
    def meaning(s: View) -> Effect:
        divisor = s.register(s.c)
        zero = s.algebra.equal(divisor, s.algebra.word(0))
        return Effect(traps=((zero, Trap.DIVISION),), register=word(s.algebra, s.register(s.b), divisor))

    return meaning


def _truth(k: Algebra, condition: Term) -> Term:
    return k.choose(condition, k.word(1), k.word(0))


def _word_op(
    number: int, name: str, prose: str, word: WordMeaning, *examples: Example,
    traps_on_zero: bool = False, python: Callable[..., int] | None = None,
) -> Op:  # fmt: skip
    """A row of an op on words; `word` takes the algebra and as many words as there are operands to read."""
    sources = word.__code__.co_argcount - 1
    wrap = _division if traps_on_zero else _binary if sources == 2 else _unary
    operands = (Kind.TARGET, *[Kind.SOURCE] * sources)
    return Op(number, name, operands, prose, wrap(word), word, traps_on_zero, examples, python)


def _jump_if(s: View, zero_jumps: bool) -> Effect:
    k = s.algebra
    zero = k.equal(s.register(s.a), k.word(0))
    following = k.plus(s.pc, k.natural(1))
    return Effect(pc=k.choose(zero, s.b, following) if zero_jumps else k.choose(zero, following, s.b))


def _tick(s: View) -> Effect:
    k = s.algebra
    spent = k.negate(k.less(s.ticks, s.budget))
    return Effect(traps=((spent, Trap.BUDGET),), ticks=k.plus(s.ticks, k.natural(1)))


def _call(s: View) -> Effect:
    k = s.algebra
    one = k.natural(1)
    frame = k.plus(s.fp, s.b)
    full = k.either(k.negate(k.less(s.sp, s.depth)), k.less(s.frame_size, frame))
    return Effect(
        traps=((full, Trap.STACK),),
        push=(k.plus(s.pc, one), s.fp, s.hp),
        sp=k.plus(s.sp, one),
        fp=frame,
        pc=s.a,
    )


def _return(s: View) -> Effect:
    k = s.algebra
    empty = k.equal(s.sp, k.natural(0))
    level = k.choose(empty, k.natural(0), k.minus(s.sp, k.natural(1)))
    pc, fp, hp = s.stack(level)
    restores = k.equal(s.a, k.natural(0))
    return Effect(traps=((empty, Trap.STACK),), pc=pc, fp=fp, sp=level, hp=k.choose(restores, hp, s.hp))


def _cell(s: View, base: Term, index: Term) -> tuple[Term, Term]:
    """The address base + index, which wraps, and whether it lies outside memory."""
    k = s.algebra
    address = k.to_natural(k.add(s.register(base), s.register(index)))
    return address, k.negate(k.less(address, s.memory_size))


def _load(s: View) -> Effect:
    address, outside = _cell(s, s.b, s.c)
    return Effect(traps=((outside, Trap.INDEX),), register=s.memory(address))


def _store(s: View) -> Effect:
    address, outside = _cell(s, s.b, s.c)
    return Effect(traps=((outside, Trap.INDEX),), memory=(address, s.register(s.a)))


def _slot(s: View) -> tuple[Term, Term]:
    k = s.algebra
    slot = k.plus(s.fp, s.b)
    return slot, k.negate(k.less(slot, s.frame_size))


def _load_frame(s: View) -> Effect:
    slot, outside = _slot(s)
    return Effect(traps=((outside, Trap.INVALID),), register=s.frame(slot))


def _store_frame(s: View) -> Effect:
    slot, outside = _slot(s)
    return Effect(traps=((outside, Trap.INVALID),), frame=(slot, s.register(s.a)))


def _allocate(s: View) -> Effect:
    k = s.algebra
    after = k.plus(s.hp, k.to_natural(s.register(s.b)))
    return Effect(traps=((k.less(s.memory_size, after), Trap.MEMORY),), register=k.to_word(s.hp), hp=after)


def _bound(s: View) -> Effect:
    k = s.algebra
    outside = k.negate(k.less(s.register(s.a), s.register(s.b)))
    return Effect(traps=((outside, Trap.INDEX),))


_CONTROL = (
    Op(
        0, "halt", (), "Stop. The pc stays; a halted machine never changes again.",
        lambda s: Effect(pc=s.pc, halt=True), passes_on=False,
    ),
    Op(1, "trap", (Kind.TRAP,), "Stop with trap number a.", lambda s: Effect(traps=((None, s.a),)), passes_on=False),
    Op(
        2, "tick", (),
        "Count one tick; when the budget is already spent, trap `budget` instead. Stands at each loop head and call.",
        _tick,
    ),
    Op(3, "jump", (Kind.LINE,), "Go on at line a.", lambda s: Effect(pc=s.a), passes_on=False),
    Op(4, "jump_zero", (Kind.SOURCE, Kind.LINE), "Go on at line b when register a is 0.", lambda s: _jump_if(s, True)),
    Op(
        5, "jump_nonzero", (Kind.SOURCE, Kind.LINE),
        "Go on at line b when register a is not 0.",
        lambda s: _jump_if(s, False),
    ),
    Op(
        6, "call", (Kind.LINE, Kind.SIZE),
        "Push (next line, fp, hp) on the call stack, add b to the frame pointer, go on at line a. "
        "Trap `stack` when D calls are open or the frame pointer would pass the end of frame memory.",
        _call,
    ),
    Op(
        7, "return", (Kind.FLAG,),
        "Pop (pc, fp, hp) from the call stack; the heap pointer is restored when a is 0 and kept when a is 1. "
        "Trap `stack` when no call is open.",
        _return, passes_on=False,
    ),
)  # fmt: skip

_MOVING = (
    Op(
        8, "constant", (Kind.TARGET, Kind.WORD),
        "Register a becomes the word b.",
        lambda s: Effect(register=s.algebra.to_word(s.b)),
    ),
    Op(
        9, "move", (Kind.TARGET, Kind.SOURCE),
        "Register a becomes register b.",
        lambda s: Effect(register=s.register(s.b)),
    ),
    Op(
        10, "load", (Kind.TARGET, Kind.SOURCE, Kind.SOURCE),
        "Register a becomes the memory cell at register b + register c (the sum wraps). Trap `index` outside memory.",
        _load,
    ),
    Op(
        11, "store", (Kind.SOURCE, Kind.SOURCE, Kind.SOURCE),
        "The memory cell at register b + register c (the sum wraps) becomes register a. Trap `index` outside memory.",
        _store,
    ),
    Op(
        12, "load_frame", (Kind.TARGET, Kind.SLOT),
        "Register a becomes frame cell fp + b. Trap `invalid` outside.",
        _load_frame,
    ),
    Op(
        13, "store_frame", (Kind.SOURCE, Kind.SLOT),
        "Frame cell fp + b becomes register a. Trap `invalid` outside.",
        _store_frame,
    ),
)  # fmt: skip

_ARRAYS = (
    Op(
        14, "allocate", (Kind.TARGET, Kind.SOURCE),
        "Register a becomes the heap pointer (modulo N), which then moves on by register b cells. "
        "Trap `memory` when they do not fit. The cells keep what they held.",
        _allocate,
    ),
    Op(15, "bound", (Kind.SOURCE, Kind.SOURCE), "Trap `index` unless register a is less than register b.", _bound),
)  # fmt: skip

_ARITHMETIC = (
    _word_op(
        16, "add",
        "Register a becomes register b + register c, modulo N.",
        lambda k, x, y: k.add(x, y),
        (4, (3, 5), 8), (4, (15, 1), 0), (4, (9, 9), 2), (8, (200, 100), 44), (32, (4294967295, 2), 1),
    ),
    _word_op(
        17, "subtract",
        "Register a becomes register b − register c, modulo N.",
        lambda k, x, y: k.subtract(x, y),
        (4, (5, 3), 2), (4, (3, 5), 14), (4, (0, 1), 15), (8, (100, 200), 156), (32, (0, 1), 4294967295),
    ),
    _word_op(
        18, "multiply",
        "Register a becomes register b × register c, modulo N.",
        lambda k, x, y: k.multiply(x, y),
        (4, (3, 5), 15), (4, (4, 4), 0), (4, (7, 7), 1), (8, (16, 17), 16), (32, (65536, 65537), 65536),
    ),
    _word_op(
        19, "divide",
        "Register a becomes register b divided by register c, rounded down. Trap `division` when register c is 0.",
        lambda k, x, y: k.divide(x, y),
        (4, (13, 4), 3), (4, (3, 5), 0), (4, (15, 15), 1), (4, (7, 0), None), (8, (255, 2), 127),
        traps_on_zero=True,
    ),
    _word_op(
        20, "remainder",
        "Register a becomes the remainder of register b divided by register c. Trap `division` when register c is 0.",
        lambda k, x, y: k.remainder(x, y),
        (4, (13, 4), 1), (4, (3, 5), 3), (4, (15, 15), 0), (4, (7, 0), None), (8, (255, 16), 15),
        traps_on_zero=True,
    ),
)  # fmt: skip

_BITS = (
    _word_op(
        21, "and",
        "Register a becomes the bits set in both register b and register c.",
        lambda k, x, y: k.conjoin(x, y),
        (4, (12, 10), 8), (4, (15, 6), 6), (4, (5, 10), 0),
    ),
    _word_op(
        22, "or",
        "Register a becomes the bits set in register b or register c.",
        lambda k, x, y: k.disjoin(x, y),
        (4, (12, 10), 14), (4, (5, 10), 15), (4, (0, 6), 6),
    ),
    _word_op(
        23, "xor",
        "Register a becomes the bits in which register b and register c differ.",
        lambda k, x, y: k.differ(x, y),
        (4, (12, 10), 6), (4, (15, 15), 0), (4, (5, 10), 15),
    ),
    _word_op(
        24, "invert",
        "Register a becomes register b with every bit turned over.",
        lambda k, x: k.invert(x),
        (4, (0,), 15), (4, (10,), 5), (8, (1,), 254),
    ),
    _word_op(
        25, "shift_left",
        "Register a becomes register b moved left by register c bits; bits past the top are lost. 0 when c ≥ W.",
        lambda k, x, y: k.shift_left(x, y),
        (4, (3, 2), 12), (4, (15, 1), 14), (4, (1, 3), 8), (4, (1, 4), 0), (4, (15, 15), 0), (32, (3, 31), 2147483648),
    ),
    _word_op(
        26, "shift_right",
        "Register a becomes register b moved right by register c bits, zeros coming in. 0 when c ≥ W.",
        lambda k, x, y: k.shift_right(x, y),
        (4, (12, 2), 3), (4, (15, 1), 7), (4, (8, 3), 1), (4, (8, 4), 0), (32, (4294967295, 31), 1),
    ),
)  # fmt: skip

_COMPARISONS = (
    _word_op(
        27, "equal",
        "Register a becomes 1 when register b equals register c, else 0.",
        lambda k, x, y: _truth(k, k.equal(x, y)),
        (4, (7, 7), 1), (4, (7, 8), 0), (4, (8, 7), 0), (4, (0, 15), 0),
    ),
    _word_op(
        28, "not_equal",
        "Register a becomes 0 when register b equals register c, else 1.",
        lambda k, x, y: _truth(k, k.negate(k.equal(x, y))),
        (4, (7, 7), 0), (4, (7, 8), 1), (4, (8, 7), 1), (4, (0, 15), 1),
    ),
    _word_op(
        29, "less",
        "Register a becomes 1 when register b is below register c, both unsigned, else 0.",
        lambda k, x, y: _truth(k, k.less(x, y)),
        (4, (3, 5), 1), (4, (5, 5), 0), (4, (15, 0), 0), (4, (7, 8), 1), (32, (1, 2147483648), 1),
    ),
    _word_op(
        30, "less_equal",
        "Register a becomes 1 when register b is at most register c, both unsigned, else 0.",
        lambda k, x, y: _truth(k, k.negate(k.less(y, x))),
        (4, (3, 5), 1), (4, (5, 5), 1), (4, (6, 5), 0), (4, (7, 8), 1), (32, (2147483648, 1), 0),
    ),
    _word_op(
        31, "is_zero",
        "Register a becomes 1 when register b is 0, else 0.",
        lambda k, x: _truth(k, k.equal(x, k.word(0))),
        (4, (0,), 1), (4, (1,), 0), (4, (15,), 0),
    ),
)  # fmt: skip

# By what a row is about, for readers; a row stands where it belongs, whatever its number.
GROUPS: dict[str, tuple[Op, ...]] = {
    "Ending and control": _CONTROL, "Moving words": _MOVING, "Arrays": _ARRAYS, "Arithmetic": _ARITHMETIC,
    "Bits": _BITS, "Comparisons": _COMPARISONS,
}  # fmt: skip
ROWS: tuple[Op, ...] = tuple(row for group in GROUPS.values() for row in group)

# A row whose opcode is not written yet is none: `numbering` must be able to read it.
OPS: Halves[Op] = Halves("row", {row.opcode: row for row in ROWS if row.name.upper() in Opcode.__members__})
