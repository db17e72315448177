"""Learning through soft tapes: the pathwise estimate beside the sampled one (`plan.likelihood`).

A drawn plan fixes how long the tape is and, run by the integer executor, which way each program goes. Given that
length, a cell of the tape is a distribution over the prompt's numbers, exact by a dynamic programme over its runs; so
is the argument, by the pointer. The pathwise executor carries these distributions to the answer. Its gradient needs no
right answer to be drawn, only a tape of the right length; what data do to control has none.

One call a prompt, and words few enough for distributions over them.

Legend: B prompts, U units, I items (runs, and text that may write a symbol), C cells, M the cells of one tape, J cells
that one may begin at, K words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, pad

from ncl.language.program import Program
from ncl.llama import select
from ncl.llama.plan import RARE, Draws, Library, Plan, Words, call, draw, may_begin, plans_of
from ncl.llama.reader import Reader, Reading, Units
from ncl.machine.dataflow import extract
from ncl.machine.executors.pathwise import onehot, replay

_RARE = math.log(RARE)
LEAST = 1e-30  # probability of an answer below which it counts as never given


@dataclass(frozen=True)
class Item:
    """What is written as a whole or not at all: a run of numbers, or a symbol. odds: log-odds that it is."""

    words: tuple[int, ...]
    odds: Tensor


@dataclass(frozen=True)
class Trial:
    """One program on the tapes of one length that a prompt may be read as; `log` is how probable that length is."""

    owner: int
    program: int
    tape: tuple[int, ...]  # of the plan that fixes control
    argument: int
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
) -> tuple[Tensor, Tensor]:
    """As `plan.likelihood`. Raises CapacityError for words too large for distributions over them."""
    reading = reader(units)
    draws = draw(reading, units, count, 1, generator)
    choice_BP = reader.select(reader.pool(reading.channels_BUC, units.text_BU)).log_softmax(-1)
    point_BU = reading.pointer_BU.masked_fill(~units.number_BU, -torch.inf)
    point_BU = torch.where(units.number_BU.any(1, keepdim=True), point_BU, 0).softmax(1)
    support = 1 + max((w for own in words for unit in own for w in unit), default=0)
    support = max(support, *(1 + w for own in library.symbols for w in own), 2)
    trials = _trials(reading, units, draws, words, answers, choice_BP, library, support)
    log_X = torch.full((len(trials),), -torch.inf, device=choice_BP.device)
    for number, program in enumerate(library.programs, 1):
        chosen = [x for x, trial in enumerate(trials) if trial.program == number]
        if chosen:
            own = [trials[x] for x in chosen]
            log_Y = _answered(program, own, words, answers, point_BU, support)
            log_X = log_X.index_copy(0, torch.tensor(chosen, device=log_X.device), log_Y)
    owner_X = torch.tensor([trial.owner for trial in trials], dtype=torch.int64)
    known = set(owner_X[log_X.detach().cpu() > -torch.inf].tolist())
    choice_X = choice_BP[owner_X, [trial.program for trial in trials]] if trials else log_X
    rows = [[plain_B[b] + choice_BP[b, 0], *(log_X[x] + choice_X[x] for x in own)] for b, own in _own(trials, answers)]
    whole_B = logsigmoid(-reading.border_BU).masked_fill(~may_begin(units), 0).sum(1)
    total_B = torch.stack([torch.stack(row).logsumexp(0) for row in rows]) + whole_B
    known_B = torch.tensor([answer is None or b in known for b, answer in enumerate(answers)])
    return total_B, known_B.to(plain_B.device)


def _own(trials: Sequence[Trial], answers: Sequence[object]) -> list[tuple[int, list[int]]]:
    """Of each prompt its trials' numbers."""
    return [(b, [x for x, trial in enumerate(trials) if trial.owner == b]) for b in range(len(answers))]


def _trials(
    reading: Reading,
    units: Units,
    draws: Draws,
    words: Sequence[Words],
    answers: Sequence[tuple[int, ...] | None],
    choice_BP: Tensor,
    library: Library,
    support: int,
) -> list[Trial]:
    """Of each prompt and likely program one for every length among the drawn tapes."""
    found: list[Trial] = []
    drawn = plans_of(draws)
    for b, answer in enumerate(answers):
        if answer is None:
            continue
        soft: dict[tuple[bool, int], tuple[Tensor, Tensor]] = {}
        for number in range(1, len(library.programs) + 1):
            symbols = library.symbols[number - 1]
            if float(choice_BP[b, number].detach()) < _RARE:
                continue
            for size, (tape, argument) in _controls(library, drawn[b], words[b], number).items():
                key = bool(symbols), size
                if key not in soft:
                    soft[key] = cells(_items(reading, units, words[b], b, symbols), size, support)
                cells_MK, log = soft[key]
                found.append(Trial(b, number, tape, argument, cells_MK, log))
    return found


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


def _items(reading: Reading, units: Units, words: Words, b: int, symbols: tuple[int, ...]) -> list[Item]:
    """In the order in which they stand in the prompt."""
    lead, number, text = (bits[b].tolist() for bits in (units.lead_BU, units.number_BU, units.text_BU))
    runs: dict[int, list[int]] = {}
    for u in range(len(words)):
        if number[u]:
            runs.setdefault(lead[u], []).extend(words[u])
    found = []
    for u in range(len(words)):
        if u in runs:
            found.append(Item(tuple(runs[u]), reading.gate_BU[b, u]))
        elif symbols and text[u]:
            found.append(Item(symbols, reading.symbol_BU[b, u]))
    return found


def cells(items: Sequence[Item], size: int, support: int) -> tuple[Tensor, Tensor]:
    """Of a tape of this length each cell's distribution, size×support, and the length's log-probability."""
    device = items[0].odds.device if items else torch.device("cpu")
    chance = [item.odds.sigmoid() for item in items]
    before = [torch.eye(1, size + 1, device=device)[0]]  # cells written by the items before each
    for item, p in zip(items, chance, strict=True):
        before.append((1 - p) * before[-1] + p * _shifted(before[-1], len(item.words)))
    behind = [torch.eye(1, size + 1, device=device)[0]]  # … by those from each on
    for item, p in zip(reversed(items), reversed(chance), strict=True):
        behind.insert(0, (1 - p) * behind[0] + p * _shifted(behind[0], len(item.words)))
    whole = before[-1][size]
    rows, named = [], list[int]()
    for i, item in enumerate(items):
        length = len(item.words)
        if length > size:
            continue
        # Written from cell j on: j cells before, and the rest behind.
        starts_J = chance[i] * before[i][: size - length + 1] * behind[i + 1][: size - length + 1].flip(0) / whole
        rows += [pad(starts_J, (place, size - place - len(starts_J))) for place in range(length)]
        named += item.words
    empty_MK = torch.zeros(size, support, device=device)
    if not rows:
        return empty_MK, whole.log()
    return empty_MK.index_add(1, torch.tensor(named, device=device), torch.stack(rows, 1)), whole.log()


def _shifted(chance_C: Tensor, by: int) -> Tensor:
    """By so many cells; what falls off the end is too long."""
    return pad(chance_C, (by, 0))[: len(chance_C)]


def _answered(
    program: Program,
    trials: Sequence[Trial],
    words: Sequence[Words],
    answers: Sequence[tuple[int, ...] | None],
    point_BU: Tensor,
    support: int,
) -> Tensor:
    """log p(length)·p(answer | length) of each trial, -inf where it is another answer whatever the data are."""
    argued = select.takes_argument(program)
    batch: list[list[int | list[int]]] = [[list(t.tape), *([t.argument] if argued else [])] for t in trials]
    inputs = []
    for trial in trials:
        inputs.append(trial.cells_MK)
        if argued:
            inputs.append(_pointed(point_BU[trial.owner], words[trial.owner], support)[None])
    results, graph = extract(program, batch, select.BUDGET)
    values_OK = replay(graph, torch.cat(inputs), program.sizes.width)
    starts, found = graph.output_start.tolist(), []
    for x, (trial, result) in enumerate(zip(trials, results, strict=True)):
        answer = answers[trial.owner] or ()
        own_OK = values_OK[starts[x] : starts[x + 1]]
        fits = result.trap is None and len(own_OK) == len(answer) and max(answer, default=0) < own_OK.shape[1]
        chance_O = own_OK[range(len(answer)), answer] if fits else own_OK.new_zeros(1)
        given = bool((chance_O > LEAST).all())
        log = trial.log + chance_O.clamp(min=LEAST).log().sum()
        found.append(log if given else log.new_full((), -torch.inf))
    return torch.stack(found)


def _pointed(point_U: Tensor, words: Words, support: int) -> Tensor:
    """The argument's distribution: of a unit, its first word."""
    units = [u for u, own in enumerate(words) if own]
    if not units:
        return onehot([0], support).to(point_U.device)[0]
    named = torch.tensor([words[u][0] for u in units], device=point_U.device)
    return point_U.new_zeros(support).index_add(0, named, point_U[units])
