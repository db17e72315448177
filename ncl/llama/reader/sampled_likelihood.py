"""Learning from drawn plans: the sampled estimate of an answer's probability; the others are in `relaxed_likelihood`.

Legend: as in `call_plan`; X solutions, Y different segments.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ncl.llama.computer import execution
from ncl.llama.reader.call_plan import (
    MAX_SEGMENTS,
    Calls,
    Candidate,
    Library,
    Plan,
    SampledPlans,
    Words,
    plans_of,
    sample_plans,
    solutions,
)
from ncl.llama.reader.network import Reader, Reading, Units


def likelihood(
    reader: Reader,
    units: Units,
    words: Sequence[Words],
    answers: Sequence[tuple[int, ...] | None],
    plain_B: Tensor,
    library: Library,
    count: int,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """log [p(no call)·LM(answer) + Σ p(plan, programs)·[their result is the answer]], and which prompts were solved.

    answers: None for a prompt for which nothing is to be called. plain_B: log-probability of the answer under the
    language model. The sum over plans is estimated by `count` draws; its gradient is the score function's, which weighs
    each plan by its posterior given the answer.
    """
    reading = reader(units)
    sampled = sample_plans(reading, units, count, MAX_SEGMENTS, generator)
    choice_BKSP = _choices(reader, reading, units, sampled)
    chances, plans = choice_BKSP.detach().exp().tolist(), plans_of(sampled)
    # Draws of the same plan are run once; each still counts, for each has a gradient of its own.
    trials: dict[tuple[int, Plan], Candidate] = {}
    for b, answer in enumerate(answers):
        for k in range(count if answer is not None else 0):
            trials.setdefault((b, plans[b][k]), Candidate(plans[b][k], words[b], answer or (), chances[b][k]))
    solved = dict(zip(trials, solutions(list(trials.values()), library), strict=True))
    rows = [
        (b, k, calls)
        for b, own in enumerate(plans)
        for k, plan in enumerate(own)
        for calls in solved.get((b, plan), ())
    ]
    no_call_BK = _no_call(sampled, choice_BKSP, plain_B)
    log_X, owner_X = _weights(sampled, choice_BKSP, library, rows)
    owner_X = torch.cat([torch.arange(len(answers)).repeat_interleave(count), owner_X]).to(plain_B.device)
    total_B = _logsumexp(torch.cat([no_call_BK.flatten(), log_X]), owner_X, len(answers))
    known = {b for b, _, _ in rows}
    known_B = torch.tensor([answer is None or b in known for b, answer in enumerate(answers)])
    return total_B - math.log(count), known_B.to(plain_B.device)


def _choices(reader: Reader, reading: Reading, units: Units, sampled: SampledPlans) -> Tensor:
    """Log-probabilities of what each segment calls. Most plans of a prompt share segments: each is pooled once."""
    batch, count, size = sampled.segment_BKU.shape
    # A segment lies between the ends of the one before and its own.
    ends_BKS = torch.stack([(sampled.segment_BKU <= s).sum(2) for s in range(-1, MAX_SEGMENTS)], 2)
    owner_B11 = torch.arange(batch, device=ends_BKS.device)[:, None, None]
    key_BKS = (owner_B11 * (size + 1) + ends_BKS[..., :-1]) * (size + 1) + ends_BKS[..., 1:]
    unique_Y, place_X = key_BKS.flatten().unique(return_inverse=True)
    owner_Y, begin_Y, end_Y = unique_Y // (size + 1) ** 2, unique_Y // (size + 1) % (size + 1), unique_Y % (size + 1)
    at_U = torch.arange(size, device=unique_Y.device)
    inside_YU = (at_U >= begin_Y[:, None]) & (at_U < end_Y[:, None]) & units.text_BU[owner_Y]
    pooled_YC = reader.pool(reading.channels_BUC[owner_Y], inside_YU)
    choice_YP = reader.select(pooled_YC).log_softmax(-1)
    return choice_YP[place_X].view(batch, count, MAX_SEGMENTS, -1)


def _logsumexp(log_X: Tensor, owner_X: Tensor, owners: int) -> Tensor:
    """Of each owner's entries."""
    top_B = torch.full((owners,), -torch.inf, device=log_X.device)
    top_B = top_B.scatter_reduce(0, owner_X, log_X.detach(), "amax")
    return top_B + torch.zeros_like(top_B).index_add(0, owner_X, (log_X - top_B[owner_X]).exp()).log()


def _score(log_BK: Tensor, bias_BK: Tensor | float = 0.0) -> Tensor:
    """What a draw is to be weighed by: minus its bias, with the gradient of its log-probability."""
    return log_BK - log_BK.detach() - bias_BK


def _inside(sampled: SampledPlans) -> Tensor:
    """Which of the MAX_SEGMENTS segments each plan has, B×K×S."""
    segments_BK1 = sampled.segment_BKU.amax(2, keepdim=True) + 1
    return torch.arange(MAX_SEGMENTS, device=segments_BK1.device) < segments_BK1


def _no_call(sampled: SampledPlans, choice_BKSP: Tensor, plain_B: Tensor) -> Tensor:
    """The language model's own part of each plan: none in every segment."""
    none_BK = (choice_BKSP[..., 0] * _inside(sampled)).sum(2)
    return plain_B[:, None] + none_BK + _score(sampled.part_BK, sampled.part_bias_BK)


def _weights(
    sampled: SampledPlans, choice_BKSP: Tensor, library: Library, rows: Sequence[tuple[int, int, Calls]]
) -> tuple[Tensor, Tensor]:
    """log p(programs | plan) of each solution, weighed as its plan is; and whose it is."""
    device = choice_BKSP.device
    b_X, k_X = (torch.tensor([row[i] for row in rows], dtype=torch.int64, device=device) for i in (0, 1))
    number_XS = torch.zeros(len(rows), MAX_SEGMENTS, dtype=torch.int64)
    for x, (_, _, calls) in enumerate(rows):
        for segment, number in calls:
            number_XS[x, segment] = number
    number_XS = number_XS.to(device)
    argued_P = torch.tensor([False, *(execution.takes_argument(p) for p in library.programs)], device=device)
    spelled = [bool(library.symbols[calls[0][1] - 1]) for _, _, calls in rows]
    choice_XS = choice_BKSP[b_X, k_X].gather(2, number_XS[..., None]).squeeze(2) * _inside(sampled)[b_X, k_X]
    point_XS = torch.where(argued_P[number_XS], sampled.point_BKS[b_X, k_X], 0)
    plan_BK = _score(sampled.write_BK, sampled.write_bias_BK) + _score(sampled.part_BK, sampled.part_bias_BK)
    spell_X = _score(sampled.spell_BK, sampled.spell_bias_BK)[b_X, k_X]
    spell_X = torch.where(torch.tensor(spelled, dtype=torch.bool, device=device), spell_X, 0)
    return choice_XS.sum(1) + plan_BK[b_X, k_X] + spell_X + _score(point_XS.sum(1)), b_X.cpu()
