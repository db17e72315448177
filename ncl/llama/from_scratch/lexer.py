"""The lexer: which tokens are words of the machine, and back.

Here a word is one token. (A tokenizer that splits numbers needs runs of tokens merged; the side module and the tape
only ever see literals, so that is all that would change.)
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ncl.llama.computer.execution import Outcome


class Lexer(nn.Module):
    """Both tables are integers in persistent buffers: a cast of the model to bfloat16 leaves them exact."""

    word_of_token_V: Tensor
    token_of_word_N: Tensor

    def __init__(self, words: list[int], width: int) -> None:
        super().__init__()
        self.words, self.width = words, width
        self.register_buffer("word_of_token_V", torch.empty(len(words), dtype=torch.int64))
        self.register_buffer("token_of_word_N", torch.empty(1 << width, dtype=torch.int64))
        self.rebuild()

    def rebuild(self) -> None:
        """Fill the tables anew from the configuration; transformers may hand us uninitialised ones."""
        back = [-1] * (1 << self.width)
        for token, word in enumerate(self.words):
            if word >= 0:
                back[word] = token
        with torch.no_grad():
            self.word_of_token_V.copy_(torch.tensor(self.words, dtype=torch.int64))
            self.token_of_word_N.copy_(torch.tensor(back, dtype=torch.int64))

    def words_of(self, tokens_BT: Tensor) -> Tensor:
        """The word that each token writes, -1 for a token that is no literal. tokens_BT and the result: (B, T)."""
        return self.word_of_token_V[tokens_BT]

    def tables(self) -> dict[str, Tensor]:
        """What a certificate covers: the tables as they are loaded. word_of_token_V: (V,); token_of_word_N: (N,)."""
        return {"lexer.word_of_token": self.word_of_token_V, "lexer.token_of_word": self.token_of_word_N}


def spelled(outcome: Outcome, lexer: Lexer, end: int) -> tuple[Tensor, Tensor]:
    """Answer tokens with the end token behind them, S×(A+1) and padded with it, and whether all could be spelled.

    The second is (S,), bool.
    """
    table_N = lexer.token_of_word_N.cpu()
    inside_SA = torch.arange(outcome.values_SA.shape[1]) < outcome.lengths_S[:, None]
    tokens_SA = torch.where(inside_SA, table_N[outcome.values_SA], end)
    fine_S = ((tokens_SA >= 0) | ~inside_SA).all(1) & ~outcome.trapped_S
    ended_SA = torch.cat([tokens_SA.clamp(min=0), torch.full((len(tokens_SA), 1), end)], 1)
    return ended_SA, fine_S
