"""Plans: from readings of prompts to calls, one after another, and their results.

A plan is hard: which numbers go on the tape, where symbols are written, where another call begins (so that the prompt
falls into *segments*), and which number is each segment's argument. A segment then calls one program or none; the
result of one call is the tape of the next, and after the last one the chain halts by itself.

Learning samples several plans a prompt (`sample_plans`), runs every sequence of programs on each, and weighs what
answers right (`sampled_likelihood`); use takes the most probable plan and its most probable programs (`most_probable`).

Legend: B prompts, K plans a prompt, U units, S segments, P programs ("none" is 0).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from ncl.language.program import Program
from ncl.llama.computer import execution
from ncl.llama.reader.network import Reader, Reading, Units

Words = Sequence[tuple[int, ...]]  # the words that each unit of a prompt stands for; text stands for none
MIN_PROBABILITY = 1e-4  # choices of programs rarer than this are not run while learning
MAX_SEGMENTS = 2  # segments of a plan that learning follows; how many there may be in use is the model's budget
MOST_KNOWN = 1 << 22  # numbers of tapes and results that learning remembers; with what holds them some 200 MB
OVERHEAD = 12  # … that a run counts for beside its own


@dataclass(frozen=True)
class Library:
    """The programs in the order of the selection, and the words that text may write for each (none for most)."""

    programs: tuple[Program, ...]
    symbols: tuple[tuple[int, ...], ...]

    @cached_property
    def learning(self) -> Machine:
        """Remembers runs from one step of learning to the next: once a reader knows its way, most come again."""
        return Machine(self)


@dataclass(frozen=True)
class Plan:
    """Of one prompt. `argument` has a unit per segment, -1 for none; `boundaries` are those of decided plans only."""

    taken: tuple[int, ...]  # units whose numbers are data
    symbols: tuple[int, ...]  # units of text that write a symbol
    segments: int
    argument: tuple[int, ...]
    boundaries: tuple[int, ...] = ()  # the unit that each segment but the first begins with


@dataclass(frozen=True)
class Step:
    """One call that was made."""

    segment: int
    program: int  # 1 … P
    argument: int | None
    tape: tuple[int, ...]
    result: tuple[int, ...]
    steps: int


@dataclass(frozen=True)
class SampledPlans:
    """Plans of a batch as bits, with the log-probabilities that learning needs."""

    taken_BKU: Tensor
    symbol_BKU: Tensor
    segment_BKU: Tensor  # which segment each unit is in
    argument_BKS: Tensor  # unit, -1 where the segment has no number
    write_BK: Tensor  # log-probability of the gates
    spell_BK: Tensor  # … of the symbols
    part_BK: Tensor  # … of the boundaries
    point_BKS: Tensor  # … of each segment's argument
    write_bias_BK: Tensor  # log of how much oftener the gates are sampled so than they are probable
    spell_bias_BK: Tensor  # … the symbols
    part_bias_BK: Tensor  # … the boundaries


def sample_plans(
    reading: Reading, units: Units, count: int, segments: int, generator: torch.Generator | None
) -> SampledPlans:
    """Plans sampled independently; the first is the most probable one, so that what works is always tried.

    Bit by bit a plan of many bits, all pushes of a stack and all its pops, hardly ever comes out whole while most odds
    are still even or low. So half of the samples set bits of the highest odds together, and the bias is kept.
    """
    some_S = torch.ones(units.number_BU.shape[1] + 1)
    few_S = some_S / some_S.cumsum(0)  # symbols are rarer than other text
    taken_BKU, write_BK, write_bias_BK = _bits(reading.gate_BU, run_starts(units), count, some_S, generator)
    taken_BKU = taken_BKU.gather(2, units.lead_BU[:, None].expand_as(taken_BKU)) & units.number_BU[:, None]
    symbol_BKU, spell_BK, spell_bias_BK = _bits(reading.symbol_BU, units.text_BU, count, few_S, generator)
    boundary_BKU, part_BK, part_bias_BK = _bits(
        reading.boundary_BU, may_begin(units), count, some_S[:segments], generator
    )
    segment_BKU = boundary_BKU.long().cumsum(2)
    arguments, points = [], []
    for number in range(segments):
        inside_BKU = (segment_BKU == number) & units.number_BU[:, None]
        log_BKU = reading.pointer_BU[:, None].masked_fill(~inside_BKU, -torch.inf)
        some_BK1 = inside_BKU.any(2, keepdim=True)
        log_BKU = torch.where(some_BK1, log_BKU, 0).log_softmax(2)
        flat_XU = log_BKU.detach().exp().flatten(0, 1).cpu()
        picked_BK = torch.multinomial(flat_XU, 1, generator=generator).view(log_BKU.shape[:2]).to(log_BKU.device)
        picked_BK[:, 0] = log_BKU[:, 0].argmax(1)
        some_BK = some_BK1.squeeze(2)
        points.append(torch.where(some_BK, log_BKU.gather(2, picked_BK[..., None]).squeeze(2), 0))
        arguments.append(torch.where(some_BK, picked_BK, -1))
    return SampledPlans(
        taken_BKU,
        symbol_BKU,
        segment_BKU,
        torch.stack(arguments, 2),
        write_BK,
        spell_BK,
        part_BK,
        torch.stack(points, 2),
        write_bias_BK,
        spell_bias_BK,
        part_bias_BK,
    )


def run_starts(units: Units) -> Tensor:
    """The first number of each run, whose gate is that of all. (B, U), bool."""
    return units.number_BU & _own(units.lead_BU)


def first_occurrences(units: Units) -> Tensor:
    """Text whose clause stands nowhere before: what it writes, it writes wherever it is said again. (B, U), bool."""
    return units.text_BU & _own(units.same_BU)


def _own(first_BU: Tensor) -> Tensor:
    return first_BU == torch.arange(first_BU.shape[1], device=first_BU.device)


def may_begin(units: Units) -> Tensor:
    """Text that is not the first unit: there a segment begins anyway. (B, U), bool."""
    first_BU = torch.zeros_like(units.text_BU)
    first_BU[:, 0] = True
    return units.text_BU & ~first_BU


def _bits(
    odds_BU: Tensor, there_BU: Tensor, count: int, sizes_S: Tensor, generator: torch.Generator | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Bits where `there`; of each sample the log-probability, were all its bits independent, and the bias.

    They are independent in every other sample, as chance has it; the rest set those of the highest odds, of as many as
    `sizes_S` makes likely.
    """
    batch, device = len(odds_BU), odds_BU.device
    chance_BU = odds_BU.detach().sigmoid()
    alone_BKU = torch.rand(batch, count, odds_BU.shape[1], generator=generator).to(device) < chance_BU[:, None]
    rank_BU = chance_BU.masked_fill(~there_BU, -1).argsort(dim=1, descending=True).argsort(dim=1)
    share_BS = sizes_S * (torch.arange(len(sizes_S)) <= there_BU.sum(1, keepdim=True).cpu())
    share_BS = share_BS / share_BS.sum(1, keepdim=True)
    size_BK1 = torch.multinomial(share_BS, count, replacement=True, generator=generator)[..., None].to(device)
    together_BK1 = torch.rand(batch, count, 1, generator=generator).to(device) < 0.5
    bits_BKU = torch.where(together_BK1, rank_BU[:, None] < size_BK1, alone_BKU)
    bits_BKU[:, 0] = odds_BU > 0
    bits_BKU &= there_BU[:, None]
    log_BKU = logsigmoid(torch.where(bits_BKU, odds_BU[:, None], -odds_BU[:, None]))
    log_BK = log_BKU.masked_fill(~there_BU[:, None], 0).sum(2)
    size_BK = bits_BKU.sum(2)
    highest_BK = (bits_BKU == (rank_BU[:, None] < size_BK[..., None])).all(2) & (size_BK < len(sizes_S))
    share_BK = share_BS.to(device).gather(1, size_BK.clamp(max=len(sizes_S) - 1)) * highest_BK
    bias_BK = torch.logaddexp(share_BK.log() - log_BK.detach(), torch.zeros_like(share_BK)) - math.log(2)
    bias_BK[:, 0] = 0  # not sampled
    return bits_BKU, log_BK, bias_BK


# --- running ---------------------------------------------------------------------------------------------------------


Item = tuple[int, tuple[int, ...], int]  # program, tape, argument
Ran = tuple[tuple[int, ...], int]  # result, steps


@dataclass(frozen=True)
class _Chain:
    """A sequence of calls so far of one trial, and how likely its choices were."""

    owner: int
    calls: Calls
    tape: tuple[int, ...] | None  # None: nothing called yet
    chance: float


@dataclass
class Machine:
    """Runs programs of the library on tapes, each (program, tape, argument) once as long as it is known."""

    library: Library
    known: dict[Item, Ran | None] = field(default_factory=dict)
    held: int = 0  # by `_held`

    def run(self, wanted: Sequence[Item]) -> None:
        """Fill `known` with (result, steps), None where the program trapped; the oldest are forgotten."""
        if self.held > MOST_KNOWN:
            self.known = dict(islice(self.known.items(), len(self.known) // 2, None))
            self.held = sum(map(_held, self.known.items()))
        fresh: dict[int, list[Item]] = {}
        for item in dict.fromkeys(wanted):
            if item not in self.known:
                fresh.setdefault(item[0], []).append(item)
        for number, items in fresh.items():
            longest = max(1, *(len(tape) for _, tape, _ in items))
            values_SM = torch.tensor([[*tape, *[0] * (longest - len(tape))] for _, tape, _ in items])
            lengths_S = torch.tensor([len(tape) for _, tape, _ in items])
            argument_S = torch.tensor([argument for _, _, argument in items])
            outcome = execution.run(self.library.programs[number - 1], values_SM, lengths_S, argument_S)
            rows, lengths = outcome.values_SA.tolist(), outcome.lengths_S.tolist()
            trapped, steps = outcome.trapped_S.tolist(), outcome.steps_S.tolist()
            for item, row, length, trap, took in zip(items, rows, lengths, trapped, steps):
                self.known[item] = None if trap else (tuple(row[:length]), took)
                self.held += _held((item, self.known[item]))


def _held(run: tuple[Item, Ran | None]) -> int:
    """How much is remembered with a run, in numbers."""
    (_, tape, _), ran = run
    return OVERHEAD + len(tape) + (len(ran[0]) if ran else 0)


@dataclass(frozen=True)
class Candidate:
    """One plan of one prompt, to be run with every likely sequence of programs. chance: of each segment's choices."""

    plan: Plan
    words: Words
    answer: tuple[int, ...]
    chance: Sequence[Sequence[float]]


Calls = tuple[tuple[int, int], ...]  # (segment, program), in order


def solutions(trials: Sequence[Candidate], library: Library) -> list[list[Calls]]:
    """For each trial every sequence of calls whose last result is the answer.

    Plans of more than MAX_SEGMENTS segments have none; sequences rarer than MIN_PROBABILITY are not tried.
    """
    machine = library.learning
    found: list[list[Calls]] = [[] for _ in trials]
    chains = [_Chain(owner, (), None, 1.0) for owner, trial in enumerate(trials) if trial.plan.segments <= MAX_SEGMENTS]
    while chains:
        wanted: list[tuple[_Chain, Calls, float, Item]] = []
        for chain in chains:
            wanted += _next_calls(library, trials[chain.owner], chain)
        machine.run([item for *_, item in wanted])
        chains = []
        for chain, calls, chance, item in wanted:
            outcome = machine.known[item]
            if outcome is None:
                continue
            trial = trials[chain.owner]
            if outcome[0] == trial.answer:
                found[chain.owner].append(calls)
            if calls[-1][0] + 1 < trial.plan.segments:
                chains.append(_Chain(chain.owner, calls, outcome[0], chance))
    return found


def _next_calls(library: Library, trial: Candidate, chain: _Chain) -> list[tuple[_Chain, Calls, float, Item]]:
    found = []
    chance, written = chain.chance, dict[tuple[int, ...], tuple[int, ...]]()  # by symbols, of which few are different
    for segment in range(chain.calls[-1][0] + 1 if chain.calls else 0, trial.plan.segments):
        for number, symbols in enumerate(library.symbols, 1):
            likely = chance * trial.chance[segment][number]
            if likely < MIN_PROBABILITY:
                continue
            tape = chain.tape
            if tape is None and (tape := written.get(symbols)) is None:
                tape = written[symbols] = first_tape(trial.plan, trial.words, symbols)
            argument = _argument(library, trial.plan, trial.words, segment, number)
            if argument is not None:
                found.append((chain, (*chain.calls, (segment, number)), likely, (number, tape, argument)))
        chance *= trial.chance[segment][0]  # passed over
    return found


def call(
    library: Library, plan: Plan, word: Words, tape: tuple[int, ...] | None, segment: int, number: int
) -> Item | None:
    """One call; None when it needs an argument and its segment has no number."""
    argument = _argument(library, plan, word, segment, number)
    if argument is None:
        return None
    return number, first_tape(plan, word, library.symbols[number - 1]) if tape is None else tape, argument


def first_tape(plan: Plan, word: Words, symbols: tuple[int, ...]) -> tuple[int, ...]:
    """What the first call reads: the numbers taken, and the symbols where the plan writes them, if there are any."""
    if not (symbols and plan.symbols):
        return tuple(w for unit in plan.taken for w in word[unit])
    written = set(plan.symbols)
    return tuple(w for unit in sorted({*plan.taken, *written}) for w in (symbols if unit in written else word[unit]))


def _argument(library: Library, plan: Plan, word: Words, segment: int, number: int) -> int | None:
    """What the program takes beside its tape: 0 where it takes nothing, None where the segment has no number."""
    if not execution.takes_argument(library.programs[number - 1]):
        return 0
    unit = plan.argument[segment]
    return None if unit < 0 else word[unit][0]


def plans_of(sampled: SampledPlans) -> list[list[Plan]]:
    """The samples as plans, B lists of K."""
    batch, draws_each, _ = sampled.taken_BKU.shape
    taken, symbol = _ones(sampled.taken_BKU.flatten(0, 1)), _ones(sampled.symbol_BKU.flatten(0, 1))
    count = (sampled.segment_BKU.amax(2) + 1).flatten().tolist()
    argument = sampled.argument_BKS.flatten(0, 1).tolist()
    found = [Plan(data, pops, size, tuple(at)) for data, pops, size, at in zip(taken, symbol, count, argument)]
    return [found[b * draws_each : (b + 1) * draws_each] for b in range(batch)]


def _ones(bits_XU: Tensor) -> list[tuple[int, ...]]:
    """Of each row the places that are set."""
    places = bits_XU.nonzero()[:, 1].tolist()
    ends = bits_XU.sum(1).cumsum(0).tolist()
    return [tuple(places[begin:end]) for begin, end in zip([0, *ends], ends)]


# --- use -------------------------------------------------------------------------------------------------------------


@torch.no_grad()
def most_probable(reader: Reader, units: Units, most: int) -> list[tuple[Plan, list[int]]]:
    """The most probable plan of each prompt, with the program (0 for none) of each of its segments, at most `most`."""
    return most_probable_of(reader, reader(units), units, most)


def most_probable_of(reader: Reader, reading: Reading, units: Units, most: int) -> list[tuple[Plan, list[int]]]:
    """As `most_probable`, from a reading that was made."""
    begins_BU = (reading.boundary_BU > 0) & may_begin(units)
    segment_BU = begins_BU.long().cumsum(1)
    taken_BU = (reading.gate_BU > 0) & units.number_BU
    symbol_BU = (reading.symbol_BU > 0) & units.text_BU
    bits = zip(_ones(taken_BU), _ones(symbol_BU), _ones(begins_BU), strict=True)
    found = []
    for b, (taken, symbols, boundaries) in enumerate(bits):
        count = int(segment_BU[b].max()) + 1
        inside_SU = torch.stack([segment_BU[b] == s for s in range(min(count, most))])
        pooled_SC = reader.pool(reading.channels_BUC[b], inside_SU & units.text_BU[b])
        programs: list[int] = reader.select(pooled_SC).argmax(1).tolist()
        arguments = []
        for inside_U in inside_SU & units.number_BU[b]:
            log_U = reading.pointer_BU[b].masked_fill(~inside_U, -torch.inf)
            arguments.append(int(log_U.argmax()) if bool(inside_U.any()) else -1)
        found.append((Plan(taken, symbols, count, tuple(arguments), boundaries), programs))
    return found


def execute(
    library: Library, plan: Plan, programs: Sequence[int], word: Words, tape: tuple[int, ...] | None = None
) -> list[Step] | None:
    """Make the plan's calls one after another; None when one traps or lacks its argument.

    `tape`: of the first call, where the plan does not write one.
    """
    machine, made = Machine(library), list[Step]()
    for segment, number in enumerate(programs):
        if not number:
            continue
        item = call(library, plan, word, tape, segment, number)
        if item is None:
            return None
        machine.run([item])
        outcome = machine.known[item]
        if outcome is None:
            return None
        argument = item[2] if execution.takes_argument(library.programs[number - 1]) else None
        made.append(Step(segment, number, argument, item[1], outcome[0], outcome[1]))
        tape = outcome[0]
    return made
