"""Cells of how systems answered prompts: exact answers by task, length, phrasing and number of calls.

A cell whose prompts with their right answers take more tokens than the base model has positions for is marked as beyond
its context. Called by `ncl evaluate` and the natural demo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ncl.llama.pretrained.base_model import Base
from ncl.llama.pretrained.chat_format import chat_ids
from ncl.training.data.former_names import with_former
from ncl.training.evaluation.accuracy import Cell, cell
from ncl.training.evaluation.chat_answers import Advance
from ncl.training.evaluation.system import Outcome, System
from ncl.training.tasks.natural_prompts import Prompt


def measured(
    system: System, prompts: Sequence[Prompt], base: Base, seed: int, advance: Advance = lambda count: None
) -> tuple[list[Cell], list[Outcome]]:
    """The system's cells in the order in which the prompts come, and how each prompt was answered."""
    outcomes = system.answer(system.supported(prompts), advance)
    return cells_of(system.name, outcomes, base, seed), outcomes


def cells_of(system: str, outcomes: Sequence[Outcome], base: Base, seed: int) -> list[Cell]:
    """In the order in which the prompts come."""
    grouped: dict[tuple[Any, ...], list[Outcome]] = {}
    for outcome in outcomes:
        p = outcome.prompt
        grouped.setdefault((p.task, p.length, p.phrasing, p.calls), []).append(outcome)
    return [_cell(system, seed, group, base) for group in grouped.values()]


def _cell(system: str, seed: int, group: Sequence[Outcome], base: Base) -> Cell:
    first = group[0].prompt
    return replace(
        cell(first.task, first.length, system, seed, [o.exact for o in group]),
        phrasing=first.phrasing, calls=first.calls, parsed=_share([o.parsed for o in group]),
        executed=_share([o.executed for o in group]), beyond_context=any(beyond(o.prompt, base) for o in group),
    )  # fmt: skip


def _share(bits: Sequence[bool | None]) -> float | None:
    known = [bit for bit in bits if bit is not None]
    return sum(known) / len(known) if known else None


def beyond(prompt: Prompt, base: Base) -> bool:
    """Whether the prompt with its right answer is longer than the base model's context."""
    positions = int(base.model.config.max_position_embeddings)
    text = prompt.text + prompt.answer_text
    if len(text) < positions:  # a token has a character at least, but for those of the chat format
        return False
    return len(chat_ids(base.tokenizer, text)) > positions


def record(system: str, outcome: Outcome) -> dict[str, Any]:
    """One answered prompt as a line of a JSON file."""
    prompt, answer = outcome.prompt, outcome.answer
    line = with_former({
        "system": system, "prompt": prompt.text, "gold": None if prompt.answer is None else list(prompt.answer),
        "task": prompt.task, "length": prompt.length, "phrasing": prompt.phrasing, "answer": answer.text,
        "ended": answer.ended, "exact": outcome.exact, "calls": [call.to_json() for call in answer.calls],
    })  # fmt: skip
    if outcome.parsed is not None:
        line |= {"parsed": outcome.parsed, "executed": outcome.executed}
    return line
