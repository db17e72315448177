"""The chat format of a tokenizer: prompts of messages as tokens, and the tokens that stand around a user's message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ncl.errors import ConfigurationError


@dataclass(frozen=True)
class Markers:
    """Tokens that stand before every user message, and between it and its answer; empty where there is no format."""

    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()


def chat_ids(tokenizer: Any, text: str, before: Sequence[tuple[str, str]] = ()) -> list[int]:
    """The tokens of a prompt with one user message, ready for the answer. `before`: earlier messages and answers."""
    if not tokenizer.chat_template:
        return list(tokenizer("\n".join([*(part for turn in before for part in turn), text]))["input_ids"])
    messages = [{"role": role, "content": part} for turn in before for role, part in zip(("user", "assistant"), turn)]
    messages.append({"role": "user", "content": text})
    prompt = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return list(tokenizer(prompt, add_special_tokens=False)["input_ids"])


def markers(tokenizer: Any) -> Markers:
    """Read off the chat template: what stands before a first as before a later message, and before their answers.

    Raises ConfigurationError where the template does not show it.
    """
    if not tokenizer.chat_template:
        return Markers()
    (before, after), (later, again) = _around(tokenizer, ()), _around(tokenizer, (("0", "0"),))
    same = 0
    while same < min(len(before), len(later)) and before[-1 - same] == later[-1 - same]:
        same += 1
    if not same or not after or after != again:
        raise ConfigurationError("the chat template does not show where a message begins and ends")
    return Markers(before[-same:], after)


def _around(tokenizer: Any, turns: Sequence[tuple[str, str]]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The tokens before and behind a message of one token, found by exchanging it; nothing where that does not show."""
    one, other = (chat_ids(tokenizer, text, turns) for text in "01")
    places = [i for i, (a, b) in enumerate(zip(one, other)) if a != b]
    if len(one) != len(other) or len(places) != 1:
        return (), ()
    return tuple(one[: places[0]]), tuple(one[places[0] + 1 :])
