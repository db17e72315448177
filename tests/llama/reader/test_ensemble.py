"""How sure a reader is: the probability of all that its answer depends on, by the definition."""

import math
from dataclasses import replace

import pytest
import torch
from readings import KINDS, ODDS, RUNS, Sure, reading_of, units_of

from ncl.build import build_library
from ncl.llama.pretrained.adapter_record import PROGRAMS
from ncl.llama.reader.call_plan import Library, Plan, most_probable
from ncl.llama.reader.ensemble import log_confidence

SORT, COUNT, STACK = 2, 3, 5


@pytest.fixture(scope="module")
def programs():
    made = build_library(PROGRAMS, width=16).programs
    return Library(tuple(made[name] for name in PROGRAMS), ((), (), (), (), (65535,)))


def bit(odds):
    return math.log(1 / (1 + math.exp(-abs(odds))))


def chosen(*channels):
    """Log-probability of what a `Sure` reader calls where these channels are set."""
    odds = [4.5, *(9.0 * (program in channels) for program in range(1, 6))]
    return max(odds) - math.log(sum(math.exp(o) for o in odds))


def share(at, *others):
    pointer = ODDS["pointer"]
    return pointer[at] - math.log(sum(math.exp(pointer[unit]) for unit in (at, *others)))


GATES, BOUNDARY, SYMBOLS = bit(0.5) + bit(-1.0), bit(0.4), bit(-0.5) + bit(0.25)


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        ({0: SORT}, GATES + BOUNDARY + chosen(SORT) + chosen()),
        ({0: SORT, 3: COUNT}, GATES + BOUNDARY + chosen(SORT) + chosen(COUNT) + share(4)),
        ({0: COUNT}, GATES + BOUNDARY + chosen(COUNT) + chosen() + share(1, 2)),
        ({0: STACK, 3: SORT}, GATES + BOUNDARY + SYMBOLS + chosen(STACK) + chosen(SORT)),
        ({0: SORT, 3: STACK}, GATES + BOUNDARY + chosen(SORT) + chosen(STACK)),
        ({3: STACK}, GATES + BOUNDARY + SYMBOLS + chosen() + chosen(STACK)),
        ({}, GATES + BOUNDARY + 2 * chosen()),
    ],
    ids=["one call", "an argument", "of two numbers", "symbols", "no symbols in a second call", "passed over", "none"],
)
def test_it_is_the_probability_of_all_that_the_answer_depends_on(programs, channels, expected):
    reader, units = Sure(reading_of(KINDS, **ODDS, channels=channels)), units_of(KINDS, RUNS)
    choices = most_probable(reader, units, 16)
    (log,) = log_confidence(reader, reader.reading, units, programs, choices)
    assert log == pytest.approx(expected, abs=1e-5)


def test_stretches_beyond_the_budget_do_not_count(programs):
    reading = reading_of("TTT", boundary={1: 9.0, 2: 9.0}, channels={0: SORT})
    choices = most_probable(Sure(reading), units_of("TTT"), 1)
    assert choices == [(Plan((), (), 3, (-1,), (1, 2)), [SORT])]
    (log,) = log_confidence(Sure(reading), reading, units_of("TTT"), programs, choices)
    assert log == pytest.approx(2 * bit(9.0) + chosen(SORT), abs=1e-5)


def test_padding_does_not_count(programs):
    units = units_of(KINDS, RUNS)
    reading = reading_of(KINDS + "TT", **ODDS, channels={0: SORT, 3: COUNT, 5: STACK, 6: STACK})
    padded = units_of(KINDS + "TT", RUNS)
    padded = replace(padded, text_BU=padded.text_BU & (torch.arange(7) < 5))
    (log,) = log_confidence(Sure(reading), reading, padded, programs, most_probable(Sure(reading), padded, 16))
    bare = reading_of(KINDS, **ODDS, channels={0: SORT, 3: COUNT})
    (wanted,) = log_confidence(Sure(bare), bare, units, programs, most_probable(Sure(bare), units, 16))
    assert log == pytest.approx(wanted, abs=1e-5)


def test_a_symbol_that_is_written_again_in_the_same_words_counts_once(programs):
    symbols = {0: -0.5, 3: 0.25, 4: 0.25}
    reader = Sure(reading_of("TNNTT", gate={1: 0.5, 2: 0.5}, symbol=symbols, channels={0: STACK}))
    units = [units_of("TNNTT", [(2, 1)], again) for again in ([(4, 3)], [])]
    once, twice = (
        log_confidence(reader, reader.reading, one, programs, most_probable(reader, one, 16))[0] for one in units
    )
    assert once - twice == pytest.approx(-bit(0.25), abs=1e-5)
