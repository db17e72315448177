"""Fine-tuning on answers, for any model whose parameters ask for gradients; peft itself is not needed for that."""

from copy import deepcopy
from itertools import count

import natural_made
import pytest
import torch

from ncl.training.baselines.lora import IGNORED, examples, fit_answers, padded


@pytest.fixture
def rows(base, config):
    return examples(base, natural_made.few_prompts(config))


def test_lessons_are_prompts_with_answers_and_end(base, config, rows):
    prompts = [p for p in natural_made.few_prompts(config) if p.answer is not None]
    assert len(rows) == len(prompts)
    prompt, answer = rows[0]
    assert base.tokenizer.decode(prompt).endswith(f"{prompts[0].text}<|im_end|>\n<|im_start|>assistant\n")
    assert base.tokenizer.decode(answer) == f"{prompts[0].answer_text}<|im_end|>"


def test_only_answers_are_learned(rows):
    batch = padded(rows[:3], pad=0)
    for number, (prompt, answer) in enumerate(rows[:3]):
        labels = batch["labels"][number]
        assert labels[labels != IGNORED].tolist() == answer
        assert batch["input_ids"][number, : len(prompt + answer)].tolist() == prompt + answer
        assert int(batch["attention_mask"][number].sum()) == len(prompt + answer)


def test_the_loss_falls_until_the_time_is_up(base, rows):
    model = deepcopy(base.model)
    before = {name: p.clone() for name, p in base.model.named_parameters()}
    ticks = count()
    seen = []
    losses = fit_answers(model, rows, 0, 12.0, 0, lambda took, loss: seen.append((took, loss)), lambda: next(ticks))
    assert len(losses) == 12 and losses[-1] < losses[0]
    assert seen == [(1, loss) for loss in losses]
    assert all(torch.equal(p, before[name]) for name, p in base.model.named_parameters()), "a copy was tuned"


def test_the_same_seed_gives_the_same_losses(base, rows):
    first, second = (fit_answers(deepcopy(base.model), rows, 0, 3.0, 7, clock=count().__next__) for _ in range(2))
    assert first == second and len(first) == 3
