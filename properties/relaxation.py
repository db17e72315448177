"""Checks of soft runs: distributions stay distributions, and soft runs end in hard ones where softness ends.

All in float64, on soft arguments whose most probable words are never in doubt. Tolerances are for rounding only and
named; at the hard limit there is none. Legend: B samples, I inputs, O outputs, N words; more in `dense_step`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice, pairwise

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from ncl.language.opcodes import UNARY
from ncl.language.program import Program, Value
from ncl.language.trace import State
from ncl.machine.dataflow import Graph, extract
from ncl.machine.executors import dense
from ncl.machine.executors.dense_step import COMPONENTS
from ncl.machine.executors.pathwise import replay
from ncl.machine.fields import Fields, hard_fields
from ncl.machine.temperature import Temperature
from ncl.properties.failure import Failed
from ncl.properties.states import onehot_state
from ncl.properties.strategies import SoftValue, SoftWord, hardened, soft_text

ROUNDING = 1e-9  # float64: some hundred steps, each a few products and sums of up to some thousand entries
COLD = 1 / 2048  # τ at which the half as probable word, 2^-2048, is exactly 0 in float64
STEPS = 200  # of a soft run that is looked at
SOFT_BUDGET = 10_000  # ticks: never what ends those steps
DOUBT = 2**-10  # how far from hard a sharpened run may start
BETA = 2.0
SOFT = Temperature()

Soft = list[SoftValue]
Replay = Callable[[Graph, Tensor, int], Tensor]


# --- soft starts -----------------------------------------------------------------------------------------------------


def distribution(word: SoftWord, size: int) -> Tensor:
    """Its weights over 0 … size-1, summing to 1."""
    weights_N = torch.zeros(size, dtype=torch.float64)
    for value, weight in word:
        weights_N[value] = weight
    return weights_N / weights_N.sum()


def inputs(soft: Soft, size: int) -> Tensor:
    """The words of an argument list in order, I×N: as the value graph numbers them."""
    words = [cell for value in soft for cell in (value if isinstance(value, list) else [value])]
    return torch.stack([distribution(w, size) for w in words]) if words else torch.zeros(0, size, dtype=torch.float64)


def soft_start(program: Program, soft: Soft, inputs_IN: Tensor) -> dense.DenseState:
    """The start state of one sample with these distributions in the places of its arguments' words."""
    state = dense.blank(program, 1, inputs_IN)
    size = 1 << program.sizes.width
    registers: list[Tensor] = []
    memory: list[Tensor] = []
    row = 0
    for value in soft:
        if isinstance(value, list):
            base = len(memory)
            registers += [_known(base % size, size), _known(len(value), size)]
            memory += list(inputs_IN[row : row + len(value)])
            row += len(value)
        else:
            registers.append(inputs_IN[row])
            row += 1
    heap = _known(len(memory), program.sizes.memory + 1)
    return dense.DenseState(
        **{
            **{name: getattr(state, name) for name in (*COMPONENTS, "ticks_B")},
            "registers_BRN": _front(registers, state.registers_BRN),
            "memory_BMN": _front(memory, state.memory_BMN),
            "hp_BH": heap[None],
        }
    )


def _known(value: int, size: int) -> Tensor:
    return one_hot(torch.tensor(value), size).to(torch.float64)


def _front(rows: Sequence[Tensor], table_BRN: Tensor) -> Tensor:
    return torch.cat([torch.stack(list(rows))[None], table_BRN[:, len(rows) :]], 1) if rows else table_BRN


@torch.no_grad()  # not a `with` inside: that would hold for the caller too, between two states
def soft_states(
    program: Program, soft: Soft, temperature: Temperature = SOFT, fields: Fields | None = None,
    steps: int = STEPS,
) -> Iterator[dense.DenseState]:  # fmt: skip
    """The first states of a dense run from soft arguments, brought to the temperature first."""
    memory = fields or hard_fields(program, torch.float64)
    inputs_IN = temperature.of_distribution(inputs(soft, 1 << program.sizes.width))
    start = soft_start(program, soft, inputs_IN)
    yield from islice(dense.states(program, memory, start, SOFT_BUDGET, temperature, steps), steps)


def _called(program: Program, soft: Soft) -> str:
    return f"{program.name}({', '.join(soft_text(soft))}) at width {program.sizes.width}"


# --- mass ------------------------------------------------------------------------------------------------------------


def check_normalised(
    program: Program, soft: Soft, temperature: Temperature = SOFT, fields: Fields | None = None
) -> None:
    """In every state of a dense run every component's mass is 1, that of all traps included, and none is negative.

    Without sharpening, mass that has halted stays at its line, and mass that has trapped keeps its trap.
    """
    seen = list(soft_states(program, soft, temperature, fields))
    for step, state in enumerate(seen):
        for name in COMPONENTS:
            _is_distribution(f"{_called(program, soft)}, {name} at step {step}", getattr(state, name))
    if temperature.beta == 1:
        for step, (before, after) in enumerate(pairwise(seen)):
            woken = float((before.halted_BL - after.halted_BL).max())
            cured = float((before.trap_BT[0, 1:] - after.trap_BT[0, 1:]).max())
            if max(woken, cured) > ROUNDING:
                what = f"{_called(program, soft)} at step {step}"
                raise Failed(what, "halted mass to stay halted", f"{max(woken, cured):.3g} that runs again")


def check_outputs_normalised(program: Program, soft: Soft, play: Replay = replay) -> None:
    """Outputs of a pathwise run have mass 1, less what a soft divisor has on 0."""
    size = 1 << program.sizes.width
    _, graph = extract(program, [hardened(soft)], SOFT_BUDGET)
    outputs_ON = play(graph, inputs(soft, size), program.sizes.width)
    divides = any(group.opcode.name in ("DIVIDE", "REMAINDER") for group in graph.groups)
    _is_distribution(f"{_called(program, soft)}, outputs", outputs_ON, may_lack=divides)


def _is_distribution(what: str, values_N: Tensor, may_lack: bool = False) -> None:
    if not values_N.numel():
        return
    if not bool(torch.isfinite(values_N).all()):
        raise Failed(what, "finite mass", "NaN or Inf")
    total, least = values_N.sum(-1), float(values_N.min())
    if least < -ROUNDING:
        raise Failed(what, "no negative mass", str(least))
    off = float((total - 1).max()) if may_lack else float((total - 1).abs().max())
    if off > ROUNDING:
        raise Failed(what, "mass 1", f"off by {off:.3g}")


# --- the hard limit --------------------------------------------------------------------------------------------------


def check_limit(program: Program, soft: Soft, play: Replay = replay) -> None:
    """As τ falls, a pathwise run's error is bounded by its inputs' doubt and ends at exactly 0.

    A word that came from n inputs, each on its most probable word but for ε, is right but for n·ε.
    """
    size, width = 1 << program.sizes.width, program.sizes.width
    arguments = hardened(soft)
    results, graph = extract(program, [arguments], SOFT_BUDGET)
    hard_ON = play(graph, inputs(_as_hard(arguments), size), width)
    leaves_O = _leaves(graph)
    for tau in (1.0, 1 / 4, 1 / 16, 1 / 64, COLD):
        inputs_IN = Temperature("soft", tau).of_distribution(inputs(soft, size))
        outputs_ON = play(graph, inputs_IN, width)
        if tau == COLD:
            if not torch.equal(outputs_ON, hard_ON):
                raise Failed(f"{_called(program, soft)} at τ = {tau}", f"the hard run, {results[0].result}",
                             f"a distance of {float((outputs_ON - hard_ON).abs().max()):.3g}")  # fmt: skip
        elif len(inputs_IN):
            doubt = float((1 - inputs_IN.amax(1)).max())
            error_O = 1 - (outputs_ON * hard_ON).sum(1)
            allowed_O = leaves_O * doubt + ROUNDING
            if bool((error_O > allowed_O).any()):
                place = int((error_O - allowed_O).argmax())
                what, most = f"{_called(program, soft)} at τ = {tau}, output {place}", float(allowed_O[place])
                raise Failed(what, f"an error of at most {most:.3g}", f"{float(error_O[place]):.3g}")


def _leaves(graph: Graph) -> Tensor:
    """For each output, how many inputs its tree has, each counted as often as it occurs; float, for they multiply."""
    count = torch.cat([torch.ones(graph.inputs, dtype=torch.float64), torch.zeros(graph.nodes, dtype=torch.float64)])
    for group in graph.groups:
        part = slice(group.start, group.stop)
        total = torch.zeros(group.stop - group.start, dtype=torch.float64)
        if not group.left_constant:
            total = total + count[torch.from_numpy(graph.left_N[part])]
        if not group.right_constant and group.opcode not in UNARY:
            total = total + count[torch.from_numpy(graph.right_N[part])]
        count[graph.inputs + group.start : graph.inputs + group.stop] = total
    rows_O = torch.from_numpy(graph.output_row_O)
    return torch.where(rows_O < 0, 0.0, count[rows_O.clamp(min=0)] if len(count) else 0.0)


def check_dense_limit(program: Program, soft: Soft) -> None:
    """At a temperature where doubt underflows, every state of the soft dense run is the hard run's, to the bit."""
    states = soft_states(program, soft, Temperature("soft", COLD))
    hard = soft_states(program, _as_hard(hardened(soft)), Temperature("hard"))
    for step, (state, expected) in enumerate(zip(states, hard, strict=True)):
        for name in (*COMPONENTS, "ticks_B"):
            if not torch.equal(getattr(state, name), getattr(expected, name)):
                raise Failed(f"{_called(program, soft)} at τ = {COLD}, step {step}", f"{name} of the hard run",
                             "another")  # fmt: skip


def check_sharpened(program: Program, soft: Soft, beta: float = BETA) -> None:
    """A sharpened run that starts at most DOUBT from the hard one comes as close as rounding lets it, and stays there.

    One step adds up the errors ε of at most five components that it reads or that decide whether it is made at all.
    With β = 2 sharpening leaves less than 2·(5ε)² of that, which from DOUBT on is far less than ε.
    """
    tau = 1 / 12  # a second word half as probable is left with 2^-12, three of them with less than DOUBT
    hard = list(dense_hard(program, hardened(soft)))
    soft_run = soft_states(program, soft, Temperature("soft", tau, beta))
    allowed = DOUBT
    for step, (state, expected) in enumerate(zip(soft_run, hard)):
        for name, error in errors(program, state, expected).items():
            if error > allowed:
                raise Failed(f"{_called(program, soft)} at τ = {tau}, β = {beta}, step {step}",
                             f"an error of at most {allowed:.3g}", f"{error:.3g} in {name}")  # fmt: skip
        allowed = max(2 * (5 * allowed) ** 2, ROUNDING)


def dense_hard(program: Program, arguments: list[Value]) -> Iterator[State]:
    """The hard states beside a soft run, without a tight budget."""
    for state in soft_states(program, _as_hard(arguments), Temperature("hard")):
        yield dense.plain(program, state)


def errors(program: Program, state: dense.DenseState, hard: State) -> dict[str, float]:
    """Each component's largest missing mass on the entry that the hard state has."""
    expected = onehot_state(program, hard, torch.float64)
    found = {}
    for name in COMPONENTS:
        # Above its top the call stack holds what earlier calls left there; nothing reads it.
        right_N, values_N = getattr(expected, name), getattr(state, name)
        if name.startswith("stack_"):
            right_N, values_N = right_N[:, : len(hard.stack)], values_N[:, : len(hard.stack)]
        missing = 1 - (values_N * right_N).sum(-1)
        found[name] = float(missing.max()) if missing.numel() else 0.0
    return found


def _as_hard(arguments: list[Value]) -> Soft:
    return [[((w, 1),) for w in value] if isinstance(value, list) else ((value, 1),) for value in arguments]
