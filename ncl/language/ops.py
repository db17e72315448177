"""THE op table: what every instruction means, once, over the algebra of `word.py`.

From a row are derived the reference interpreter (ints), the solver term (verify), the property strategies, the assembly
text and the reference page. A circuit of the machine may not see it: two independent readings of the prose are what
makes their agreement worth proving. The examples are worked by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from ncl.language.opcodes import OPERANDS, Kind, Opcode, Trap
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

    def register(self, index: Term) -> Term: ...
    def memory(self, address: Term) -> Term: ...
    def frame(self, slot: Term) -> Term: ...
    def stack(self, level: Term) -> tuple[Term, Term, Term]: ...


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


@dataclass(frozen=True)
class Op:
    """A row: prose before meaning. `word` is set for ops that only compute a word from words.

    `examples` of a word op are (width, operands, result), result None where it traps; other ops have their examples in
    verify/golden.py, as states before and after, and in tests/golden, as runs.
    """

    opcode: Opcode
    prose: str
    meaning: Callable[[View], Effect]
    word: WordMeaning | None = None
    traps_on_zero: bool = False  # the last operand
    examples: tuple[tuple[int, tuple[int, ...], int | None], ...] = ()

    @property
    def operands(self) -> tuple[Kind, ...]:
        return OPERANDS[self.opcode]


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
    opcode: Opcode,
    prose: str,
    word: WordMeaning,
    *examples: tuple[int, tuple[int, ...], int | None],
) -> Op:
    divides = opcode in (Opcode.DIVIDE, Opcode.REMAINDER)
    wrap = _division if divides else _binary if len(OPERANDS[opcode]) == 3 else _unary
    return Op(opcode, prose, wrap(word), word, divides, examples)


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


ROWS: tuple[Op, ...] = (
    Op(Opcode.HALT, "Stop. The pc stays; a halted machine never changes again.", lambda s: Effect(pc=s.pc, halt=True)),
    Op(Opcode.TRAP, "Stop with trap number a.", lambda s: Effect(traps=((None, s.a),))),
    Op(
        Opcode.TICK,
        "Count one tick; when the budget is already spent, trap `budget` instead. Stands at each loop head and call.",
        _tick,
    ),
    Op(Opcode.JUMP, "Go on at line a.", lambda s: Effect(pc=s.a)),
    Op(Opcode.JUMP_ZERO, "Go on at line b when register a is 0.", lambda s: _jump_if(s, True)),
    Op(Opcode.JUMP_NONZERO, "Go on at line b when register a is not 0.", lambda s: _jump_if(s, False)),
    Op(
        Opcode.CALL,
        "Push (next line, fp, hp) on the call stack, add b to the frame pointer, go on at line a. "
        "Trap `stack` when D calls are open or the frame pointer would pass the end of frame memory.",
        _call,
    ),
    Op(
        Opcode.RETURN,
        "Pop (pc, fp, hp) from the call stack; the heap pointer is restored when a is 0 and kept when a is 1. "
        "Trap `stack` when no call is open.",
        _return,
    ),
    Op(
        Opcode.CONSTANT,
        "Register a becomes the word b.",
        lambda s: Effect(register=s.algebra.to_word(s.b)),
    ),
    Op(Opcode.MOVE, "Register a becomes register b.", lambda s: Effect(register=s.register(s.b))),
    Op(
        Opcode.LOAD,
        "Register a becomes the memory cell at register b + register c (the sum wraps). Trap `index` outside memory.",
        _load,
    ),
    Op(
        Opcode.STORE,
        "The memory cell at register b + register c (the sum wraps) becomes register a. Trap `index` outside memory.",
        _store,
    ),
    Op(Opcode.LOAD_FRAME, "Register a becomes frame cell fp + b. Trap `invalid` outside.", _load_frame),
    Op(Opcode.STORE_FRAME, "Frame cell fp + b becomes register a. Trap `invalid` outside.", _store_frame),
    Op(
        Opcode.ALLOCATE,
        "Register a becomes the heap pointer (modulo N), which then moves on by register b cells. "
        "Trap `memory` when they do not fit. The cells keep what they held.",
        _allocate,
    ),
    Op(Opcode.BOUND, "Trap `index` unless register a is less than register b.", _bound),
    _word_op(
        Opcode.ADD,
        "Register a becomes register b + register c, modulo N.",
        lambda k, x, y: k.add(x, y),
        (4, (3, 5), 8), (4, (15, 1), 0), (4, (9, 9), 2), (8, (200, 100), 44), (32, (4294967295, 2), 1),
    ),
    _word_op(
        Opcode.SUBTRACT,
        "Register a becomes register b − register c, modulo N.",
        lambda k, x, y: k.subtract(x, y),
        (4, (5, 3), 2), (4, (3, 5), 14), (4, (0, 1), 15), (8, (100, 200), 156), (32, (0, 1), 4294967295),
    ),
    _word_op(
        Opcode.MULTIPLY,
        "Register a becomes register b × register c, modulo N.",
        lambda k, x, y: k.multiply(x, y),
        (4, (3, 5), 15), (4, (4, 4), 0), (4, (7, 7), 1), (8, (16, 17), 16), (32, (65536, 65537), 65536),
    ),
    _word_op(
        Opcode.DIVIDE,
        "Register a becomes register b divided by register c, rounded down. Trap `division` when register c is 0.",
        lambda k, x, y: k.divide(x, y),
        (4, (13, 4), 3), (4, (3, 5), 0), (4, (15, 15), 1), (4, (7, 0), None), (8, (255, 2), 127),
    ),
    _word_op(
        Opcode.REMAINDER,
        "Register a becomes the remainder of register b divided by register c. Trap `division` when register c is 0.",
        lambda k, x, y: k.remainder(x, y),
        (4, (13, 4), 1), (4, (3, 5), 3), (4, (15, 15), 0), (4, (7, 0), None), (8, (255, 16), 15),
    ),
    _word_op(
        Opcode.AND,
        "Register a becomes the bits set in both register b and register c.",
        lambda k, x, y: k.conjoin(x, y),
        (4, (12, 10), 8), (4, (15, 6), 6), (4, (5, 10), 0),
    ),
    _word_op(
        Opcode.OR,
        "Register a becomes the bits set in register b or register c.",
        lambda k, x, y: k.disjoin(x, y),
        (4, (12, 10), 14), (4, (5, 10), 15), (4, (0, 6), 6),
    ),
    _word_op(
        Opcode.XOR,
        "Register a becomes the bits in which register b and register c differ.",
        lambda k, x, y: k.differ(x, y),
        (4, (12, 10), 6), (4, (15, 15), 0), (4, (5, 10), 15),
    ),
    _word_op(
        Opcode.INVERT,
        "Register a becomes register b with every bit turned over.",
        lambda k, x: k.invert(x),
        (4, (0,), 15), (4, (10,), 5), (8, (1,), 254),
    ),
    _word_op(
        Opcode.SHIFT_LEFT,
        "Register a becomes register b moved left by register c bits; bits past the top are lost. 0 when c ≥ W.",
        lambda k, x, y: k.shift_left(x, y),
        (4, (3, 2), 12), (4, (15, 1), 14), (4, (1, 3), 8), (4, (1, 4), 0), (4, (15, 15), 0), (32, (3, 31), 2147483648),
    ),
    _word_op(
        Opcode.SHIFT_RIGHT,
        "Register a becomes register b moved right by register c bits, zeros coming in. 0 when c ≥ W.",
        lambda k, x, y: k.shift_right(x, y),
        (4, (12, 2), 3), (4, (15, 1), 7), (4, (8, 3), 1), (4, (8, 4), 0), (32, (4294967295, 31), 1),
    ),
    _word_op(
        Opcode.EQUAL,
        "Register a becomes 1 when register b equals register c, else 0.",
        lambda k, x, y: _truth(k, k.equal(x, y)),
        (4, (7, 7), 1), (4, (7, 8), 0), (4, (8, 7), 0), (4, (0, 15), 0),
    ),
    _word_op(
        Opcode.NOT_EQUAL,
        "Register a becomes 0 when register b equals register c, else 1.",
        lambda k, x, y: _truth(k, k.negate(k.equal(x, y))),
        (4, (7, 7), 0), (4, (7, 8), 1), (4, (8, 7), 1), (4, (0, 15), 1),
    ),
    _word_op(
        Opcode.LESS,
        "Register a becomes 1 when register b is below register c, both unsigned, else 0.",
        lambda k, x, y: _truth(k, k.less(x, y)),
        (4, (3, 5), 1), (4, (5, 5), 0), (4, (15, 0), 0), (4, (7, 8), 1), (32, (1, 2147483648), 1),
    ),
    _word_op(
        Opcode.LESS_EQUAL,
        "Register a becomes 1 when register b is at most register c, both unsigned, else 0.",
        lambda k, x, y: _truth(k, k.negate(k.less(y, x))),
        (4, (3, 5), 1), (4, (5, 5), 1), (4, (6, 5), 0), (4, (7, 8), 1), (32, (2147483648, 1), 0),
    ),
    _word_op(
        Opcode.IS_ZERO,
        "Register a becomes 1 when register b is 0, else 0.",
        lambda k, x: _truth(k, k.equal(x, k.word(0))),
        (4, (0,), 1), (4, (1,), 0), (4, (15,), 0),
    ),
)  # fmt: skip

OPS: dict[Opcode, Op] = {row.opcode: row for row in ROWS}
