"""Learning through soft tapes: estimates by gradients of the run, beside the one by draws (`sampled_likelihood`).

A drawn plan fixes how long the tape is. Given that length, a cell of the tape is a distribution over the prompt's
numbers, exact by a dynamic programme over its runs; so is the argument, by the pointer. An executor carries these
distributions to the answer: `pathwise` on the way that the drawn tape goes, so that what data do to control has no
gradient, or `dense` on all ways at once, for words of few bits. Neither needs a right answer to be drawn, only a tape
of the right length.

One call a prompt, and words few enough for distributions over them.

Legend: B prompts, U units, X rows (prompts, with text that may write symbols or without), I items of a row, N numbers
of a row, C cells written, M cells of a tape, K words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, pad

from ncl.language.program import Program
from ncl.llama.computer import execution
from ncl.llama.reader.call_plan import (
    MIN_PROBABILITY,
    Library,
    Plan,
    SampledPlans,
    Words,
    call,
    may_begin,
    plans_of,
    sample_plans,
)
from ncl.llama.reader.network import Reader, Reading, Units
from ncl.machine.dataflow import extract
from ncl.machine.executors.pathwise import onehot, replay
from ncl.machine.machine import ProgramLayer, module

LEAST = 1e-30  # probability of an answer below which it counts as never given
RAREST = 1e-9  # … of a length below which its tapes are not run


@dataclass(frozen=True)
class Item:
    """What is written as a whole or not at all: the run that begins at a unit, or a symbol that the unit writes."""

    unit: int
    words: tuple[int, ...]
    symbol: bool = False


@dataclass(frozen=True)
class Trial:
    """One program on the tapes of one length that a prompt may be read as; `soft` numbers those tapes."""

    owner: int
    program: int
    tape: tuple[int, ...]  # of the plan that fixes control
    argument: int
    soft: int


@dataclass(frozen=True)
class RelaxedTape:
    """All tapes of one length of some items: each cell's distribution, and how probable the length is.

    Of a length that is too rare the log is -inf, and no cell has a distribution.
    """

    cells_MK: Tensor
    log: Tensor


def likelihood(
    reader: Reader,
    units: Units,
    words: Sequence[Words],
    answers: Sequence[tuple[int, ...] | None],
    plain_B: Tensor,
    library: Library,
    count: int,
    generator: torch.Generator | None = None,
    outputs: Outputs | None = None,
) -> tuple[Tensor, Tensor]:
    """As `sampled_likelihood.likelihood`; `outputs` is `with_pathwise` unless it is given.

    Raises CapacityError for words too large for distributions over them. plain_B and both results: (B,).
    """
    outputs = outputs or with_pathwise
    reading = reader(units)
    sampled = sample_plans(reading, units, count, 1, generator)
    choice_BP = reader.select(reader.pool(reading.channels_BUC, units.text_BU)).log_softmax(-1)
    point_BU = reading.pointer_BU.masked_fill(~units.number_BU, -torch.inf)
    point_BU = torch.where(units.number_BU.any(1, keepdim=True), point_BU, 0).softmax(1)
    support = 1 + max((w for own in words for unit in own for w in unit), default=0)
    support = max(support, *(1 + w for own in library.symbols for w in own), 2)
    trials, rows, wanted = _trials(sampled, units, words, answers, choice_BP, library)
    softs = relaxed_tapes(rows, _odds(reading, rows), wanted, support)
    log_X = torch.full((len(trials),), -torch.inf, device=choice_BP.device)
    for number, program in enumerate(library.programs, 1):
        chosen = [x for x, trial in enumerate(trials) if trial.program == number and softs[trial.soft].log > -torch.inf]
        if chosen:
            log_Y = _answered(program, [trials[x] for x in chosen], softs, words, answers, point_BU, support, outputs)
            log_X = log_X.index_copy(0, torch.tensor(chosen, device=log_X.device), log_Y)
    owner_X = torch.tensor([trial.owner for trial in trials], dtype=torch.int64)
    known = set(owner_X[log_X.detach().cpu() > -torch.inf].tolist())
    choice_X = choice_BP[owner_X, [trial.program for trial in trials]] if trials else log_X
    parts = [[plain_B[b] + choice_BP[b, 0], *(log_X[x] + choice_X[x] for x in own)] for b, own in _own(trials, answers)]
    whole_B = logsigmoid(-reading.boundary_BU).masked_fill(~may_begin(units), 0).sum(1)
    total_B = torch.stack([torch.stack(part).logsumexp(0) for part in parts]) + whole_B
    known_B = torch.tensor([answer is None or b in known for b, answer in enumerate(answers)])
    return total_B, known_B.to(plain_B.device)


def _own(trials: Sequence[Trial], answers: Sequence[object]) -> list[tuple[int, list[int]]]:
    """Of each prompt its trials' numbers."""
    return [(b, [x for x, trial in enumerate(trials) if trial.owner == b]) for b in range(len(answers))]


Row = tuple[int, tuple[Item, ...]]  # prompt, and what may be written of it


def _trials(
    sampled: SampledPlans,
    units: Units,
    words: Sequence[Words],
    answers: Sequence[tuple[int, ...] | None],
    choice_BP: Tensor,
    library: Library,
) -> tuple[list[Trial], list[Row], list[tuple[int, int]]]:
    """Of each prompt and likely program one for every length among the drawn tapes; and which row at which length."""
    found, rows, drawn = list[Trial](), dict[Row, int](), plans_of(sampled)
    softs: dict[tuple[int, int], int] = {}
    chance_BP = choice_BP.detach().exp().tolist()
    lead, number, text = (bits.tolist() for bits in (units.lead_BU, units.number_BU, units.text_BU))
    for b, answer in enumerate(answers):
        for program in range(1, len(library.programs) + 1):
            if answer is None or chance_BP[b][program] < MIN_PROBABILITY:
                continue
            symbols = library.symbols[program - 1]
            row = b, _items(words[b], lead[b], number[b], text[b], symbols)
            for size, (tape, argument) in _controls(library, drawn[b], words[b], program).items():
                key = rows.setdefault(row, len(rows)), size
                found.append(Trial(b, program, tape, argument, softs.setdefault(key, len(softs))))
    return found, list(rows), list(softs)


def _controls(
    library: Library, plans: Sequence[Plan], words: Words, number: int
) -> dict[int, tuple[tuple[int, ...], int]]:
    """By length the first drawn tape, with its argument; the most probable plan is drawn first."""
    found: dict[int, tuple[tuple[int, ...], int]] = {}
    for plan in plans:
        item = call(library, plan, words, None, 0, number)
        if item is not None:
            found.setdefault(len(item[1]), (item[1], item[2]))
    return found


def _items(
    words: Words, lead: Sequence[int], number: Sequence[bool], text: Sequence[bool], symbols: tuple[int, ...]
) -> tuple[Item, ...]:
    """In the order in which they stand in the prompt."""
    runs: dict[int, list[int]] = {}
    for u, own in enumerate(words):
        if number[u]:
            runs.setdefault(lead[u], []).extend(own)
    found = []
    for u in range(len(words)):
        if u in runs:
            found.append(Item(u, tuple(runs[u])))
        elif symbols and text[u]:
            found.append(Item(u, symbols, symbol=True))
    return tuple(found)


def _odds(reading: Reading, rows: Sequence[Row]) -> Tensor:
    """Log-odds that each item is written, X×I, -inf behind the last one."""
    device, size = reading.gate_BU.device, max((len(items) for _, items in rows), default=0)
    owner_X1 = torch.tensor([[b] for b, _ in rows], dtype=torch.int64, device=device).view(-1, 1)
    unit_XI = _table([[item.unit for item in items] for _, items in rows], size).to(device)
    symbol_XI = _table([[int(item.symbol) for item in items] for _, items in rows], size).to(device)
    there_XI = _table([[1] * len(items) for _, items in rows], size).to(device)
    odds_XI = torch.where(symbol_XI > 0, reading.symbol_BU[owner_X1, unit_XI], reading.gate_BU[owner_X1, unit_XI])
    return odds_XI.masked_fill(there_XI == 0, -torch.inf)


def relaxed_tapes(
    rows: Sequence[Row], odds_XI: Tensor, wanted: Sequence[tuple[int, int]], support: int
) -> list[RelaxedTape]:
    """For each wanted (row, length) all tapes of that length that the row's items may write. odds_XI: (X, I)."""
    longest = max((size for _, size in wanted), default=0)
    length_XI = _table([[len(item.words) for item in items] for _, items in rows], odds_XI.shape[1]).to(odds_XI.device)
    chance_XI = odds_XI.sigmoid()
    # Cells written by the items before each, and by those from each on.
    before_XIC = _summed(chance_XI, length_XI, longest)
    behind_XIC = _summed(chance_XI.flip(1), length_XI.flip(1), longest).flip(1)
    found = []
    for x, size in wanted:
        whole = before_XIC[x, -1, size]
        item_N = [(i, place, len(item.words)) for i, item in enumerate(rows[x][1]) for place in range(len(item.words))]
        named_N = [word for item in rows[x][1] for word in item.words]
        empty_MK = torch.zeros(size, support, device=odds_XI.device)
        if whole < RAREST:
            found.append(RelaxedTape(empty_MK, torch.full_like(whole, -torch.inf).detach()))
            continue
        if not item_N or not size:
            found.append(RelaxedTape(empty_MK, whole.log()))
            continue
        i_N, place_N, length_N = torch.tensor(item_N, device=odds_XI.device).T
        # An item that puts a number into cell m begins `place` cells before it.
        begin_NM = torch.arange(size, device=odds_XI.device) - place_N[:, None]
        rest_NM = size - length_N[:, None] - begin_NM
        fits_NM = (begin_NM >= 0) & (rest_NM >= 0)
        first_NM = before_XIC[x][i_N[:, None], begin_NM.clamp(min=0)]
        then_NM = behind_XIC[x][i_N[:, None] + 1, rest_NM.clamp(min=0)]
        share_NM = torch.where(fits_NM, chance_XI[x][i_N][:, None] * first_NM * then_NM / whole, 0)
        cells_MK = empty_MK.index_add(1, torch.tensor(named_N, device=odds_XI.device), share_NM.T)
        found.append(RelaxedTape(cells_MK, whole.log()))
    return found


def _summed(chance_XI: Tensor, length_XI: Tensor, longest: int) -> Tensor:
    """How many cells, at most `longest`, the first 0, 1, … I items write together: probabilities, X×(I+1)×C."""
    cells_C = torch.arange(longest + 1, device=chance_XI.device)
    sums = [torch.zeros(len(chance_XI), longest + 1, device=chance_XI.device).index_fill(1, cells_C[:1], 1)]
    for chance_X, length_X in zip(chance_XI.unbind(1), length_XI.unbind(1), strict=True):
        from_XC = cells_C - length_X[:, None]
        moved_XC = torch.where(from_XC >= 0, sums[-1].gather(1, from_XC.clamp(min=0)), 0)
        sums.append(torch.lerp(sums[-1], moved_XC, chance_X[:, None]))
    return torch.stack(sums, 1)


def _table(rows: Sequence[Sequence[int]], size: int) -> Tensor:
    """Padded with 0."""
    return torch.tensor([[*row, *[0] * (size - len(row))] for row in rows], dtype=torch.int64).view(len(rows), size)


# Of a program, trials, the cells of their tapes and their arguments: each answer's words, None for a trap.
Outputs = Callable[[Program, Sequence[Trial], Sequence[Tensor], Sequence[Tensor]], list[Tensor | None]]


def with_pathwise(
    program: Program, trials: Sequence[Trial], cells: Sequence[Tensor], arguments: Sequence[Tensor]
) -> list[Tensor | None]:
    """The distribution of each word of the answer, on the way that the trial's own tape goes.

    Cells: (M, K); arguments: (1, K); each result (A, K), A words of the answer.
    """
    argued = execution.takes_argument(program)
    batch: list[list[int | list[int]]] = [[list(t.tape), *([t.argument] if argued else [])] for t in trials]
    inputs = [part for pair in zip(cells, arguments, strict=True) for part in (pair if argued else pair[:1])]
    results, graph = extract(program, batch, execution.BUDGET)
    values_OK = replay(graph, torch.cat(inputs), program.sizes.width)
    starts = graph.output_start.tolist()
    parts = zip(results, pairwise(starts), strict=True)
    return [None if result.trap else values_OK[begin:end] for result, (begin, end) in parts]


def with_dense(
    program: Program, trials: Sequence[Trial], cells: Sequence[Tensor], arguments: Sequence[Tensor]
) -> list[Tensor | None]:
    """… on all ways at once. Shapes as in `with_pathwise`: (M, K), (1, K) and (A, K)."""
    words, longest = 1 << program.sizes.width, max(1, *(len(own) for own in cells))
    values_BMN = torch.stack([pad(own, (0, words - own.shape[1], 0, longest - len(own))) for own in cells])
    given = (
        [torch.cat([pad(own, (0, words - own.shape[1])) for own in arguments])]
        if execution.takes_argument(program)
        else []
    )
    lengths_B = torch.tensor([len(own) for own in cells], device=values_BMN.device)
    found_BKN, found_B = _layer(program)(values_BMN, lengths_B, given)
    # No word at all is how a layer tells of a trap; a program that answers with a word gives one.
    least = 1 if program.signature.result == "word" else 0
    return [
        own_KN[:length] if length >= least else None for own_KN, length in zip(found_BKN, found_B.tolist(), strict=True)
    ]


@lru_cache(maxsize=16)
def _layer(program: Program) -> ProgramLayer:
    return module(program, executor="dense")


def _answered(
    program: Program,
    trials: Sequence[Trial],
    softs: Sequence[RelaxedTape],
    words: Sequence[Words],
    answers: Sequence[tuple[int, ...] | None],
    point_BU: Tensor,
    support: int,
    outputs: Outputs,
) -> Tensor:
    """log p(length)·p(answer | length) of each trial, -inf where it is another answer whatever the data are."""
    cells = [softs[trial.soft].cells_MK for trial in trials]
    arguments = [_argument_distribution(point_BU[trial.owner], words[trial.owner], support)[None] for trial in trials]
    found = []
    for trial, own_OK in zip(trials, outputs(program, trials, cells, arguments), strict=True):
        answer = answers[trial.owner] or ()
        log = softs[trial.soft].log
        fits = own_OK is not None and len(own_OK) == len(answer) and max(answer, default=0) < own_OK.shape[1]
        chance_O = own_OK[range(len(answer)), answer] if own_OK is not None and fits else log.new_zeros(1)
        given = bool((chance_O > LEAST).all())
        found.append(log + chance_O.clamp(min=LEAST).log().sum() if given else log.new_full((), -torch.inf))
    return torch.stack(found)


def _argument_distribution(point_U: Tensor, words: Words, support: int) -> Tensor:
    """The argument's distribution: of a unit, its first word."""
    units = [u for u, own in enumerate(words) if own]
    if not units:
        return onehot([0], support).to(point_U.device)[0]
    named = torch.tensor([words[u][0] for u in units], device=point_U.device)
    return point_U.new_zeros(support).index_add(0, named, point_U[units])
