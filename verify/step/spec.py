"""The spec's step for the solver: every row of the op table, read over solver terms, selected by the opcode.

What a state becomes is given per field of the machine's state, at any index, from the rows alone. The machine's own
code is nowhere looked at. Called by `check`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import z3

from ncl.language.opcodes import Opcode, Trap
from ncl.language.ops import OPS, Effect
from ncl.verify.smt.algebra import Vectors
from ncl.verify.smt.lifted import Term, number
from ncl.verify.step.inputs import Inputs


@dataclass(frozen=True)
class SolverView:
    """One sample's state before the step, as the rows read it."""

    inputs: Inputs
    sample: Term
    algebra: Vectors

    def _one(self, name: str) -> Term:
        return self.inputs.tensors[name].at(self.sample)

    def _code(self, name: str) -> Term:
        return self.inputs.tensors[name].at(self.pc)

    @property
    def opcode(self) -> Term:
        return self._code("opcode_L")

    @property
    def a(self) -> Term:
        return self._code("a_L")

    @property
    def b(self) -> Term:
        return self._code("b_L")

    @property
    def c(self) -> Term:
        return self._code("c_L")

    @property
    def pc(self) -> Term:
        return self._one("pc_B")

    @property
    def hp(self) -> Term:
        return self._one("hp_B")

    @property
    def fp(self) -> Term:
        return self._one("fp_B")

    @property
    def sp(self) -> Term:
        return self._one("sp_B")

    @property
    def ticks(self) -> Term:
        return self._one("ticks_B")

    @property
    def budget(self) -> Term:
        return self._one("budget_B")

    @property
    def memory_size(self) -> Term:
        return self.inputs.tensors["memory_size"].at()

    @property
    def frame_size(self) -> Term:
        return self.inputs.tensors["frame_size"].at()

    @property
    def depth(self) -> Term:
        return self.inputs.tensors["depth"].at()

    def register(self, index: Term) -> Term:
        return self.inputs.word("registers_BR", self.sample, index)

    def memory(self, address: Term) -> Term:
        return self.inputs.word("memory_BM", self.sample, address)

    def frame(self, slot: Term) -> Term:
        return self.inputs.word("frame_BF", self.sample, slot)

    def stack(self, level: Term) -> tuple[Term, Term, Term]:
        pc, fp, hp = (self.inputs.tensors[f"stack_{n}_BD"].at(self.sample, level) for n in ("pc", "fp", "hp"))
        return pc, fp, hp


@dataclass(frozen=True)
class SpecStep:
    """The state of one sample after its step."""

    view: SolverView

    @cached_property
    def effects(self) -> dict[Opcode, Effect]:
        view: Any = self.view
        return {opcode: row.meaning(view) for opcode, row in OPS.items()}

    def reason(self, opcode: Opcode) -> Term:
        """The trap of this instruction, 0 when there is none: the first whose condition holds."""
        found = number(0)
        for condition, kind in reversed(self.effects[opcode].traps):
            number_of = number(int(kind)) if isinstance(kind, int) else kind
            found = number_of if condition is None else z3.If(condition, number_of, found)
        return found

    @cached_property
    def trap(self) -> Term:
        """Of a sample that has not halted."""
        found = number(int(Trap.INVALID))
        for opcode in Opcode:
            found = z3.If(self.at(opcode), self.reason(opcode), found)
        return found

    def at(self, opcode: Opcode) -> Term:
        return self.view.opcode == int(opcode)

    @cached_property
    def halted(self) -> Term:
        return self.view.inputs.tensors["halted_B"].at(self.view.sample)

    @cached_property
    def goes(self) -> Term:
        return z3.And(z3.Not(self.halted), self.trap == 0)

    def _select(self, before: Term, after: dict[Opcode, Term]) -> Term:
        found = before
        for opcode, term in after.items():
            found = z3.If(self.at(opcode), term, found)
        return z3.If(self.goes, found, before)

    def _scalar(self, name: str, before: Term) -> Term:
        effects = {o: getattr(e, name) for o, e in self.effects.items()}
        return self._select(before, {o: t for o, t in effects.items() if t is not None})

    def field(self, name: str, *index: Term) -> Term:
        """A field of the machine's state after the step; words and naturals alike as 64-bit vectors."""
        view = self.view
        before: Any = view.inputs.tensors[name].at(view.sample, *index)
        match name:
            case "pc_B":
                following = view.pc + 1
                pcs = {o: following if e.pc is None else e.pc for o, e in self.effects.items()}
                return self._select(before, pcs)
            case "hp_B" | "fp_B" | "sp_B" | "ticks_B":
                return self._scalar(name[:-2], before)
            case "halted_B":
                halts = [self.at(o) for o, e in self.effects.items() if e.halt]
                return z3.Or(self.halted, self.trap != 0, *halts)
            case "trap_B":
                return z3.If(self.halted, before, self.trap)
            case "registers_BR":
                written = {o: (view.a, e.register) for o, e in self.effects.items() if e.register is not None}
            case "memory_BM":
                written = {o: e.memory for o, e in self.effects.items() if e.memory is not None}
            case "frame_BF":
                written = {o: e.frame for o, e in self.effects.items() if e.frame is not None}
            case _:
                part = ("stack_pc_BD", "stack_fp_BD", "stack_hp_BD").index(name)
                pushed = {o: e.push for o, e in self.effects.items() if e.push is not None}
                there = {o: z3.If(index[0] == view.sp, p[part], before) for o, p in pushed.items()}
                return self._select(before, there)
        return self._select(
            before,
            {o: z3.If(index[0] == cell, view.algebra.to_natural(word), before) for o, (cell, word) in written.items()},
        )
