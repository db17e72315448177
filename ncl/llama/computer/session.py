"""What one call of `generate` knows: it lives in the caller's context, never on the model, so threads share a model.

transformers calls back in the middle of generation (`forward`, processors, stopping criteria); what they need of the
call is found here. A context belongs to one thread or one asynchronous task, and a call that fails leaves nothing.

Called by `generation`, `answer_blocks` and the models' `forward`. Legend: B prompts, T tokens of a prompt, S sequences,
each of the B prompts as many times as the caller wants sequences or beams.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from weakref import ReferenceType, ref

import torch
from torch import Tensor

from ncl.llama.computer.calls import Answers

ALONE, PREFILL, PLAIN = range(3)  # what a forward pass is: by itself, the first of a `generate`, or a further one


@dataclass(eq=False)
class Session:
    """`reads`: the first pass over the prompt shows what is to be read. `stepwise`: tokens one by one, if any come.

    `beside`: something beside the sequences is handed out, which has to agree with them; `steps`: of every step.
    """

    model: Any
    ids_BT: Tensor
    mask_BT: Tensor
    reads: bool = False
    stepwise: bool = False
    beside: bool = False
    steps: bool = False
    answers: Answers | None = None

    @property
    def prompt(self) -> int:
        """How many tokens the longest prompt has."""
        return int(self.ids_BT.shape[1])

    @property
    def called(self) -> list[int]:
        """The rows that the computer answers, as far as is known."""
        return [] if self.answers is None else self.answers.rows_called

    @property
    def forces(self) -> bool:
        """Whether answers go through the language model token by token; else they are put in afterwards, whole."""
        some = self.called
        mixed = len(some) < len(self.ids_BT)
        return bool(some) and (self.stepwise or self.steps or (self.beside and mixed))

    @contextmanager
    def active(self) -> Iterator[None]:
        """Within, this call of `generate` is found by `session_of`."""
        token = _ACTIVE.set(self)
        try:
            yield
        finally:
            _ACTIVE.reset(token)


_ACTIVE: ContextVar[Session | None] = ContextVar("ncl_session", default=None)
_LATEST: ContextVar[tuple[tuple[ReferenceType[Any], Answers], ...]] = ContextVar("ncl_latest", default=())


def session_of(model: Any) -> Session | None:
    """The call of this model's `generate` that this context is in."""
    session = _ACTIVE.get()
    return session if session is not None and session.model is model else None


@torch.compiler.disable
def pass_kind(model: Any, ids_BT: Tensor | None, seen: int) -> int:
    """What a forward pass is; found outside of compiled code, which would take one answer for all calls.

    ids_BT: (B, T).
    """
    session = session_of(model)
    if session is None:
        return ALONE
    waits = session.reads and session.answers is None and not seen
    return PREFILL if waits and ids_BT is not None and ids_BT.shape == session.ids_BT.shape else PLAIN


def remember(model: Any, answers: Answers | None) -> None:
    """What the context's latest call of `generate` came to, one for each model."""
    others = tuple(pair for pair in _LATEST.get() if pair[0]() not in (None, model))
    _LATEST.set(others if answers is None else (*others, (ref(model), answers)))


def latest_of(model: Any) -> Answers | None:
    """What this context's latest call of the model's `generate` came to."""
    return next((answers for one, answers in _LATEST.get() if one() is model), None)
