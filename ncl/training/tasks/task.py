"""What a task is, once for both recipes: the prompts in words, what is sampled beside the list, and the right answer.

The answers are Python's, never the compiled programs'. Each task's record stands in its own file; the table of all of
them is `ncl.training.tasks.TABLE`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from ncl.training.tasks.example import Example

Sampler = Callable[[Random, int], Example]
Step = int | None  # a number, or None where one is taken off
ArgumentSampler = Callable[[Random, Sequence[int], tuple[int, int]], int]


@dataclass(frozen=True)
class Task:
    """One record. `program` is the program of the library that answers it.

    `sample` makes a prompt of the words `words` with its answer. `answer` takes the list (of steps, where `steps`), and
    the word that `sample_argument` gives for the list and the range of values (0 where there is none); a phrasing names
    that word by `slot`. `listed`: the answer is a list, so that another call can follow.
    """

    name: str
    program: str
    words: tuple[str, ...]
    sample: Sampler
    answer: Callable[[Sequence[Step], int], tuple[int, ...]]
    slot: str = ""
    sample_argument: ArgumentSampler | None = None
    listed: bool = False
    steps: bool = False
