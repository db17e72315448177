"""The step's inputs for the solver: any state in range, any well-formed program, all sizes symbolic.

A word is a vector of the width put into 64 bits, so it is in range by itself. The other inputs are functions to 64 bits
whose range is a premise about every entry; each entry that is looked at files its own instance of that premise. The
premises on program memory are those of `wellformed`, on the state those of `state.faults`: a test holds them to both.
Called by `check`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import z3

from ncl.language.opcodes import OPERANDS, TERMINAL, Kind, Opcode, Trap
from ncl.machine.state import NATURALS, Code
from ncl.machine.step import INPUTS
from ncl.verify.smt.lifted import BITS, Context, Lifted, NoRule, Term, every, number, probed

WORDS = ("registers_BR", "memory_BM", "frame_BF")
TRUE_SIZES = {"memory_size": "M", "frame_size": "F", "depth": "D"}
MOST = NATURALS - 1  # of any size, operand or budget


@dataclass
class Inputs:
    """The lifted inputs, what they are functions of, and the premises filed so far."""

    width: int
    letters: dict[str, str]  # B, L, R, M, F, D → the graph's name of that size
    context: Context
    tensors: dict[str, Lifted] = field(default_factory=dict)
    functions: dict[str, Any] = field(default_factory=dict)
    premises: list[Term] = field(default_factory=list)

    def size(self, letter: str) -> Term:
        return self.context.size(self.letters[letter])

    def true_size(self, name: str) -> Term:
        return self.functions[name]()

    def probe(self, letter: str) -> Term:
        return probed(self.letters[letter])

    def word(self, name: str, *index: Term) -> Term:
        """An entry as a vector of the width."""
        return self.functions[name](*index)


def letters_of(name: str) -> str:
    """The dimensions that an input's name says it has."""
    return name.rsplit("_", 1)[1] if name[-1].isupper() else ""


def inputs_of(graph: Any, width: int) -> Inputs:
    """Raises NoRule when the graph's own inputs are not those that the step is said to have."""
    given = [node for node in graph.graph.nodes if node.op == "placeholder"]
    letters: dict[str, str] = {}
    if len(given) != len(INPUTS):
        raise NoRule(f"{len(given)} inputs, expected {len(INPUTS)}")
    for node, name in zip(given, INPUTS, strict=True):
        recorded = node.meta["val"]
        dtype = "bool" if name == "halted_B" else "int64"
        if str(recorded.dtype) != f"torch.{dtype}" or len(recorded.shape) != len(letters_of(name)):
            raise NoRule(f"input {name} is {recorded.dtype} of {len(recorded.shape)} dimensions")
        for letter, size in zip(letters_of(name), recorded.shape, strict=True):
            if isinstance(size, int) or letters.setdefault(letter, str(size)) != str(size):
                raise NoRule(f"input {name}: size {letter} is {size}, not one symbol of its own")
    if len(set(letters.values())) != len(letters):
        raise NoRule(f"sizes are not told apart: {letters}")
    sizes = {symbol: z3.BitVec(f"size!{letter}", BITS) for letter, symbol in letters.items()}
    inputs = Inputs(width, letters, Context(sizes))
    for name in INPUTS:
        _declare(inputs, name)
    inputs.premises += _sizes(inputs)
    return inputs


def _declare(inputs: Inputs, name: str) -> None:
    shape = tuple(inputs.letters[letter] for letter in letters_of(name))
    result = z3.BitVecSort(inputs.width if name in WORDS else BITS)
    result = z3.BoolSort() if name == "halted_B" else result
    function = z3.Function(name, *([z3.BitVecSort(BITS)] * len(shape)), result)
    inputs.functions[name] = function

    def entry(index: tuple[Term, ...]) -> Term:
        if name in WORDS:
            return z3.ZeroExt(BITS - inputs.width, function(*index))
        premise = _premise(inputs, name, index)
        if premise is not None:
            here = [z3.And(i >= 0, i < inputs.context.size(s)) for i, s in zip(index, shape, strict=True)]
            inputs.premises.append(z3.Implies(every(here), premise) if here else premise)
        return function(*index)

    inputs.tensors[name] = Lifted(shape, "bool" if name == "halted_B" else "int64", entry)


def _sizes(inputs: Inputs) -> list[Term]:
    """At least one cell of everything is allocated, two registers, and no more is used than is allocated."""
    least = {"B": 1, "L": 1, "R": 2, "M": 1, "F": 1, "D": 1}
    found = [z3.And(inputs.size(s) >= n, inputs.size(s) <= number(MOST)) for s, n in least.items()]
    for name, letter in TRUE_SIZES.items():
        found.append(z3.And(inputs.true_size(name) >= 0, inputs.true_size(name) <= inputs.size(letter)))
    # An address is a word, so `Sizes` allows no more memory than there are words.
    found.append(inputs.true_size("memory_size") <= number(1 << inputs.width))
    for letter in least:
        found.append(z3.And(inputs.probe(letter) >= 0, inputs.probe(letter) < inputs.size(letter)))
    return found


def limits(inputs: Inputs) -> dict[str, Term]:
    """Input of the state → the first natural that it may not hold."""
    pc, hp, fp = inputs.size("L"), inputs.true_size("memory_size") + 1, inputs.true_size("frame_size") + 1
    return {
        "pc_B": pc, "hp_B": hp, "fp_B": fp, "stack_pc_BD": pc, "stack_fp_BD": fp, "stack_hp_BD": hp,
        "sp_B": inputs.true_size("depth") + 1, "ticks_B": number(NATURALS), "budget_B": number(NATURALS),
        "trap_B": number(max(Trap) + 1),
    }  # fmt: skip


def _premise(inputs: Inputs, name: str, index: tuple[Term, ...]) -> Term | None:
    """What holds of one entry of an input that is no word."""
    functions = inputs.functions
    if name in Code._fields:
        opcode, a, b, c = (functions[column](*index) for column in Code._fields)
        return line_premise(inputs.width, opcode, a, b, c, index[0], size_terms(inputs))
    if name == "halted_B" or name in TRUE_SIZES:
        return None
    value = functions[name](*index)
    found = z3.And(value >= 0, value < limits(inputs)[name])
    return z3.And(found, z3.Implies(value != 0, functions["halted_B"](*index))) if name == "trap_B" else found


def size_terms(inputs: Inputs) -> dict[str, Term]:
    return {"R": inputs.size("R"), "L": inputs.size("L"), "frame_size": inputs.true_size("frame_size")}


def line_premise(width: int, opcode: Term, a: Term, b: Term, c: Term, line: Term, sizes: dict[str, Term]) -> Term:
    """What `wellformed` says of one line; of an opcode outside the table only that its operands are naturals."""
    limit = {
        Kind.TARGET: sizes["R"],
        Kind.SOURCE: sizes["R"],
        Kind.WORD: number(1 << width),
        Kind.LINE: sizes["L"],
        Kind.SLOT: z3.If(sizes["frame_size"] > 1, sizes["frame_size"], number(1)),
        Kind.SIZE: sizes["frame_size"] + 1,
        Kind.FLAG: number(2),
        Kind.TRAP: number(max(Trap) + 1),
    }
    found = [z3.And(operand >= 0, operand <= number(MOST)) for operand in (a, b, c)]
    for known in Opcode:
        rules = [_operand(limit, kind, o) for kind, o in zip((*OPERANDS[known], None, None, None), (a, b, c))]
        if known not in TERMINAL:
            rules.append(line < sizes["L"] - 1)
        found.append(z3.Implies(opcode == int(known), every(rules)))
    return every(found)


def _operand(limit: dict[Kind, Term], kind: Kind | None, value: Term) -> Term:
    if kind is None:
        return value == 0
    return z3.And(value >= (1 if kind is Kind.TRAP else 0), value < limit[kind])
