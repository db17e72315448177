"""What a model from scratch learns by: the probability of each row's answer under the mixture of LM and computer.

Which tape and which program is meant is marginalised over tapes that are drawn (`tape.sampled`, `marginal`).
Called by the model's `forward` with labels.

Legend: B rows (prompts), T tokens, V vocabulary, K tapes a prompt, P programs ("no call" is 0 in selections), A answer
tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ncl.errors import GateRefused
from ncl.language.program import Program
from ncl.llama.computer.execution import run, takes_argument
from ncl.llama.from_scratch import tape
from ncl.llama.from_scratch.lexer import Lexer, spelled
from ncl.llama.from_scratch.tape import Tapes

TAPES = 16  # sampled a prompt while learning


def of_answers(model: Any, ids_BT: Tensor, prompt_BT: Tensor, labels_BT: Tensor, logits_BTV: Tensor) -> Tensor:
    """log-probability of each row's labels, B; of rows without a call the language model's. Raises GateRefused.

    ids_BT, prompt_BT, labels_BT: (B, T); logits_BTV: (B, T, V); the result: (B,).
    """
    plain_B = _plain(logits_BTV, labels_BT)
    asked_B = prompt_BT.any(1)
    if not bool(asked_B.any()):
        return plain_B
    if model.permit is None:
        raise GateRefused("no certified library is attached", where="training")
    return torch.where(asked_B, _marginal(model, ids_BT, prompt_BT, labels_BT, plain_B), plain_B)


def _marginal(model: Any, ids_BT: Tensor, prompt_BT: Tensor, labels_BT: Tensor, plain_B: Tensor) -> Tensor:
    reading, literals = model.read(ids_BT, prompt_BT)
    tapes = tape.sampled(literals, TAPES if model.training else 1, model.tape_generator)
    end = model._end()
    right_PBK = matches(model.programs, tapes, _answers(labels_BT, end), model.lexer, end)
    return marginal(reading.selection_BP, plain_B, model.programs, tapes, right_PBK)


def _plain(logits_BTV: Tensor, labels_BT: Tensor) -> Tensor:
    """log-probability of each row's labels (-100: none), in float32."""
    gold_BT = labels_BT[:, 1:]
    log_BTV = logits_BTV[:, :-1].float().log_softmax(-1)
    log_BT = log_BTV.gather(2, gold_BT.clamp(min=0)[..., None]).squeeze(-1)
    return (log_BT * (gold_BT != -100)).sum(1)


def _answers(labels_BT: Tensor, end: int) -> Tensor:
    """The labels of each row moved to the front, padded with the end token."""
    there_BT = labels_BT != -100
    order_BT = (~there_BT).int().argsort(dim=1, stable=True)
    size = max(1, int(there_BT.sum(1).max()))
    moved_BT = labels_BT.gather(1, order_BT)
    return torch.where(moved_BT == -100, end, moved_BT)[:, :size]


# --- marginalising ---------------------------------------------------------------------------------------------------


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
    the score function's, which weighs each tape by its posterior given the answer. selection_BP: (B, P + 1); plain_B
    and the result: (B,); matches_PBK: (P, B, K).
    """
    parts = [selection_BP[:, 0] + plain_B]
    for number, program in enumerate(programs, 1):
        tape_BK = tapes.write_BK + tapes.point_BK if takes_argument(program) else tapes.write_BK
        share_B = (matches_PBK[number - 1].to(tape_BK.device) * (tape_BK - tape_BK.detach()).exp()).mean(1)
        solved_B = share_B > 0
        log_B = torch.where(solved_B, share_B, 1.0).log().masked_fill(~solved_B, -torch.inf)
        parts.append(selection_BP[:, number] + log_B)
    return torch.stack(parts).logsumexp(0)
