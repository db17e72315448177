"""Selection: running programs of the certified library on tapes, and marginalising over which one was meant.

The programs that run here are the artefact's, on the integer executor, and nothing else knows how to answer.

Legend: B prompts, K tapes a prompt, P programs ("no call" is 0 in selections), A answer tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ncl.errors import ConfigurationError
from ncl.language.program import Program
from ncl.llama.lexer import Lexer
from ncl.llama.tape import Tapes
from ncl.machine.executors import integer

BUDGET = 10_000_000  # ticks: sorting the longest tape backwards takes 2 million


@dataclass(frozen=True)
class Outcome:
    """Of one program on S tapes: the words it answers with, how many, whether it trapped, steps taken."""

    values_SA: Tensor
    lengths_S: Tensor
    trapped_S: Tensor
    steps_S: Tensor


def runnable(program: Program) -> None:
    """Raise ConfigurationError unless a tape can feed the program: one array, and at most one word after it."""
    sorts = [p.sort for p in program.signature.parameters]
    if sorts not in (["array"], ["array", "word"]):
        raise ConfigurationError(
            f"{program.name}{program.signature}: a tape feeds programs of one array and at most one word",
            remedy="leave it out of the model's library",
        )


def takes_argument(program: Program) -> bool:
    return len(program.signature.parameters) == 2


def run(program: Program, values_SM: Tensor, lengths_S: Tensor, argument_S: Tensor) -> Outcome:
    """Run one program on every tape, on the CPU. A tape longer than the machine's memory counts as a trap."""
    values_SM, lengths_S, argument_S = values_SM.cpu(), lengths_S.cpu(), argument_S.cpu()
    most = min(program.sizes.memory, (1 << program.sizes.width) - 1)
    fits_S = lengths_S <= most
    lengths_S = torch.where(fits_S, lengths_S, 0)
    words = [argument_S] if takes_argument(program) else []
    answers_SA, answered_S, trap_S, _, steps_S = integer.run_tensors(program, values_SM, lengths_S, words, BUDGET)
    return Outcome(answers_SA, answered_S, (trap_S != 0) | ~fits_S, steps_S)


def spelled(outcome: Outcome, lexer: Lexer, end: int) -> tuple[Tensor, Tensor]:
    """Answer tokens with the end token behind them, S×(A+1) and padded with it, and whether all could be spelled."""
    table_N = lexer.token_of_word_N.cpu()
    inside_SA = torch.arange(outcome.values_SA.shape[1]) < outcome.lengths_S[:, None]
    tokens_SA = torch.where(inside_SA, table_N[outcome.values_SA], end)
    fine_S = ((tokens_SA >= 0) | ~inside_SA).all(1) & ~outcome.trapped_S
    ended_SA = torch.cat([tokens_SA.clamp(min=0), torch.full((len(tokens_SA), 1), end)], 1)
    return ended_SA, fine_S


def matches(programs: Sequence[Program], tapes: Tapes, answers_BA: Tensor, lexer: Lexer, end: int) -> Tensor:
    """Which program on which tape answers exactly so, P×B×K; answers_BA is padded with the end token."""
    batch, count, cells = tapes.values_BKM.shape
    found = []
    for program in programs:
        outcome = run(
            program, tapes.values_BKM.reshape(-1, cells), tapes.lengths_BK.reshape(-1), tapes.argument_BK.reshape(-1)
        )
        tokens_SA, fine_S = spelled(outcome, lexer, end)
        gold_SA = answers_BA.cpu().repeat_interleave(count, 0)
        size = max(tokens_SA.shape[1], gold_SA.shape[1])
        same_S = (_padded(tokens_SA, size, end) == _padded(gold_SA, size, end)).all(1)
        found.append((same_S & fine_S).reshape(batch, count))
    return torch.stack(found)


def _padded(tokens_SA: Tensor, size: int, end: int) -> Tensor:
    return torch.nn.functional.pad(tokens_SA, (0, size - tokens_SA.shape[1]), value=end)


def marginal(
    selection_BP: Tensor, plain_B: Tensor, programs: Sequence[Program], tapes: Tapes, matches_PBK: Tensor
) -> Tensor:
    """log [p(no call)·LM(answer) + Σ p(program)·P(answer | program, tapes)], one a prompt.

    P(answer | …) is estimated by the share of sampled tapes that answer right. Its value is that share; its gradient is
    the score function's, which weighs each tape by its posterior given the answer.
    """
    parts = [selection_BP[:, 0] + plain_B]
    for number, program in enumerate(programs, 1):
        tape_BK = tapes.write_BK + tapes.point_BK if takes_argument(program) else tapes.write_BK
        share_B = (matches_PBK[number - 1].to(tape_BK.device) * (tape_BK - tape_BK.detach()).exp()).mean(1)
        solved_B = share_B > 0
        log_B = torch.where(solved_B, share_B, 1.0).log().masked_fill(~solved_B, -torch.inf)
        parts.append(selection_BP[:, number] + log_B)
    return torch.stack(parts).logsumexp(0)
