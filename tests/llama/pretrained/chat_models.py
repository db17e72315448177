"""Small chat models, made as the tests of llama and of training need them."""

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from ncl.digests import tokenizer_digest, weights_digest
from ncl.llama.pretrained.adapter import with_readers
from ncl.llama.pretrained.adapter_record import PROGRAMS, default_settings
from ncl.llama.pretrained.base_model import Base
from ncl.llama.pretrained.chat_format import chat_ids
from ncl.llama.pretrained.number_lexer import NumberLexer
from ncl.llama.reader.network import Reader


def small_base(tokenizer, seed=0, **more):
    """A LLaMA of random weights, as if it had been loaded."""
    shape = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2, "num_key_value_heads": 1,
             "intermediate_size": 48, "max_position_embeddings": 512}  # fmt: skip
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id, "bos_token_id": None}
    torch.manual_seed(seed)
    model = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **shape, **ends, **more)).eval()
    return Base(model, tokenizer, "small", weights_digest(model))


def filled(tokenizer):
    return NumberLexer(len(tokenizer)).fill(tokenizer)


def fitted(base, library, certificate, readers=1, channels=16, seed=0):
    """The base with readers of random weights and a certified library."""
    torch.manual_seed(seed)
    settings = default_settings(base, channels=channels, readers=readers)
    modules = [Reader(base.model.config.hidden_size, channels, len(PROGRAMS)).eval() for _ in range(readers)]
    for module in modules:
        module.start()
    model = with_readers(base, modules, settings, filled(base.tokenizer))
    model.attach(library, certificate, tokenizer=tokenizer_digest(base.tokenizer))
    return model


def batch_of(tokenizer, texts):
    """One-message prompts, padded on the left."""
    rows = [chat_ids(tokenizer, text) for text in texts]
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    size = max(map(len, rows))
    return {
        "input_ids": torch.tensor([[pad] * (size - len(row)) + row for row in rows]),
        "attention_mask": torch.tensor([[0] * (size - len(row)) + [1] * len(row) for row in rows]),
    }
