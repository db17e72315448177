"""The tasks: fresh random prompts with the answers that plain Python gives, never the compiled programs.

One file a task, whose record is a line of `TABLE`: both recipes take their tasks from it. `text` is no task of numbers.
"""

from __future__ import annotations

from ncl.errors import InputError
from ncl.training.tasks import count, modsum, reverse, sort, stack, text
from ncl.training.tasks.example import Example
from ncl.training.tasks.task import Sampler, Task

TABLE: dict[str, Task] = {
    task.name: task for task in (reverse.TASK, count.TASK, stack.TASK, sort.TASK, modsum.TASK)
}  # fmt: skip
PROGRAMS: tuple[str, ...] = tuple(task.program for task in TABLE.values())
NUMBER_TASKS: dict[str, Sampler] = {name: task.sample for name, task in TABLE.items()}
TASKS: dict[str, Sampler] = {**NUMBER_TASKS, "text": text.sample}
WORDS: tuple[str, ...] = tuple(
    dict.fromkeys(word for words in (*(task.words for task in TABLE.values()), text.WORDS) for word in words)
)


def task_of(name: str) -> Task:
    """The record of a task. Raises InputError for a name that the table does not have."""
    if name not in TABLE:
        raise InputError(f"no task {name!r}", remedy=f"tasks are {', '.join(TABLE)}")
    return TABLE[name]


__all__ = ["NUMBER_TASKS", "PROGRAMS", "TABLE", "TASKS", "WORDS", "Example", "Task", "task_of"]
