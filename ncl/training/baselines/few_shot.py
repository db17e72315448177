"""What stands before the prompt of a base model: examples with their answers, or with the calls a tool user writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ncl.llama.pretrained.chat_format import chat_ids

Turns = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Example:
    prompt: str
    answer: str
    call: str


EXAMPLES = (
    Example("Reverse the list 17, 3, 880.", "880, 3, 17", "reverse([17, 3, 880])"),
    Example("Sort these numbers in ascending order: 12 5 40 7", "5, 7, 12, 40", "sort([12, 5, 40, 7])"),
    Example("How many times does 4 occur in 4, 91, 4, 6?", "2", "count([4, 91, 4, 6], 4)"),
    Example("What is the sum of 5, 8 and 13 modulo 7?", "5", "modsum([5, 8, 13], 7)"),
    Example(
        "Start with an empty stack: push 3, push 8, pop, push 5. What is on the stack?", "3, 5",
        'stack([3, 8, "pop", 5])',
    ),
    Example("Sort 9, 2, 55, then reverse the result.", "55, 9, 2", "reverse(sort([9, 2, 55]))"),
)  # fmt: skip


def few_shot_encoding(before: Turns) -> Callable[[Any, str], list[int]]:
    """How a prompt is written behind earlier turns, (message, answer) each."""
    return lambda tokenizer, text: chat_ids(tokenizer, text, before)


def prefix_length(tokenizer: Any, before: Turns) -> int:
    """How many tokens that puts before a prompt."""
    return len(chat_ids(tokenizer, "0", before)) - len(chat_ids(tokenizer, "0"))
