"""The lexer is built where transformers builds models when it loads them: on the meta device, without data."""

import torch

from ncl.llama.from_scratch.lexer import Lexer


def test_a_lexer_is_built_on_the_meta_device_and_filled_later():
    with torch.device("meta"):
        lexer = Lexer([-1, 2, 0, 3], width=2)
    lexer.to_empty(device="cpu")
    lexer.rebuild()
    assert lexer.word_of_token_V.tolist() == [-1, 2, 0, 3]
    assert lexer.token_of_word_N.tolist() == [2, -1, 1, 3]
