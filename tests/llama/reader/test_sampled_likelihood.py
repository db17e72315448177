"""Learning from answers alone: what is estimated from draws is the sum over every plan and every program, and so is its
gradient."""

import math
from dataclasses import fields
from itertools import product

import pytest
import torch

from ncl.build import build_library
from ncl.llama.pretrained.adapter_record import PROGRAMS
from ncl.llama.reader import call_plan as planning
from ncl.llama.reader import sampled_likelihood
from ncl.llama.reader.call_plan import Library, SampledPlans
from ncl.llama.reader.network import Reader, Reading, Units
from ncl.llama.reader.sampled_likelihood import likelihood

POP = (1 << 16) - 1
# Sort 2 1 count 1: two runs, of two numbers and of one; text may write a symbol, the second also begins another call.
WORDS = ((), (2,), (1,), (), (1,))
RUN = torch.tensor([[0, 1, 1, 3, 4]])
NUMBER = torch.tensor([[False, True, True, False, True]])
ROUNDING = {"rtol": 1e-4, "atol": 1e-6}  # float32, summed in another order


@pytest.fixture(scope="module")
def programs():
    made = build_library(PROGRAMS, width=16).programs
    return Library(tuple(made[name] for name in PROGRAMS), ((), (), (), (), (POP,)))


def stacked(tape):
    left = []
    for word in tape:
        if word == POP:
            left[-1:] = []
        else:
            left.append(word)
    return tuple(left)


def plain_python(program, tape, argument):
    """What each program answers, written apart; None for a trap."""
    match program:
        case 1:
            return tape[::-1]
        case 2:
            return tuple(sorted(tape))
        case 3:
            return (tape.count(argument),)
        case 4:
            return (sum(tape) % argument,) if argument else None
    return stacked(tape)


class Given(torch.nn.Module):
    """A reader whose odds are parameters."""

    def __init__(self, seed):
        super().__init__()
        dice = torch.Generator().manual_seed(seed)
        # Odds whose chances are quarters and halves, so that all plans can be listed as often as they are probable.
        self.gates = torch.nn.Parameter(torch.tensor([0.0, math.log(3)]))
        self.symbols = torch.nn.Parameter(torch.tensor([-math.log(3), 0.0]))
        self.boundary = torch.nn.Parameter(torch.tensor(0.0))
        self.pointers = torch.nn.Parameter(torch.zeros(3))
        self.channels = torch.nn.Parameter(torch.rand(2, 4, generator=dice))
        self.choose = torch.nn.Parameter(torch.randn(4, 6, generator=dice))

    def forward(self, units):
        odds = torch.zeros(4, 5)
        gate, pointer, symbol, boundary = (row.clone() for row in odds)
        gate[[1, 2, 4]] = self.gates[[0, 0, 1]]
        pointer[[1, 2, 4]] = self.pointers
        symbol[[0, 3]] = self.symbols
        boundary[3] = self.boundary
        channels = torch.zeros(5, 4)
        channels[[0, 3]] = self.channels
        return Reading(*(row[None] for row in (gate, pointer, symbol, boundary, channels)))

    pool = staticmethod(Reader.pool)

    def select(self, pooled):
        return pooled @ self.choose

    def chances(self, texts):
        """Of none and each program, of a segment with these texts."""
        pooled = self.channels[texts].amax(0) if texts else torch.zeros(4)
        return (pooled @ self.choose).softmax(0)


UNITS = Units(
    torch.zeros(1, 5, 1),
    torch.zeros(1, 5, 1),
    NUMBER,
    ~NUMBER,
    RUN,
    ~NUMBER,
    ~NUMBER,
    torch.arange(5)[None],
)


def every_plan(reader):
    """(bits of gates, symbols and boundary, pointed units, probability) of each."""

    def bit(odds, on):
        return torch.sigmoid(odds if on else -odds)

    for bits in product((False, True), repeat=5):
        odds = [*reader.gates, *reader.symbols, reader.boundary]
        chance = torch.stack([bit(o, b) for o, b in zip(odds, bits)]).prod()
        inside = [0, 1] if bits[4] else [0, 1, 2]
        shares = reader.pointers[inside].softmax(0)
        for at, pointed in enumerate(inside):
            yield bits, ((1, 2, 4)[pointed], 4 if bits[4] else -1), chance * shares[at]


def exact(reader, answer, plain):
    """The probability of the answer, summed over everything."""
    total = torch.tensor(0.0)
    whole, first, second = reader.chances([0, 1]), reader.chances([0]), reader.chances([1])
    for bits, arguments, chance in every_plan(reader):
        taken = {*((1, 2) if bits[0] else ()), *((4,) if bits[1] else ())}
        symbols = {*((0,) if bits[2] else ()), *((3,) if bits[3] else ())}
        results = [ran(chosen, taken, symbols, arguments) for chosen in product(range(6), repeat=1 + bits[4])]
        worth = [math.exp(plain) if r == "nothing called" else float(answer is not None and r == answer)
                 for r in results]  # fmt: skip
        shares = (first[:, None] * second).flatten() if bits[4] else whole
        total = total + chance * (shares * torch.tensor(worth)).sum()
    return total


def ran(chosen, taken, symbols, arguments):
    tape = "nothing called"
    for segment, program in enumerate(chosen):
        if not program:
            continue
        if tape == "nothing called":
            pops = symbols if program == 5 else set()
            tape = tuple(w for unit in sorted(taken | pops) for w in ((POP,) if unit in pops else WORDS[unit]))
        if program in (3, 4) and arguments[segment] < 0:
            return None
        tape = plain_python(program, tape, WORDS[arguments[segment]][0] if arguments[segment] >= 0 else 0)
        if tape is None:
            return None
    return tape


def listed(reader):
    """`sample_plans` that lists every plan as often as it is probable: a mean over samples is the sum over plans."""

    def draw(reading, units, count, segments, generator):
        rows = [(b, a, round(chance.item() * count)) for b, a, chance in every_plan(reader)]
        flat = [(b, a) for b, a, times in rows for _ in range(times)]
        assert len(flat) == count

        def log(odds, on):
            return torch.nn.functional.logsigmoid(odds if on else -odds)

        def point(bits, arguments):
            inside = [0, 1] if bits[4] else [0, 1, 2]
            return reader.pointers[inside].log_softmax(0)[inside.index((1, 2, 4).index(arguments[0]))]

        def table(make):
            return torch.tensor([[make(b) for b, _ in flat]])

        return SampledPlans(
            table(lambda b: [False, b[0], b[0], False, b[1]]),
            table(lambda b: [b[2], False, False, b[3], False]),
            table(lambda b: [0, 0, 0, int(b[4]), int(b[4])]),
            torch.tensor([[a for _, a in flat]]),
            torch.stack([log(reader.gates[0], b[0]) + log(reader.gates[1], b[1]) for b, _ in flat])[None],
            torch.stack([log(reader.symbols[0], b[2]) + log(reader.symbols[1], b[3]) for b, _ in flat])[None],
            torch.stack([log(reader.boundary, b[4]) for b, _ in flat])[None],
            torch.stack([torch.stack([point(b, a), torch.tensor(0.0)]) for b, a in flat])[None],
            *[torch.zeros(1, count)] * 3,
        )

    return draw


ANSWERS = {
    "a sorted list": (1, 2), "a reversed one": (1, 1, 2), "a count": (1,), "nothing": (), "none of them": (77,),
    "a popped stack": (2, 1), "what only a pop or a count leaves": (2,), "no call": None,
}  # fmt: skip


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
def test_over_all_plans_the_estimate_and_its_gradient_are_those_of_the_whole_sum(programs, monkeypatch, answer):
    reader, plain = Given(0), 0.0 if answer is None else -2.0
    monkeypatch.setattr(sampled_likelihood, "sample_plans", listed(reader))
    monkeypatch.setattr(planning, "MIN_PROBABILITY", 0.0)
    (log,), (known,) = likelihood(reader, UNITS, [WORDS], [answer], torch.tensor([plain]), programs, 768)
    wanted = exact(reader, answer, plain).log()
    torch.testing.assert_close(log, wanted, **ROUNDING)
    assert bool(known) == (answer != (77,))
    estimated = torch.autograd.grad(log, list(reader.parameters()), materialize_grads=True, allow_unused=True)
    summed = torch.autograd.grad(wanted, list(reader.parameters()), materialize_grads=True, allow_unused=True)
    for (name, _), one, other in zip(reader.named_parameters(), estimated, summed, strict=True):
        torch.testing.assert_close(one, other, **ROUNDING, msg=lambda told, name=name: f"{name}: {told}")


@pytest.mark.parametrize("rare", ["nothing", "symbols", "boundary", "gates"])
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
def test_the_mean_over_many_draws_comes_near_the_whole_sum(programs, monkeypatch, answer, rare):
    """Also where some bits are far likelier to be drawn together than they are, and would count too much."""
    monkeypatch.setattr(planning, "MIN_PROBABILITY", 0.0)
    reader, plain, count = Given(0), 0.0 if answer is None else -6.0, 20_000
    if rare != "nothing":
        with torch.no_grad():
            getattr(reader, rare).fill_(-3.0)
            reader.symbols[0] -= 0.5  # not a tie
    wanted = exact(reader, answer, plain).item()
    dice = torch.Generator().manual_seed(0)
    (log,), _ = likelihood(reader, UNITS, [WORDS], [answer], torch.tensor([plain]), programs, count, dice)
    # No plan gives less than 0 or more than 1, and none weighs more than twice for each of its three kinds of bits.
    assert abs(log.exp().item() - wanted) < 5 * 2 / math.sqrt(count)
    assert abs(log.exp().item() - wanted) < 0.1 * wanted


def test_learning_raises_the_chance_of_what_answers_right_and_of_nothing_else(programs):
    reader, dice = Given(0), torch.Generator().manual_seed(1)
    with torch.no_grad():
        reader.symbols.fill_(-9.0)  # or pops and another call may give it too
    optimizer = torch.optim.Adam(reader.parameters(), 0.1)
    before = exact(reader, (1, 2), -9.0).item()
    for _ in range(60):
        (log,), _ = likelihood(reader, UNITS, [WORDS], [(1, 2)], torch.tensor([-9.0]), programs, 16, dice)
        optimizer.zero_grad()
        (-log).backward()
        optimizer.step()
    assert before < 0.1 and exact(reader, (1, 2), -9.0).item() > 0.8
    assert reader.gates[0] > 0 > reader.gates[1]  # the list is data; the other number is not


def test_prompts_of_a_batch_do_not_mix(programs):
    first, second = Given(0), Given(1)
    second.choose = first.choose
    both = Units(*(torch.cat([getattr(UNITS, field.name)] * 2) for field in fields(UNITS)))

    class Both(Given):
        def forward(self, units):
            one, other = first(units), second(units)
            return Reading(*(torch.cat([getattr(r, field.name) for r in (one, other)]) for field in fields(Reading)))

    reader = Both(0)
    reader.choose = first.choose
    for answers in ([(1, 2), None], [None, (1, 2)]):
        plain = torch.tensor([0.0 if answer is None else -2.0 for answer in answers])
        log_B, known_B = likelihood(reader, both, [WORDS] * 2, answers, plain, programs, 1)
        for row, own in enumerate((first, second)):
            (alone,), (known,) = likelihood(own, UNITS, [WORDS], [answers[row]], plain[row : row + 1], programs, 1)
            torch.testing.assert_close(log_B[row], alone)
            assert bool(known_B[row]) == bool(known)


def test_a_prompt_that_nothing_solves_still_has_the_language_models_part(programs):
    (log,), (known,) = likelihood(Given(0), UNITS, [WORDS], [(77,)], torch.tensor([-2.0]), programs, 1)
    assert not known and log.isfinite() and log <= -2.0
