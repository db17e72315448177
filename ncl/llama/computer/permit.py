"""What a permit rests on, looked at again whenever an answer quotes it.

The gate looks once, as a library is let in; a table that is edited in memory afterwards, by hand or by
`load_state_dict`, would answer under a certificate that says nothing of it. So a model keeps a *watch*. Small things
are compared to the bit with a copy: tables of the lexer, weights of readers, buffers. The backbone's weights are too
large for that: of each, identity, place and torch's version counter are compared, and where one of them moved the whole
is digested again, so that weights which were only carried to another device pass. Modules that were imported since are
digested as the gate did.

What no watch sees: an edit of backbone weights past torch's counter (`.data`, a NumPy view) or of the parts of a
tokenizer, which `recheck` sees; and patched methods, hooks and attributes of modules, which nothing does. Called by the
two models.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ncl import certificate as record
from ncl import gate, sources
from ncl.errors import GateRefused
from ncl.language.program import Program

REMEDY = "load the model anew; what is to be changed must be certified or saved first"
Copy = tuple[str, tuple[int, ...], bytes]  # dtype, shape, bits
Mark = tuple[str, int, int, int, str, str]


@dataclass(frozen=True)
class TokenizerFingerprint:
    """What tells of a tokenizer, without digesting it, whether it was exchanged or added to."""

    tokenizer: Any
    backend: Any
    size: int
    template: Any
    special: Any

    @staticmethod
    def of(tokenizer: Any) -> TokenizerFingerprint | None:
        """None where there is none, or nothing that is one."""
        try:
            special = {name: str(token) for name, token in tokenizer.special_tokens_map.items()}
            return TokenizerFingerprint(
                tokenizer, tokenizer.backend_tokenizer, len(tokenizer), tokenizer.chat_template, special
            )
        except (AttributeError, TypeError):
            return None


@dataclass
class IntegrityMonitor:
    """`known` and `marks` follow what was found to be sound; everything else stays as it was let in."""

    permit: gate.Permit
    programs: tuple[Program, ...]
    written: tuple[Program, ...]  # copies of these
    settings: Mapping[str, Any]
    copies: dict[str, Copy]
    known: frozenset[str]  # modules that were in memory when the sources were digested
    count: int  # of all modules, then
    marks: tuple[Mark, ...] = ()  # of the backbone, where a record names it
    backbone: str = ""  # its digest
    tokenizer_fingerprint: TokenizerFingerprint | None = None  # of the tokenizer, where a record names it
    tokenizer_digest: str = ""  # the digest of all that stands between a chat and its tokens

    def look(
        self,
        programs: Sequence[Program],
        settings: Mapping[str, Any],
        tables: Mapping[str, Tensor],
        backbone: nn.Module | None = None,
        digest: Callable[[], str] = str,
    ) -> None:
        """Raise GateRefused with everything that is not as it was let in. `digest` is of the backbone, as it is.

        Tables have any shape (…,).
        """
        faults = []
        same = len(programs) == len(self.programs) and all(a is b for a, b in zip(programs, self.programs))
        if not same or self.programs != self.written:
            faults.append("programs")
        faults += [name for name in self.settings if settings.get(name) != self.settings[name]]
        faults += [name for name in sorted({*tables, *self.copies}) if not self._same(name, tables.get(name))]
        if backbone is not None and self.backbone and (marks := marked(backbone)) != self.marks:
            if digest() == self.backbone:
                self.marks = marks
            else:
                faults.append("weights of the base model")
        if faults:
            changed = ", ".join(faults[:6]) + (f" and {len(faults) - 6} more" if len(faults) > 6 else "")
            raise GateRefused(f"changed since the gate let it in: {changed}", where="model", remedy=REMEDY)
        self._look_at_modules()

    def check_tokenizer(self, tokenizer: Any, digest: Callable[[Any], str]) -> None:
        """Raise GateRefused when the tokenizer is another; the same one, loaded again, passes."""
        if not self.tokenizer_digest or (now := TokenizerFingerprint.of(tokenizer)) == self.tokenizer_fingerprint:
            return
        if now is None or digest(tokenizer) != self.tokenizer_digest:
            raise GateRefused("changed since the gate let it in: tokenizer", where="model", remedy=REMEDY)
        self.tokenizer_fingerprint = now

    def _same(self, name: str, tensor: Tensor | None) -> bool:
        return tensor is not None and copied(tensor) == self.copies.get(name)

    def _look_at_modules(self) -> None:
        """A module that came since was read from a file that may have changed since."""
        if len(sys.modules) == self.count:
            return
        count, loaded = len(sys.modules), frozenset(sources.loaded_modules())
        if loaded - self.known:
            faults = [*_changed(self.permit.sources, record.source_digests()), *sources.foreign_modules()]
            if faults:
                raise GateRefused(
                    f"loaded from sources that changed since the gate let it in: {'; '.join(faults)}", where="model",
                    remedy="start anew, or certify again with `ncl certify`",
                )  # fmt: skip
        self.known, self.count = loaded, count


def watch(
    permit: gate.Permit, programs: Sequence[Program], settings: Mapping[str, Any], tables: Mapping[str, Tensor]
) -> IntegrityMonitor:
    """A watch over what the gate has just let in. Tables have any shape (…,)."""
    known = frozenset(sources.loaded_modules())
    held = tuple(programs)
    return IntegrityMonitor(permit, held, deepcopy(held), dict(settings), copies_of(tables), known, len(sys.modules))


def copies_of(tables: Mapping[str, Tensor]) -> dict[str, Copy]:
    """Copies that no edit of the tensors reaches. Tables have any shape (…,)."""
    return {name: copied(tensor) for name, tensor in tables.items()}


def marked(module: nn.Module) -> tuple[Mark, ...]:
    """Of each weight, what tells whether it was exchanged, moved, cast, or written in place."""
    return tuple(
        # Inference tensors have no counter.
        (name, id(p), -1 if p.is_inference() else p._version, p.data_ptr(), str(p.dtype), str(p.device))
        for name, p in module.named_parameters()
        if not name.startswith("readers.")  # compared to the bit
    )


def copied(tensor: Tensor) -> Copy:
    """Every bit: −0 and 0 differ, and a NaN is itself. The tensor has any shape (…,)."""
    flat = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
    return str(tensor.dtype), tuple(tensor.shape), flat.numpy().tobytes()


def _changed(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return [f"sources {room}" for room in sorted({*before, *now}) if before.get(room) != now.get(room)]
