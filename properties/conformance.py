"""Does this model compute what that program means? For any callable: a network, a compiled transformer, plain Python.

Lengths are tried from short to long. A length at which the inputs can be counted is tried exhaustively, at others
inputs are drawn: lists of any words, of few different ones, and of one word with a few exceptions, which is what
attention finds hard. The first length that fails is looked for, and the input is made small. Where the program traps,
or its `requires` does not hold, it is undefined, and such inputs are left out. Public as `ncl.check_model`.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any

from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.strategies import SearchStrategy

from ncl.build import Compiled, Target, compile
from ncl.errors import InputError
from ncl.language.interpret.contracts import Broken, View, demand
from ncl.language.interpret.source import run_source
from ncl.language.program import Signature, Sizes, Value
from ncl.language.syntax import Function
from ncl.properties.conformance_report import Conformance, Difference, Tried, python_text
from ncl.properties.failure import Failed
from ncl.properties.minimise import Arguments, minimise
from ncl.properties.search import falsify, seed_for
from ncl.properties.strategies import longest

LENGTHS = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
EXHAUSTIVE = 300  # inputs of a length that are all tried, where there are no more
SAMPLES = 60
SPARSE = 4  # exceptions in a list that is otherwise one word
TRIALS = 600  # runs spent on making a failing input small
BUDGET = 200_000  # ticks of the program, past which it is undefined


# --- the check -------------------------------------------------------------------------------------------------------


def check_model(
    model: Callable[..., Any],
    program: Target | Compiled,
    encode: Callable[..., Any] | None = None,
    decode: Callable[[Any], Any] | None = None,
    *,
    width: int = 16,
    top: int | None = None,
    lengths: Iterable[int] = LENGTHS,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Conformance:
    """Compare a model with a program of the library, a file (`FILE:FUNC`) or a function declared with `@program`.

    `encode` makes of a program's arguments what the model takes (a tuple: several things), `decode` of what it gives a
    word or a list of words; without them the model is called as the program is. `top` is the largest word that inputs
    hold, if not all of the width. A module of torch is run without gradients and in evaluation mode. Raises InputError
    for lengths that the width does not take; what the model raises is a difference.
    """
    compiled = program if isinstance(program, Compiled) else compile(program, width=width)
    function, sizes = compiled.function, compiled.program.sizes
    most = (1 << sizes.width) - 1 if top is None else top
    if not 0 <= most < 1 << sizes.width:
        raise InputError(f"the largest word is {most}, which is none of width {sizes.width}", where="check_model")
    subject = _Subject(model, function, sizes, encode, decode)
    with _evaluating(model):
        tried, found = _search(subject, most, _lengths(function, sizes, lengths), samples, seed)
    return Conformance(function.name, sizes.width, most, tuple(tried), found)


@dataclass
class _Subject:
    model: Callable[..., Any]
    function: Function
    sizes: Sizes
    encode: Callable[..., Any] | None
    decode: Callable[[Any], Any] | None
    compared: int = 0
    undefined: int = 0

    def meaning(self, arguments: Arguments) -> Value | None:
        """What the program gives for an input; None where it is undefined."""
        parameters, contract = self.function.signature.parameters, self.function.contract
        given = {p.name: v for p, v in zip(parameters, arguments, strict=True)}
        words = {name: value for name, value in given.items() if isinstance(value, int)}
        arrays = {name: value for name, value in given.items() if isinstance(value, list)}
        try:
            demand("requires", contract.requires, View(1 << self.sizes.width, words, arrays, given), self.function.name)
        except Broken:
            return None
        return run_source(self.function, _copied(arguments), self.sizes, BUDGET).result

    def difference(self, arguments: Arguments) -> Difference | None:
        expected = self.meaning(arguments)
        if expected is None:
            self.undefined += 1
            return None
        self.compared += 1
        got = self.answer(arguments)
        if type(got) is type(expected) and got == expected:
            return None
        length = max((len(v) for v in arguments if isinstance(v, list)), default=None)
        return Difference(self.function.name, _copied(arguments), expected, got, length)

    def answer(self, arguments: Arguments) -> Any:
        given = _copied(arguments)
        try:
            if self.encode is None:
                out = self.model(*given)
            else:
                encoded = self.encode(*given)
                out = self.model(*encoded) if isinstance(encoded, tuple) else self.model(encoded)
            return _plain(out if self.decode is None else self.decode(out))
        except Exception as fault:
            return fault


def _copied(arguments: Arguments) -> Arguments:
    return [list(value) if isinstance(value, list) else value for value in arguments]


def _plain(value: Any) -> Any:
    """Plain Python of what NumPy and torch give; tuples are lists, a truth value is 0 or 1."""
    plain = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(plain, list | tuple):
        return [_plain(part) for part in plain]
    return int(plain) if isinstance(plain, bool) else plain


@contextmanager
def _evaluating(model: Any) -> Iterator[None]:
    """A module of torch in evaluation mode and without gradients; nothing for anything else."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(model, torch.nn.Module):
        yield
        return
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(training)


def _lengths(function: Function, sizes: Sizes, wanted: Iterable[int]) -> list[int | None]:
    signature = function.signature
    if not any(p.sort == "array" for p in signature.parameters):
        return [None]
    chosen, most = sorted(set(wanted)), longest(signature, sizes, sizes.memory)
    if wanted is LENGTHS:
        chosen = [length for length in chosen if length <= most]
    if not chosen or chosen[0] < 0 or chosen[-1] > most:
        raise InputError(
            f"lengths {chosen} are not all in 0 … {most}", where=f"check_model of {function.name}{signature}",
            remedy="choose other lengths, or a larger width",
        )  # fmt: skip
    return list(chosen)


def _search(
    subject: _Subject, top: int, lengths: Sequence[int | None], samples: int, seed: int
) -> tuple[list[Tried], Difference | None]:
    """Length by length until one fails; then the smallest input that fails, no longer than that."""
    tried: list[Tried] = []
    for length in lengths:
        report, found = _at(subject, top, length, samples, seed)
        if found is None:
            tried.append(report)
            continue
        whole = max((t.length for t in tried if t.exhaustive and t.length is not None), default=-1)
        return tried, _smallest(subject, top, found, whole, samples, seed)
    return tried, None


def _at(subject: _Subject, top: int, length: int | None, samples: int, seed: int) -> tuple[Tried, Difference | None]:
    """All inputs of one length, or some."""
    subject.compared = subject.undefined = 0
    count = _count(subject.function.signature, top, length)
    if count <= EXHAUSTIVE:
        every = _all(subject.function.signature, top, length)
        found = next((d for a in every if (d := subject.difference(a))), None)
    else:
        strategy = arguments_of_length(subject.function.signature, top, length)
        found = _drawn(subject, strategy, samples, seed_for(f"{subject.function.name}/{length}", seed))
    return Tried(length, subject.compared, count <= EXHAUSTIVE, subject.undefined), found


def _count(signature: Signature, top: int, length: int | None) -> int:
    """Inputs whose longest array has this length; more than EXHAUSTIVE may be any larger number."""
    size = top + 1
    if length is not None and length > EXHAUSTIVE.bit_length() and size > 1:
        return EXHAUSTIVE + 1
    upto = [sum(size**n for n in range(most + 1)) for most in (length or 0, (length or 0) - 1)]
    whole = shorter = 1
    for parameter in signature.parameters:
        whole *= upto[0] if parameter.sort == "array" else size
        shorter *= upto[1] if parameter.sort == "array" else size
    return whole - (shorter if length is not None else 0)


def _all(signature: Signature, top: int, length: int | None) -> Iterator[Arguments]:
    def choices(sort: str) -> Iterator[Value]:
        if sort == "word":
            yield from range(top + 1)
            return
        for n in range((length or 0) + 1):
            yield from (list(cells) for cells in product(range(top + 1), repeat=n))

    for row in product(*(list(choices(p.sort)) for p in signature.parameters)):
        if length is None or max(len(v) for v in row if isinstance(v, list)) == length:
            yield list(row)


def _drawn(subject: _Subject, strategy: SearchStrategy[Arguments], samples: int, seed: int) -> Difference | None:
    last: Difference | None = None

    def check(arguments: Arguments) -> None:
        nonlocal last
        found = subject.difference(arguments)
        if found:
            last = found
            raise Failed(found.call, python_text(found.expected), str(found.got))

    try:
        falsify(check, strategy, samples, seed)
    except (Failed, Flaky):  # flaky: a model that does not say the same twice
        return last
    return None


# --- inputs of one length --------------------------------------------------------------------------------------------


def arguments_of_length(signature: Signature, top: int, length: int | None) -> SearchStrategy[Arguments]:
    """Argument lists whose longest array has this length; words up to `top`."""
    word, full = words_to(top), arrays_of_length(top, length or 0)
    others = st.one_of(full, arrays_of_length(top, length or 0, shorter=True))
    arrays = [place for place, p in enumerate(signature.parameters) if p.sort == "array"]

    def row(whole: int | None) -> SearchStrategy[Arguments]:
        parts = [
            word if p.sort == "word" else full if place == whole else others
            for place, p in enumerate(signature.parameters)
        ]
        return st.tuples(*parts).map(list)

    return st.one_of([row(place) for place in arrays] or [row(None)])


def words_to(top: int) -> SearchStrategy[int]:
    return st.one_of(st.integers(0, min(3, top)), st.just(top), st.integers(0, top))


def arrays_of_length(top: int, length: int, shorter: bool = False) -> SearchStrategy[list[int]]:
    """One word with a few exceptions; few different words; any words. Drawn by a few numbers, however long they are."""
    places = st.tuples(st.integers(0, max(0, length - 1)), words_to(top))
    lengths = st.integers(0, length) if shorter else st.just(length)

    def sparse(size: int, word: int, exceptions: list[tuple[int, int]]) -> list[int]:
        cells = [word] * size
        for place, other in exceptions if size else []:
            cells[place % size] = other
        return cells

    def mixed(size: int, most: int, seed: int) -> list[int]:
        chance = random.Random(seed)
        return [chance.randint(0, most) for _ in range(size)]

    return st.one_of(
        st.builds(sparse, lengths, words_to(top), st.lists(places, max_size=SPARSE)),
        st.builds(mixed, lengths, st.sampled_from(sorted({min(1, top), min(2, top), top})), st.integers(0, 1 << 16)),
    )


# --- small inputs ----------------------------------------------------------------------------------------------------


def _smallest(subject: _Subject, top: int, found: Difference, whole: int, samples: int, seed: int) -> Difference:
    """Shorter, then with smaller words, until at one element less nothing is found; up to `whole` all was tried."""
    while True:
        small = minimise(found.arguments, lambda a: subject.difference(a) is not None, TRIALS)
        found = subject.difference(small) or found
        if found.length is None or found.length - 1 <= whole:
            return found
        _, shorter = _at(subject, top, found.length - 1, samples, seed)
        if shorter is None:
            return found
        found = shorter
