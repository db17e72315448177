"""The traced step in the solver, beside the spec's step of one arbitrary sample: what is compared, and where.

All sizes are symbolic, and each field is looked at at one arbitrary index per dimension. Called by the step's checks
and by the search for their counterexamples.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import z3

from ncl.machine import step as machine_step
from ncl.machine.state import MachineState
from ncl.verify.engine.obligation import Outcome
from ncl.verify.smt.algebra import Vectors
from ncl.verify.smt.lift import lift, tracing_faults
from ncl.verify.smt.lifted import Lifted, NoRule, Term, some
from ncl.verify.step.inputs import TRUE_SIZES, Inputs, inputs_of, letters_of
from ncl.verify.step.lemmas import Arithmetic
from ncl.verify.step.spec import SolverView, SpecStep

# Component of a state, as all executors show it → the machine's fields that hold it.
COMPONENTS: dict[str, tuple[str, ...]] = {
    "pc": ("pc_B",),
    "registers": ("registers_BR",),
    "memory": ("memory_BM",),
    "hp": ("hp_B",),
    "frame": ("frame_BF",),
    "fp": ("fp_B",),
    "stack": ("sp_B", "stack_pc_BD", "stack_fp_BD", "stack_hp_BD"),
    "ticks": ("ticks_B",),
    "halted": ("halted_B",),
    "trap": ("trap_B",),
}


@dataclass
class Lifting:
    """A graph of the step in the solver, beside the spec's step of one arbitrary sample."""

    width: int
    inputs: Inputs
    arithmetic: Arithmetic
    outputs: dict[str, Lifted]
    spec: SpecStep
    graph: Any
    foundation: dict[str, Outcome] = field(default_factory=dict)

    def index(self, name: str) -> tuple[Term, ...]:
        return tuple(self.inputs.probe(letter) for letter in letters_of(name))

    def got(self, name: str) -> Term:
        return self.outputs[name].at(*self.index(name))

    def expected(self, name: str) -> Term:
        return self.spec.field(name, *self.index(name)[1:])

    def visible(self, name: str) -> Term:
        """Whether the probed cell is one that a program can ever see."""
        if name.startswith("stack"):
            return self.inputs.probe("D") < self.spec.field("sp_B")
        true = {letter: size for size, letter in TRUE_SIZES.items()}.get(name[-1])
        return self.inputs.probe(name[-1]) < self.inputs.true_size(true) if true else z3.BoolVal(True)

    def differs(self, component: str) -> Term:
        return some([z3.And(self.visible(f), self.got(f) != self.expected(f)) for f in COMPONENTS[component]])

    @cached_property
    def everything(self) -> tuple[list[Term], list[tuple[str, Term]]]:
        """All premises and side conditions, filed by looking at every field once."""
        for names in COMPONENTS.values():
            for name in names:
                self.got(name), self.expected(name)
        self.spec.view.depth, self.spec.view.budget  # noqa: B018  # their premises
        unique = {term.get_id(): term for term in self.inputs.premises}
        return [*unique.values(), *self.arithmetic.instances()], list(self.inputs.context.conditions)

    @property
    def premises(self) -> list[Term]:
        return self.everything[0]


def build(graph: Any, width: int) -> Lifting:
    """Lift a traced step. Raises NoRule when there is anything in it that is not understood."""
    if faults := tracing_faults(machine_step.examples()):
        raise NoRule("; ".join(faults))
    arithmetic = Arithmetic()
    inputs = inputs_of(graph, width)
    context = inputs.context
    context.multiply, context.divide, context.remain = arithmetic.multiply, arithmetic.divide, arithmetic.remain
    outputs = lift(graph, [inputs.tensors[name] for name in machine_step.INPUTS], context)
    names = MachineState._fields
    if len(outputs) != len(names):
        raise NoRule(f"{len(outputs)} outputs, expected {len(names)}")
    for name, output in zip(names, outputs, strict=True):
        told = inputs.tensors[name]
        if (output.shape, output.dtype) != (told.shape, told.dtype):
            raise NoRule(f"{name} comes out as {output.dtype}{output.shape}, went in as {told.dtype}{told.shape}")
    algebra = Vectors(width, arithmetic.multiply, arithmetic.divide, arithmetic.remain)
    spec = SpecStep(SolverView(inputs, inputs.probe("B"), algebra))
    return Lifting(width, inputs, arithmetic, dict(zip(names, outputs, strict=True)), spec, graph)
