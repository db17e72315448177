"""The validator's reading of the source, run on numbers, is the source interpreter's; and arrays lie as the lemma says.

The proof is about flat memory, the interpreter has Python lists. The lemma that joins them (docs/trust.md): at every
point arrays are disjoint and lie in [0, hp), hp ≤ M. Here both readings run side by side and the lemma is looked at.
"""

import random
from dataclasses import replace
from itertools import combinations

import pytest
import z3
from translated import TEXTS, long_text, made, named

from ncl import library
from ncl.language.interpret.source import run_source
from ncl.language.trace import Result, TrapReport
from ncl.language.walks import calls
from ncl.verify.runs.input_spaces import random_inputs
from ncl.verify.translation.ends import Arrived, Assume, Fork, Returned, Shared, Trapped
from ncl.verify.translation.expressions import Next, State
from ncl.verify.translation.joins import NOWHERE
from ncl.verify.translation.points import flow, terms
from ncl.verify.translation.source import Source
from ncl.verify.translation.terms import MEANING, shared_natural

BUDGET = 40
LOOPS = tuple(name for name in (*library.names(), *TEXTS) if not calls(named(name).body))


def number(term, budget):
    """A closed term's value, with what products and quotients mean."""
    x, y = z3.Var(0, z3.BitVecSort(64)), z3.Var(1, z3.BitVecSort(64))
    meanings = [(function, meaning(x, y)) for function, meaning in MEANING.values()]
    closed = z3.substitute(term, (shared_natural("budget"), z3.BitVecVal(budget, 64)))
    return z3.simplify(z3.substitute_funs(closed, *meanings))


def flat(function, sizes, arguments):
    """The state on entry: arrays back to back from cell 0, the heap pointer behind them."""
    word = z3.BitVecSort(sizes.width)
    memory, words, hp = z3.K(word, z3.BitVecVal(0, sizes.width)), {}, 0
    for parameter, value in zip(function.signature.parameters, arguments, strict=True):
        if isinstance(value, int):
            words[parameter.name] = z3.BitVecVal(value, sizes.width)
            continue
        words[f"base({parameter.name})"] = z3.BitVecVal(hp, sizes.width)
        words[f"len({parameter.name})"] = z3.BitVecVal(len(value), sizes.width)
        for cell in value:
            memory = z3.Store(memory, z3.BitVecVal(hp, sizes.width), z3.BitVecVal(cell, sizes.width))
            hp += 1
    return State(words, Shared(memory, z3.BitVecVal(hp, 64), z3.BitVecVal(0, 64)))


def walked(function, sizes, arguments, budget):
    """(result, states at points) of the validator's reading."""
    source = Source(function, function.program, sizes, frozenset(flow(function).spots), True, NOWHERE)
    node, states = source.resolved(Next(flow(function).entry, flat(function, sizes, arguments))), []
    while True:
        match node:
            case Fork(condition=condition):
                node = node.yes() if z3.is_true(number(condition, budget)) else node.no()
            case Assume(condition=condition):
                assert z3.is_true(number(condition, budget)), "the lemma of flat memory"
                node = node.then()
            case Arrived(spot=spot):
                words = {t: number(node.value(t), budget) for t in terms(function)}
                words = {t: word for t, word in words.items() if z3.is_bv_value(word)}
                shared = Shared(*(number(t, budget) for t in vars(node.shared).values()))
                states.append((words, shared))
                node = source.run(flow(function).spots[spot], State(words, shared))
            case Trapped(kind=kind, position=place, shared=shared):
                return Result(None, number(shared.ticks, budget).as_long(), None, TrapReport(kind, place)), states
            case Returned(words=words, shared=shared):
                values = [number(word, budget).as_long() for word in words]
                if len(values) == 2:
                    cells = (
                        z3.Select(shared.memory, z3.BitVecVal(values[0] + n, sizes.width)) for n in range(values[1])
                    )
                    values = [[number(cell, budget).as_long() for cell in cells]]
                return Result(values[0], number(shared.ticks, budget).as_long(), None), states
            case _:
                raise AssertionError(f"no way on is known here: {node}")


def lies_as_the_lemma_says(function, sizes, words, shared):
    """Every array that has been made lies in [0, hp), apart from the others; hp is at most M."""
    hp, spans = shared.hp.as_long(), []
    for name in function.arrays:
        base, length = words.get(f"base({name})"), words.get(f"len({name})")
        if base is not None and length is not None:
            spans.append((base.as_long(), base.as_long() + length.as_long()))
    assert hp <= sizes.memory and all(end <= hp for _, end in spans)
    assert all(a[1] <= b[0] or b[1] <= a[0] or a[0] == a[1] or b[0] == b[1] for a, b in combinations(spans, 2))


@pytest.mark.parametrize("name", LOOPS)
def test_the_validator_reads_the_source_as_the_interpreter_does(name):
    compiled = made(named(name), 4, 16, memory=16)
    function, sizes = compiled.function, compiled.program.sizes
    for arguments in random_inputs(compiled.program, 12, seed=3, longest=5):
        for budget in (BUDGET, 3):
            expected = run_source(function, arguments, sizes, budget)
            got, states = walked(function, sizes, arguments, budget)
            assert got == expected, (arguments, budget)
            for words, shared in states:
                lies_as_the_lemma_says(function, sizes, words, shared)


def test_a_long_program_and_arrays_made_in_loops_are_read_alike():
    texts = [
        long_text(40, seed=5),
        "def f(n: Word) -> Array:\n    ys = [1] * n\n    for i in range(3):\n        zs = [i] * (n - i)\n"
        "        ys = [zs[0]] * 2\n        zs[1] = ys[0]\n    return ys\n",
    ]
    for text in texts:
        compiled = made(text, 5, memory=24)
        chance = random.Random(1)
        for arguments in random_inputs(compiled.program, 10, seed=chance.randrange(99), longest=5):
            got, states = walked(compiled.function, compiled.program.sizes, arguments, 60)
            assert got == run_source(compiled.function, arguments, compiled.program.sizes, 60)
            for words, shared in states:
                lies_as_the_lemma_says(compiled.function, compiled.program.sizes, words, shared)


def test_a_reading_that_errs_would_be_seen(monkeypatch):
    compiled = made("modsum", 4, 16, memory=16)
    right = Source.round

    def late(self, statement, place, state):
        words = {f"left@{place.path}": self.terms.add(self.value(state, f"left@{place.path}"), self.terms.word(1))}
        return right(self, statement, place, replace(state, words={**state.words, **words}))

    monkeypatch.setattr(Source, "round", late)
    arguments = [[1, 2, 3], 5]
    got, _ = walked(compiled.function, compiled.program.sizes, arguments, BUDGET)
    assert got != run_source(compiled.function, arguments, compiled.program.sizes, BUDGET)
