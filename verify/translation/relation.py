"""Rows of a witness as relations between a state of the source and one of the machine.

A row says which source term stands in which location. Everything that it ties together, directly or through others, is
one *class* and holds one word; memory, heap pointer and ticks are equal always; what it does not name is arbitrary on
both sides. So a row is never empty, and no proof rests on states that contradict each other (soundness 3). Called by
`segment`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ncl.language.program import Signature
from ncl.verify.translation import expressions
from ncl.verify.translation import machine as translation_machine
from ncl.verify.translation.ends import Shared
from ncl.verify.translation.terms import Term, Terms, shared_memory, shared_natural, source_word

Pairs = tuple[tuple[str, str], ...]  # (source term, location)


class Contradiction(Exception):
    """A row that ties two different numbers together: no state has it."""


@dataclass(frozen=True)
class Start:
    """The most general pair of states that a row relates."""

    source: expressions.State
    machine: translation_machine.State


def calling_convention(signature: Signature) -> Pairs:
    """Soundness 2: where the arguments stand on entry, from the signature and never from the witness."""
    terms: list[str] = []
    for parameter in signature.parameters:
        name = parameter.name
        terms += [name] if parameter.sort == "word" else [f"base({name})", f"len({name})"]
    return tuple((term, f"r{number}") for number, term in enumerate(terms))


def start(pairs: Pairs, fixed: Mapping[str, Term], terms: Terms) -> Start:
    """Raises Contradiction. `fixed` are the source terms that are one number in every run."""
    words: dict[str, Term] = {}
    places: dict[str, Term] = {}
    for group in _classes(pairs):
        word = _word(group, fixed, terms)
        for side, name in group:
            if side == "source":
                words[name] = word
            elif not name.startswith("c"):
                places[name] = word
    shared = Shared(shared_memory("memory", terms.width), shared_natural("hp"), shared_natural("ticks"))
    return Start(expressions.State(words, shared), translation_machine.State(places, shared))


def _classes(pairs: Pairs) -> list[set[tuple[str, str]]]:
    """What the pairs tie together: sets of ("source", term) and ("machine", location)."""
    groups: list[set[tuple[str, str]]] = []
    for term, location in pairs:
        touched = [g for g in groups if ("source", term) in g or ("machine", location) in g]
        groups = [g for g in groups if g not in touched]
        groups.append({("source", term), ("machine", location)}.union(*touched))
    return groups


def _word(group: Iterable[tuple[str, str]], fixed: Mapping[str, Term], terms: Terms) -> Term:
    numbers: list[Term] = []
    for side, name in sorted(group):
        if side == "source" and name in fixed:
            numbers.append(fixed[name])
        if side == "machine" and name.startswith("c"):
            numbers.append(terms.word(int(name[1:])))
    if any(not number.eq(numbers[0]) for number in numbers):
        raise Contradiction(
            f"{', '.join(name for _, name in sorted(group))} would be {' and '.join(map(str, numbers))}"
        )
    first = min(name for side, name in group if side == "source")
    return numbers[0] if numbers else source_word(first, terms.width)
