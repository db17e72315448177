"""What readers learn from: prompts of the shipped phrasings, their units, and what of them is hidden at times.

Called by the recipe, which has the backbone read them.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from transformers import PreTrainedTokenizerBase

from ncl.llama.pretrained.chat_format import chat_ids, markers
from ncl.llama.pretrained.hidden_states import PromptStates
from ncl.llama.pretrained.number_lexer import NumberLexer
from ncl.llama.pretrained.prompt_units import Message, message
from ncl.training.pretrained.config import NaturalConfig
from ncl.training.tasks.natural_prompts import (
    LISTED,
    Prompt,
    phrasings,
    sample,
    statement_templates,
    training_wording,
    without_replacement,
)


@dataclass(frozen=True)
class TrainingExample:
    """One training prompt as the reader sees it. answer None: nothing is to be called. plain: LM's log-probability.

    hide: the chance, at every step, that the near and that the deep states of a piece of text are hidden from it.
    """

    seen: PromptStates
    words: tuple[tuple[int, ...], ...]
    answer: tuple[int, ...] | None
    plain: float
    task: str = ""
    feature_dropout: tuple[float, float] = (0.0, 0.0)


def training_prompts(config: NaturalConfig) -> list[Prompt]:
    """Single calls, also behind a statement, several lists of which one is meant, two calls in a row, and chat."""
    rng = Random(f"natural/{config.seed if config.data_seed is None else config.data_seed}")
    plain, several = training_wording(), training_wording(several=True)
    found: list[Prompt] = []
    for wording, deck, calls, count in (
        (plain, without_replacement(rng, plain.templates), 1, config.single_calls),
        (several, without_replacement(rng, several.templates), 1, config.multiple_lists),
        (plain, without_replacement(rng, {task: plain.templates[task] for task in LISTED}), 2, config.two_calls),
        (plain, {task: statement_templates(rng, task) for task in plain.chain}, 1, config.statements),
    ):
        tasks = list(deck)
        for number in range(count):
            task = tasks[number % len(tasks)]
            length = rng.randint(1, config.longest)
            found.append(sample(rng, wording, task, length, calls, next(deck[task])))
    chat = phrasings("chat_train")
    found += [Prompt(text, None, "chat", 0, 0, kind) for kind in ("plain", "near_misses") for text in chat[kind]]
    return found


def hidden_of(prompt: Prompt, share: float) -> tuple[float, float]:
    """How much of a training prompt's text is hidden, of its near and of its deep states.

    Nothing where it hangs on one word which of several lists is meant, where another call begins, or what is popped.
    """
    if prompt.calls != 1 or prompt.phrasing == "several":
        return 0.0, 0.0
    return (0.0 if prompt.task == "stack" else share), share


def messages_of(tokenizer: PreTrainedTokenizerBase, lexer: NumberLexer, texts: list[str], width: int) -> list[Message]:
    around = markers(tokenizer)
    found = [message(chat_ids(tokenizer, text), around, lexer, (1 << width) - 2) for text in texts]
    return [one for one in found if one is not None]
