"""The loss is the mixture's: answers alone say what is data, what is an argument and which program is meant."""

import pytest
import torch

from ncl.errors import GateRefused
from ncl.training.from_scratch.batches import encode, examples
from ncl.training.from_scratch.trainer import new_model


@pytest.fixture
def batch(config, tokenizer):
    return encode(tokenizer, examples(config, 0)[:12])


def test_the_loss_teaches_gates_pointers_selection_and_the_language_model(model, batch):
    model.tape_generator = torch.Generator().manual_seed(0)
    model.train()
    model(**batch).loss.backward()
    side = model.side_module
    for part in (
        side.gate.weight,
        side.select.weight,
        side.literal_H,
        model.lm_head.weight,
        model.model.embed_tokens.weight,
    ):
        assert part.grad is not None and part.grad.isfinite().all() and part.grad.abs().sum() > 0


def test_without_a_certified_library_it_does_not_learn(config, tokenizer, batch):
    with pytest.raises(GateRefused, match="no certified library"):
        new_model(config, tokenizer)(**batch)


def test_text_alone_is_learned_as_any_language_model_learns_it(model, tokenizer):
    ids = tokenizer("hello ada", return_tensors="pt")["input_ids"]
    got = model(ids, labels=ids).loss
    logits = model(ids).logits.float()
    expected = torch.nn.functional.cross_entropy(logits[0, :-1], ids[0, 1:], reduction="sum")
    assert torch.allclose(got, expected, rtol=1e-5)


def test_the_same_generator_gives_the_same_loss(model, batch):
    model.train()
    losses = []
    for _ in range(2):
        model.tape_generator = torch.Generator().manual_seed(4)
        losses.append(float(model(**batch).loss.detach()))
    assert losses[0] == losses[1]
