"""Strategies for what programs take: words, argument lists and batches of them, hard and soft.

Everything drawn is valid; nothing is filtered. Values shrink to short lists and small words, so that a failing check
ends with an input that a person can follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ncl.language.program import Program, Signature, Sizes, Value

# A soft word: (word, weight) pairs of distinct words. The first has weight TOP, all others at most half of it together
# with no other, so the most probable word is never in doubt.
SoftWord = tuple[tuple[int, int], ...]
SoftValue = SoftWord | list[SoftWord]
TOP = 8


def words(width: int) -> SearchStrategy[int]:
    """Any word, small ones more often. Hypothesis itself tries the largest and the powers of two."""
    top = (1 << width) - 1
    return st.one_of(st.integers(0, min(3, top)), st.integers(0, top))


def arrays(width: int, longest: int) -> SearchStrategy[list[int]]:
    """Arrays of any words, and arrays of few different ones, so that elements meet again."""
    few = st.lists(st.integers(0, min(2, (1 << width) - 1)), max_size=longest)
    return st.one_of(few, st.lists(words(width), max_size=longest))


def longest(signature: Signature, sizes: Sizes, wanted: int) -> int:
    """The longest array that may be drawn: all arrays together fit in half of memory, and a length is a word."""
    count = sum(p.sort == "array" for p in signature.parameters)
    return min(wanted, (1 << sizes.width) - 1, sizes.memory // max(1, 2 * count))


def arguments(signature: Signature, sizes: Sizes, most: int = 8) -> SearchStrategy[list[Value]]:
    """One argument list of a signature: arrays of up to `most` words, as far as half of memory goes."""
    cells = longest(signature, sizes, most)
    kinds = {"word": words(sizes.width), "array": arrays(sizes.width, cells)}
    return st.tuples(*(kinds[p.sort] for p in signature.parameters)).map(list)


@dataclass(frozen=True)
class Batch:
    """Argument lists that run together, with the budget of each."""

    rows: list[list[Value]]
    budget: int

    def to_json(self) -> dict[str, Any]:
        return {"rows": self.rows, "budget": self.budget}

    @staticmethod
    def from_json(data: dict[str, Any]) -> Batch:
        return Batch(list(data["rows"]), int(data["budget"]))


def batches(program: Program, budget: int, most: int = 8, rows: int = 4) -> SearchStrategy[Batch]:
    """Batches of up to `rows` argument lists. Some have a budget of a few ticks, to see where it ends a run."""
    single = arguments(program.signature, program.sizes, most)
    budgets = st.sampled_from([budget, budget, budget, 0, 1, 2, 3, 5, 8])
    return st.builds(Batch, st.lists(single, min_size=1, max_size=rows), budgets)


# --- soft arguments --------------------------------------------------------------------------------------------------


@st.composite
def soft_words(draw: Any, width: int) -> SoftWord:
    """One to four words; the first is the most probable by at least 2 : 1."""
    order = draw(st.lists(st.integers(0, (1 << width) - 1), min_size=1, max_size=4, unique=True))
    return ((order[0], TOP), *((word, draw(st.integers(1, TOP // 2))) for word in order[1:]))


def soft_arguments(signature: Signature, sizes: Sizes, most: int = 3) -> SearchStrategy[list[SoftValue]]:
    """One soft argument list; lengths stay hard."""
    word = soft_words(sizes.width)
    cells = st.lists(word, max_size=longest(signature, sizes, most))
    kinds = {"word": word, "array": cells}
    return st.tuples(*(kinds[p.sort] for p in signature.parameters)).map(list)


def soft_from_json(signature: Signature, data: list[Any]) -> list[SoftValue]:
    def word(pairs: Any) -> SoftWord:
        return tuple((int(value), int(weight)) for value, weight in pairs)

    sorts = [p.sort for p in signature.parameters]
    return [word(v) if sort == "word" else [word(w) for w in v] for sort, v in zip(sorts, data, strict=True)]


def hardened(soft: list[SoftValue]) -> list[Value]:
    """The most probable words."""
    return [[cell[0][0] for cell in value] if isinstance(value, list) else value[0][0] for value in soft]


def soft_text(soft: list[SoftValue]) -> list[str]:
    """Each argument as a user may read it: a distribution by its weights, a hard word as it is."""

    def word(value: SoftWord) -> str:
        return str(value[0][0]) if len(value) == 1 else "{" + ", ".join(f"{w}: {n}" for w, n in value) + "}"

    return [f"[{', '.join(map(word, v))}]" if isinstance(v, list) else word(v) for v in soft]
