"""Prompts of the user's own, with their right answers, from a file. Called by `ncl evaluate --prompts`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ncl import strict_json
from ncl.errors import FormatError, NotFoundError
from ncl.training.tasks.natural_prompts import NUMBER, Prompt


def read_prompts(path: Path) -> list[Prompt]:
    """Prompts of a JSON-lines file.

    `prompt`, `answer` (numbers, a number, or null for none), and optionally `task`, `length`, `calls`, `phrasing`.
    Raises NotFoundError, FormatError with the bad lines.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # a string may hold other ends of line
    except FileNotFoundError as fault:
        raise NotFoundError("no such file", where=str(path)) from fault
    except (OSError, UnicodeDecodeError) as fault:
        raise FormatError(f"not readable text: {fault}", where=str(path)) from fault
    found, faults = [], []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                found.append(_prompt(strict_json.parse(line, "JSON", "")))
            except (FormatError, ValueError, KeyError, TypeError) as fault:
                faults.append(f"line {number}: {type(fault).__name__}: {fault}")
    if faults or not found:
        problems = "; ".join(faults[:5]) or "there is no prompt in it"
        raise FormatError(problems, where=str(path), remedy='one object a line: {"prompt": "…", "answer": [1, 2]}')
    return found


def _prompt(row: Any) -> Prompt:
    if not isinstance(row, dict):
        raise TypeError("not an object")
    answer, text = row["answer"], row["prompt"]
    if not isinstance(text, str) or not text.strip():
        raise TypeError("`prompt` is no text")
    if answer is not None:
        answer = tuple(_whole(n) for n in (answer if isinstance(answer, list) else [answer]))
    counts = {name: _count(row, name) for name in ("length", "calls")}
    length = 0 if answer is None else len(NUMBER.findall(text))
    calls = 0 if answer is None else 1
    return Prompt(
        text, answer, str(row.get("task") or ("chat" if answer is None else "prompts")),
        length if counts["length"] is None else counts["length"], calls if counts["calls"] is None else counts["calls"],
        str(row.get("phrasing") or "given"),
    )  # fmt: skip


def _count(row: dict[str, Any], name: str) -> int | None:
    value = row.get(name)
    if value is not None and _whole(value) < 0:
        raise ValueError(f"`{name}` is {value}")
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is no whole number")
    return value
