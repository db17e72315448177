"""How the reader read single prompts, for people: data, arguments, symbols, boundaries, and what each segment called.

Called by the natural demo's report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

import torch

from ncl.llama.computer import execution
from ncl.llama.pretrained.chat_format import chat_ids
from ncl.llama.pretrained.decision import SYMBOLS
from ncl.llama.pretrained.hidden_states import extract
from ncl.llama.pretrained.model import NCLChatLlamaForCausalLM
from ncl.llama.pretrained.prompt_units import Message
from ncl.llama.pretrained.special_tokens import padding_token
from ncl.llama.reader import call_plan as planning
from ncl.training.evaluation.system import Outcome
from ncl.training.tasks.natural_prompts import LISTED, TASKS, Prompt, held_out_wording, phrasings, sample

LENGTH, CALLS = 8, 3
MAX_DISPLAYED = 240  # characters of an answer that are displayed


@dataclass(frozen=True)
class Piece:
    """A part of the prompt with its roles, a few of `data`, `argument`, `symbol` and `boundary`."""

    text: str
    roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Segment:
    pieces: tuple[Piece, ...]
    program: str | None


@dataclass(frozen=True)
class Sample:
    """`others`: (system, its answer, whether it is right)."""

    task: str
    segments: tuple[Segment, ...]
    answer: str
    right: bool
    trace: tuple[str, ...]
    others: tuple[tuple[str, str, bool], ...]


def displayed_prompts(seed: int) -> list[Prompt]:
    """One held-out prompt a task, several lists, a chain, and chat for which nothing is to be called."""
    rng = Random(f"shown/{seed}")
    plain, several, chat = held_out_wording("seen"), held_out_wording("several"), phrasings("chat_test")
    found = [sample(rng, plain, task, LENGTH) for task in TASKS]
    found.append(sample(rng, several, rng.choice(TASKS), LENGTH))
    found.append(sample(rng, plain, rng.choice(LISTED), LENGTH, CALLS))
    return found + [Prompt(rng.choice(chat[kind]), None, "chat", 0, 0, kind) for kind in ("plain", "near_misses")]


def samples(model: NCLChatLlamaForCausalLM, answered: Mapping[str, Sequence[Outcome]]) -> list[Sample]:
    """Each prompt as `model` read it, with the answers of all systems; `ncl` is among them and answered all."""
    by_text = {name: {o.prompt.text: o for o in outcomes} for name, outcomes in answered.items()}
    return [
        _sample(model, own.prompt, {name: found.get(own.prompt.text) for name, found in by_text.items()})
        for own in answered["ncl"]
    ]


def _sample(model: NCLChatLlamaForCausalLM, prompt: Prompt, answered: Mapping[str, Outcome | None]) -> Sample:
    own = answered["ncl"]
    assert own is not None
    trace = [str(call) for call in own.answer.calls] or ["called nothing; the language model answered"]
    others = tuple(
        (name, short(o.answer.text), o.exact) for name, o in answered.items() if name != "ncl" and o is not None
    )
    return Sample(
        prompt.task if prompt.phrasing != "several" else f"{prompt.task}, several lists",
        tuple(read(model, prompt.text)), short(own.answer.text), own.exact, tuple(trace), others,
    )  # fmt: skip


def short(text: str) -> str:
    bare = " ".join(text.split())
    return bare if len(bare) <= MAX_DISPLAYED else f"{bare[:MAX_DISPLAYED]}…"


# --- what was read ---------------------------------------------------------------------------------------------------


@torch.no_grad()
def read(model: NCLChatLlamaForCausalLM, text: str) -> list[Segment]:
    """The message cut where calls begin, each part with what it calls."""
    ids_BT = torch.tensor([chat_ids(model.tokenizer, text)], device=model.device)
    (found,) = model.messages(ids_BT, torch.ones_like(ids_BT, dtype=torch.bool))
    if found is None or not found.place:
        return [Segment((Piece(text),), None)]
    seen = extract(model.model, [found], model.layers, padding_token(model))
    ((plan, programs, _),) = model.decide_with_plans([found], seen)
    names = [model.library.programs[number - 1].name if number else None for number in programs]
    roles = _roles(model, plan, programs)
    pieces = _pieces(model, found)
    begins = [0, *plan.boundaries, len(pieces)]
    return [
        Segment(
            joined([(pieces[unit], tuple(sorted(roles.get(unit, ())))) for unit in range(first, last)]),
            names[number] if number < len(names) else None,
        )
        for number, (first, last) in enumerate(pairwise(begins))
    ]


def joined(parts: Sequence[tuple[str, tuple[str, ...]]]) -> tuple[Piece, ...]:
    """Parts without a role in one piece, with the blanks before those that have one."""
    found: list[Piece] = []
    plain = ""
    for text, roles in parts:
        bare = text.lstrip()
        plain += text[: len(text) - len(bare)] if roles else text
        if roles:
            found += [*([Piece(plain)] if plain else ()), Piece(bare, roles)]
            plain = ""
    return (*found, *([Piece(plain)] if plain else ()))


def _roles(model: NCLChatLlamaForCausalLM, plan: planning.Plan, programs: Sequence[int]) -> dict[int, set[str]]:
    """Of units. A role that no called program uses is none."""
    found: dict[int, set[str]] = {}
    called = [model.library.programs[number - 1] for number in programs if number]
    if not called:
        return found
    marked = [(plan.taken, "data"), (plan.boundaries, "boundary")]
    if called[0].name in SYMBOLS:
        marked.append((plan.symbols, "symbol"))
    pointed = [
        unit for unit, number in zip(plan.argument, programs)
        if number and execution.takes_argument(model.library.programs[number - 1])
    ]  # fmt: skip
    marked.append((tuple(pointed), "argument"))
    for units, role in marked:
        for unit in units:
            found.setdefault(unit, set()).add(role)
    return found


def _pieces(model: NCLChatLlamaForCausalLM, found: Message) -> list[str]:
    """The text of each unit with the blanks before it; behind the last one stands what is left."""
    ends = [*(place + 1 for place in found.place[:-1]), len(found.tokens)]
    texts = [model.tokenizer.decode(list(found.tokens[:end])) for end in ends]
    return [after[len(before) :] for before, after in zip(["", *texts], texts)]
