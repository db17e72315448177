"""What has to be shown, and what came of it: the two records that every proof, runner, cache and report speak in.

An obligation is data (the path of a function and its arguments), so it can be sent to a worker process and its outcome
can be cached by content. Made by `algebra`, `ops.exhaustive`, `step.check` and `prove`, each in a function
`obligations(...)` that returns a tuple of them; run by `runner`; named by the gate's policy. Ids are paths, general
before special:

    golden/OPCODE  algebra/OPERATION  circuit-integer/OPCODE  circuit-onehot/OPCODE  circuit-pathwise/OPCODE
    kernel/OPCODE  loop/OPCODE  step/COMPONENT  temperature/PART  gate/refusals  weights/finite
    executor/EXECUTOR/PROGRAM  source/PROGRAM  cross-check/PROGRAM  compiled/PROGRAM  python/PROGRAM
    contract/PROGRAM
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from enum import Enum
from importlib import import_module
from typing import Any, Literal, get_args

Verdict = Literal["proved", "proved-bounded", "tested", "refuted", "unknown", "vacuous", "skipped"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

# Only these can ever satisfy a requirement; the policy says which of them do, and how far they must reach.
GREEN: frozenset[Verdict] = frozenset({"proved", "proved-bounded", "tested"})


@dataclass(frozen=True)
class Outcome:
    """What running an obligation gave.

    `bound` says to a reader how far the verdict reaches ("" for all there is); `limits` says the same in numbers that a
    policy can compare, for example {"width": 10} or {"samples": 400}. `counterexample` is JSON data for
    `ncl.verify.engine.counterexample`, set only when refuted. `cross_check` names the second solver or method and what
    it said, `vacuity` how the premises were seen to be satisfiable. `seconds` is filled in by `Obligation.run` when
    left at 0.
    """

    verdict: Verdict
    method: str
    bound: str = ""
    solver: str = ""
    seconds: float = 0.0
    detail: str = ""
    counterexample: Mapping[str, Any] | None = None
    cross_check: str = ""
    vacuity: str = ""
    limits: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise ValueError(f"no verdict {self.verdict!r}; one of {', '.join(VERDICTS)}")
        if self.verdict in ("proved-bounded", "tested") and not self.bound:
            raise ValueError(f"a verdict {self.verdict!r} must say its bound")

    @property
    def green(self) -> bool:
        """Whether the verdict is one that passes."""
        return self.verdict in GREEN


@dataclass(frozen=True)
class Obligation:
    """One thing to show about one subject. `function` is "module:name"; calling it with `arguments` gives an Outcome.

    `arguments` holds plain data and frozen dataclasses only: they are pickled to workers and digested for the cache.
    `budget` is in seconds of wall time; past it the runner says `unknown`.
    """

    id: str
    subject: str
    kind: str  # the first part of the id: golden, algebra, circuit-integer, …
    function: str
    arguments: tuple[Any, ...] = ()
    budget: float = 60.0

    def run(self) -> Outcome:
        """Call the function here and now. Raises TypeError when it gives no Outcome, and what the function raises.

        The runner turns either into `unknown`.
        """
        module, _, name = self.function.partition(":")
        begin = time.perf_counter()
        outcome = getattr(import_module(module), name)(*self.arguments)
        if not isinstance(outcome, Outcome):
            raise TypeError(f"{self.function} gave {type(outcome).__name__}, not an Outcome")
        return outcome if outcome.seconds else replace(outcome, seconds=round(time.perf_counter() - begin, 6))

    def digest(self) -> str:
        """Of what is asked: id, function and arguments. Not of the sources that answer it; the cache adds those."""
        return hashlib.sha256(_encode((self.id, self.subject, self.kind, self.function, self.arguments))).hexdigest()


def _encode(value: Any) -> bytes:
    """An injective, process-independent encoding; TypeError for what has none (sets, objects with an identity)."""
    if isinstance(value, Enum):
        return _frame(b"e", f"{type(value).__qualname__}.{value.name}".encode())
    if value is None or isinstance(value, bool | int | float | str):
        return _frame(type(value).__name__.encode(), repr(value).encode())
    if isinstance(value, bytes):
        return _frame(b"bytes", value)
    if isinstance(value, list | tuple):
        return _frame(b"seq", b"".join(map(_encode, value)))
    if isinstance(value, Mapping):
        return _frame(b"map", b"".join(sorted(_encode(k) + _encode(v) for k, v in value.items())))
    if is_dataclass(value) and not isinstance(value, type):
        inner = b"".join(_encode(getattr(value, part.name)) for part in fields(value))
        return _frame(type(value).__qualname__.encode(), inner)
    raise TypeError(f"{type(value).__name__} cannot stand in an obligation's arguments: it has no canonical encoding")


def _frame(kind: bytes, body: bytes) -> bytes:
    return b"%b:%d:%b" % (kind, len(body), body)
