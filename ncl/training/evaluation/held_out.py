"""The held-out test set of the natural tasks: fresh numbers in phrasings that nothing trains on.

They stand in `phrasings/test.json`: other phrasings of the same words (`seen`), words that no training phrasing has
(`unseen`), several lists of which one is meant (`several`), chains of calls, and chat for which nothing is to be
called. Called by `ncl evaluate` without --prompts and by the demo.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from ncl.errors import InputError
from ncl.training.evaluation.accuracy import samples_for
from ncl.training.tasks.natural_prompts import LISTED, TASKS, Prompt, held_out_wording, phrasings, sample

KINDS = ("seen", "unseen", "several")
CHAIN, CHAT = "chain", "chat"
ALL = (*TASKS, CHAIN, CHAT)
LENGTHS, CALLS = (10, 100, 1000), (2, 3, 4, 5, 6)
CHAIN_LENGTH = 10
MOST = 60_000  # numbers in a list: what a machine of 16 bits has addresses for


@dataclass(frozen=True)
class HeldOutSet:
    """How much of each. n, n_long: samples a cell up to 100 numbers and beyond; chat: prompts of it at most.

    all_lengths: the kinds that are evaluated at every length; the others are at the shortest.
    """

    tasks: tuple[str, ...] = ALL
    lengths: tuple[int, ...] = LENGTHS
    n: int = 40
    n_long: int = 8
    chat: int = 200
    kinds: tuple[str, ...] = KINDS
    all_lengths: tuple[str, ...] = KINDS
    seed: int = 0

    def __post_init__(self) -> None:
        if unknown := set(self.tasks) - set(ALL):
            raise InputError(f"no task {', '.join(sorted(unknown))}", where="--task", remedy=f"tasks: {', '.join(ALL)}")
        if unknown := set(self.kinds) - set(KINDS):
            names = ", ".join(sorted(unknown))
            raise InputError(f"no phrasing {names}", where="--phrasing", remedy=f"phrasings: {', '.join(KINDS)}")
        if not self.lengths or min(self.lengths) < 1 or max(self.lengths) > MOST:
            raise InputError(f"lengths {_listed(self.lengths)} are not in 1 … {MOST}", where="--length")

    def prompts(self) -> list[Prompt]:
        """All prompts; the same test set always has the same."""
        return [*self._single(), *self._chains(), *self._quiet()]

    def _single(self) -> list[Prompt]:
        found = []
        for kind in self.kinds:
            wording = held_out_wording(kind)
            for task in (t for t in TASKS if t in self.tasks):
                for length in self.lengths if kind in self.all_lengths else (min(self.lengths),):
                    rng = Random(f"exam/{self.seed}/{kind}/{task}/{length}")
                    found += [
                        sample(rng, wording, task, length) for _ in range(samples_for(length, self.n, self.n_long))
                    ]
        return found

    def _chains(self) -> list[Prompt]:
        found, wording = [], held_out_wording("seen")
        for calls in CALLS if CHAIN in self.tasks else ():
            rng = Random(f"exam/{self.seed}/chain/{calls}")
            found += [sample(rng, wording, rng.choice(LISTED), CHAIN_LENGTH, calls) for _ in range(self.n)]
        return found

    def _quiet(self) -> list[Prompt]:
        """Ordinary chat and near misses, in the ratio in which they stand in the file."""
        texts = phrasings("chat_test")
        found = [Prompt(text, None, CHAT, 0, 0, kind) for kind in ("plain", "near_misses") for text in texts[kind]]
        Random(f"exam/{self.seed}/chat").shuffle(found)
        return sorted(found[: self.chat if CHAT in self.tasks else 0], key=lambda p: p.phrasing, reverse=True)


def held_out_set(given: Mapping[str, Any], seed: int) -> HeldOutSet:
    """The test set with these of its fields, as far as given; of a list each member once. Raises InputError."""
    known = {name: value for name, value in given.items() if value is not None and value != []}
    plain: dict[str, Any] = {name: tuple(dict.fromkeys(v)) if isinstance(v, list) else v for name, v in known.items()}
    return replace(HeldOutSet(seed=seed), **plain)


def _listed(lengths: Sequence[int]) -> str:
    return ", ".join(map(str, lengths)) or "(none)"
