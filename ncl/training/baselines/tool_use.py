"""The base model as a text tool user: it is to write a Python call, which is parsed, checked and run in a sandbox."""

from __future__ import annotations

from collections.abc import Sequence

from ncl.llama.pretrained.base_model import Base
from ncl.training.baselines.few_shot import EXAMPLES, few_shot_encoding, prefix_length
from ncl.training.baselines.sandbox import evaluate
from ncl.training.baselines.tool_expression import POP, expression
from ncl.training.evaluation.chat_answers import Advance, Answer, answer_prompts
from ncl.training.evaluation.system import Outcome, System
from ncl.training.tasks.natural_prompts import Prompt

INSTRUCTIONS = f"""Write one line of Python that computes the answer, and nothing else. These functions are there:
reverse(xs) - the list in reverse order
sort(xs) - the list in ascending order
count(xs, s) - how often s is in the list
modsum(xs, m) - the sum of the list modulo m
stack(steps) - what is left on an empty stack; a step is a number to push or "{POP}"
"""
REQUEST = "Request: {}"
CALL = 32  # tokens of a call besides its numbers: names, brackets, an argument


def tool(base: Base) -> System:
    """`tool`: behind the examples of `base-few-shot`, each answered by the call that was to be written."""
    turns = [(REQUEST.format(e.prompt), e.call) for e in EXAMPLES]
    before = [(f"{INSTRUCTIONS}\n{turns[0][0]}", turns[0][1]), *turns[1:]]

    def answer(prompts: Sequence[Prompt], advance: Advance) -> list[Outcome]:
        answers = answer_prompts(
            base.model, base.tokenizer, [REQUEST.format(p.text) for p in prompts], None, advance,
            few_shot_encoding(before), prefix_length(base.tokenizer, before), whole=written, room=CALL,
        )  # fmt: skip
        return [scored(p, answer) for p, answer in zip(prompts, answers, strict=True)]

    return System("tool", answer)


def written(text: str) -> bool:
    """Whether the one line that was requested is there, with a call in it. What stands behind it is not read."""
    lines, end, _ = text.rpartition("\n")
    return bool(end) and lines.count("```") != 1 and expression(lines) is not None


def scored(prompt: Prompt, answer: Answer) -> Outcome:
    """What was written, run. Exact when it gives the right numbers; that it ended counts as for the others."""
    source = expression(answer.text)
    found = evaluate(source) if source is not None else None
    exact = answer.ended and found is not None and tuple(found) == prompt.answer
    return Outcome(prompt, answer, exact, source is not None, found is not None)
