"""Natural prompts: phrasings filled with fresh numbers, and the answers that plain Python gives.

The phrasings lie in `phrasings/`: `train.json`, and `test.json`, which nothing trains on. Which slots they
have is said in docs/extending.md. Called by the natural recipe, its evaluation and their tests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from ncl.errors import InputError
from ncl.training.tasks import TABLE, task_of

FOLDER = Path(__file__).resolve().parent / "phrasings"
# Those whose answers another call can follow come first, those of steps last.
_ORDER = sorted(TABLE.values(), key=lambda task: (task.steps, not task.listed))
TASKS = tuple(task.name for task in _ORDER)
PROGRAMS = tuple(dict.fromkeys(task.program for task in _ORDER))  # of the library that answers them
FOLLOWING = tuple(task.name for task in _ORDER if not task.steps)  # what a further call can do
WRAPPED = 0.08  # of the training lists: how many go over several lines
LED, RAISED = 0.6, 0.7  # of the requests behind a statement: how many a lead opens, and a capital letter
ENDINGS = (".", ".", ".", "?", "!", "")
LISTED = tuple(
    task.name for task in _ORDER if task.listed
)  # tasks whose answer is a list, so that another call can follow

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")  # as prompts and answers write them


@dataclass(frozen=True)
class Prompt:
    """`answer` is None where nothing is to be called. `length` is of the list meant; `calls` how many are requested."""

    text: str
    answer: tuple[int, ...] | None
    task: str
    length: int
    calls: int
    phrasing: str

    @property
    def answer_text(self) -> str:
        """The right answer as it is written; empty where there is none."""
        return ", ".join(map(str, self.answer or ()))


@cache
def phrasings(name: str) -> Any:
    """A file of `phrasings/`, read once."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Wording:
    """What prompts are made of: templates by task, separators, stack steps, and how further calls are requested."""

    templates: Mapping[str, Sequence[str]]
    chain: Mapping[str, Sequence[str]]
    joins: Sequence[str]
    push: Sequence[str]
    pop: Sequence[str]
    step_joins: Sequence[str]
    separators: Sequence[str]
    values: tuple[int, int]
    kind: str  # for the report
    wrapped: float = 0.0  # of the lists: how many go over several lines


def training_wording(several: bool = False) -> Wording:
    data = phrasings("train")
    templates = data["tasks"]
    if several:
        templates = {task: _often(_phrased(data, "several", task), _scenes(data, task)) for task in TASKS}
    found = _wording(data, templates, data["chain"], data["steps"], "several" if several else "seen")
    # Where lines part several lists, one list does not go over several.
    return found if several else replace(found, wrapped=WRAPPED)


def _phrased(data: Mapping[str, Any], section: str, task: str) -> Sequence[Any]:
    """Phrasings of the training file. Raises InputError where there is none for the task."""
    found: Sequence[Any] = data[section].get(task, ())
    if not found:
        raise _no_phrasings(task, f"{FOLDER / 'train.json'}, {section}")
    return found


def _no_phrasings(task: str, where: str) -> InputError:
    return InputError(
        f"the task {task} has no phrasings", where=where, remedy=f"add phrasings under {task!r}: docs/extending.md"
    )


def _scenes(data: Mapping[str, Any], task: str) -> list[str]:
    """Every request about every list of every scene, behind the scene and before it."""
    found = []
    for scene in data["scenes"]:
        for meant, name in enumerate(scene["names"]):
            others = iter(("{ys}", "{zs}"))
            slots = {
                slot: "{xs}" if at == meant else next(others) for slot, at in zip("abc", range(len(scene["names"])))
            }
            text = _fill(scene["text"], slots)
            for request in data["about"].get(task, ()):
                wish = request.replace("{it}", name)
                found += [f"{text} {wish}", f"{wish} {text}"]
    return found


def _often(few: Sequence[str], many: Sequence[str]) -> list[str]:
    """Both, the few repeated until there are about as many of them."""
    return [*few] * max(1, len(many) // len(few)) + [*many]


def held_out_wording(kind: str, data: Mapping[str, Any] | None = None) -> Wording:
    """kind: seen (other phrasings of the same words), unseen (words that no training phrasing has) or several.

    data: of the shape of `test.json`, which is taken where nothing else is given.
    """
    data = data or phrasings("test")
    return _wording(phrasings("train"), data[kind], data["chain"], data["steps"], kind)


def _wording(
    data: Mapping[str, Any], templates: Mapping[str, Any], chain: Mapping[str, Any], steps: Mapping[str, Any], kind: str
) -> Wording:
    plain = {task: [t if isinstance(t, str) else t["template"] for t in templates.get(task, ())] for task in TASKS}
    return Wording(
        plain, {task: chain[task] for task in TASKS if task in chain}, chain["joins"],
        steps["push"], steps["pop"], steps["joins"], data["separators"], tuple(data["values"]), kind,
    )  # fmt: skip


def without_replacement(rng: Random, decks: Mapping[str, Sequence[str]]) -> dict[str, Iterator[str]]:
    """Of each deck its texts without end, none a second time before all have come: few draws leave none out."""

    def deal(texts: Sequence[str]) -> Iterator[str]:
        while True:
            yield from rng.sample(texts, len(texts))

    return {name: deal(texts) for name, texts in decks.items() if texts}


def statement_templates(rng: Random, task: str) -> Iterator[str]:
    """Templates without end that state a list and then request, in the words of a further call.

    Behind a statement "now reverse it" asks for one call, and not for two.
    """
    data = phrasings("train")
    deck = without_replacement(
        rng, {"statement": data["statements"], "lead": data["leads"], "wish": _phrased(data, "chain", task)}
    )
    while True:
        lead = next(deck["lead"]) if rng.random() < LED else ""
        statement, wish = next(deck["statement"]), lead + next(deck["wish"])
        wish = wish[0].upper() + wish[1:] if rng.random() < RAISED else wish
        yield f"{statement}{'' if statement[-1].isspace() else ' '}{wish}{rng.choice(ENDINGS)}"


def sample(
    rng: Random, wording: Wording, task: str, length: int, calls: int = 1, template: str | None = None
) -> Prompt:
    """A prompt that asks for `calls` calls, the first of them for this task on a list of this length.

    `template`: how; one of the wording's, by chance, unless it is given. Raises InputError for no task of the table and
    for one of which this wording has no phrasings.
    """
    if not template and not wording.templates.get(task_of(task).name):
        raise _no_phrasings(task, f"the phrasings called {wording.kind!r}")
    template = template or rng.choice(wording.templates[task])
    slots, answer = _filled(rng, wording, task, length, template)
    text = _fill(template, slots)
    for number in range(1, calls):
        last = number == calls - 1
        following = rng.choice([n for n in FOLLOWING if n in wording.chain and (last or n in LISTED)])
        wish = rng.choice(wording.chain[following])
        extra, answer = _applied(rng, wording, following, answer)
        text = f"{text.rstrip('.?!: ')}{rng.choice(wording.joins)}{_fill(wish, extra)}"
        text += "." if last else ""
    return Prompt(text, answer, task if calls == 1 else "chain", length, calls, wording.kind)


def _fill(template: str, slots: Mapping[str, str]) -> str:
    for name, value in slots.items():
        template = template.replace("{" + name + "}", value)
    return template


def _filled(
    rng: Random, wording: Wording, task: str, length: int, template: str
) -> tuple[dict[str, str], tuple[int, ...]]:
    """Values for every slot of the template, and the answer."""
    slots = {"n": str(length), "k": str(rng.randint(*wording.values))}
    if task_of(task).steps:
        steps = [None if rng.random() < chance else rng.randint(*wording.values)
                 for chance in [rng.choice((0.1, 0.3, 0.5))] for _ in range(length)]  # fmt: skip
        slots["ops"] = _steps(rng, wording, steps)
        slots |= _others(rng, wording, template, length, rng.choice(wording.separators))
        return slots, task_of(task).answer(steps, 0)
    values = _numbers(rng, wording, length)
    separator = rng.choice(wording.separators)
    slots["xs"] = _listed(rng, wording, values, separator)
    slots |= _others(rng, wording, template, length, separator)
    extra, answer = _applied(rng, wording, task, tuple(values))
    return slots | extra, answer


def _listed(rng: Random, wording: Wording, values: Sequence[int], separator: str) -> str:
    """In one line or, some, in lines of equal length."""
    texts = [str(value) for value in values]
    if not (wording.wrapped and rng.random() < wording.wrapped):
        return separator.join(texts)
    size = rng.randint(1, len(texts))
    end = rng.choice(("", separator.rstrip())) + "\n"
    return end.join(separator.join(texts[at : at + size]) for at in range(0, len(texts), size))


def _others(rng: Random, wording: Wording, template: str, length: int, separator: str) -> dict[str, str]:
    """Lists that are not meant."""
    sizes = {name: rng.randint(1, max(2, min(length, 10))) for name in ("ys", "zs") if "{" + name + "}" in template}
    return {name: separator.join(map(str, _numbers(rng, wording, size))) for name, size in sizes.items()}


def _numbers(rng: Random, wording: Wording, length: int) -> list[int]:
    """Over the whole range; sometimes few different ones, so that repeats occur."""
    low, high = wording.values
    kinds = rng.choice((0, 0, 0, 8, 3))
    pool = [rng.randint(low, high) for _ in range(kinds)]
    return [rng.choice(pool) if pool else rng.randint(low, high) for _ in range(length)]


def _applied(
    rng: Random, wording: Wording, task: str, values: tuple[int, ...]
) -> tuple[dict[str, str], tuple[int, ...]]:
    found = task_of(task)
    if found.sample_argument is None:
        return {}, found.answer(values, 0)
    word = found.sample_argument(rng, values, wording.values)
    return {found.slot: str(word)}, found.answer(values, word)


def _steps(rng: Random, wording: Wording, steps: Sequence[int | None]) -> str:
    """One wording for pushes, one for pops, one join: as a person would write one list of steps."""
    push, pop, join = rng.choice(wording.push), rng.choice(wording.pop), rng.choice(wording.step_joins)
    return join.join(pop if step is None else push.replace("{x}", str(step)) for step in steps)
