"""Models are loaded one after the other, whatever threads ask for them, and weights that are declared tied are."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import LlamaForCausalLM, PreTrainedModel

from ncl.errors import FormatError
from ncl.llama.computer.loading import demand_tied
from ncl.llama.pretrained.base_model import load_base


@pytest.fixture
def tied(small_base, by_digit, tmp_path):
    """The folder of a base whose embeddings are tied."""
    base = small_base(by_digit, tie_word_embeddings=True)
    base.model.save_pretrained(tmp_path / "tied")
    base.tokenizer.save_pretrained(tmp_path / "tied")
    return tmp_path / "tied"


def test_threads_load_one_after_the_other(tied, monkeypatch):
    within, together, original = [], [], LlamaForCausalLM.from_pretrained

    def slow(*arguments, **options):
        within.append(1)
        together.append(len(within))
        time.sleep(0.01)
        try:
            return original(*arguments, **options)
        finally:
            within.pop()

    monkeypatch.setattr(LlamaForCausalLM, "from_pretrained", slow)
    before = PreTrainedModel.tie_weights
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: load_base(str(tied)), range(6)))
    assert together == [1] * 6 and PreTrainedModel.tie_weights is before
    assert len({one.digest for one in found}) == 1
    for one in found:
        assert one.model.lm_head.weight is one.model.model.embed_tokens.weight


@pytest.mark.parametrize("kept", ["one", "both"])
def test_a_base_whose_declared_ties_are_broken_is_refused(tied, monkeypatch, kept):
    if kept == "both":
        file = tied / "model.safetensors"
        state = load_file(file)
        save_file({**state, "lm_head.weight": state["model.embed_tokens.weight"].clone()}, file, {"format": "pt"})
        load_base(str(tied))
    monkeypatch.setattr(PreTrainedModel, "tie_weights", lambda *arguments, **options: None)
    with pytest.raises(FormatError, match=r"lm_head\.weight"):
        load_base(str(tied))


def test_weights_that_are_apart_and_said_to_be_are_welcome(tied):
    model = load_base(str(tied)).model
    demand_tied(model, "tied")
    model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach().clone())
    model.all_tied_weights_keys = {}
    demand_tied(model, "apart")
