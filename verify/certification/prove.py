"""`ncl.prove`: runs everything that is to be shown about a compiled program or an artefact, and tells what came of it.

Called by the command line and users.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ncl.errors import Refuted, Undecided
from ncl.language.syntax import Function
from ncl.verify.certification.obligations import Claim, contract_obligation, obligations, source_obligation
from ncl.verify.engine import cache, report, runner
from ncl.verify.engine.obligation import Outcome
from ncl.verify.engine.runner import Finding, Progress, Watch


@dataclass(frozen=True)
class Proof:
    """What came of all obligations of one subject."""

    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """That of `ncl verify`: 0 all green, 1 something refuted, 3 something undecided or nothing shown."""
        return report.exit_code(self.findings)

    @property
    def ok(self) -> bool:
        """Everything green, and something shown at all."""
        return self.exit_code == 0

    def __getitem__(self, name: str) -> Outcome:
        """The outcome of one obligation by its id."""
        return next(f.outcome for f in self.findings if f.obligation.id == name)

    def to_json(self) -> dict[str, Any]:
        """The document of `ncl verify --json`."""
        return report.document(self.findings)

    def check(self) -> Proof:
        """Itself when all is green; else raises Refuted or Undecided with what is not."""
        bad = [f for f in self.findings if not f.outcome.green]
        if bad or not self.findings:
            told = "; ".join(report.line(f) for f in bad) or "no obligation was run"
            raise (Refuted if self.exit_code == 1 else Undecided)(told)
        return self

    def __str__(self) -> str:
        counts = self.to_json()["verdicts"]
        head = ", ".join(f"{n} {verdict}" for verdict, n in counts.items()) or "nothing was shown"
        shown = [
            f
            for f in self.findings
            if not f.outcome.green or f.obligation.kind in ("source", "cross-check", "contract", "executor", "step")
        ]
        return "\n".join([head, *("  " + report.line(f) for f in shown)])


def prove(
    subject: Any,
    *,
    jobs: int = runner.JOBS,
    machine: bool = True,
    use_cache: bool = True,
    progress: Progress | None = None,
    watch: Watch | None = None,
    budget: float | None = None,
    total_budget: float | None = None,
) -> Proof:
    """Run every obligation of a compiled program or an artefact. `machine=False` leaves out the machine's own."""
    asked = obligations(subject, machine=machine)
    return Proof(
        runner.run(
            asked, jobs=jobs, use_cache=use_cache, progress=progress, watch=watch, budget=budget,
            total_budget=total_budget,
        )
    )  # fmt: skip


def known_contract_verdict(function: Function) -> str | None:
    """The verdict on program = contract when the cache holds it, else None; None where there is no contract."""
    kept = cache.load(contract_obligation(function)) if function.contract else None
    return kept.verdict if kept else None


def known_source_verdict(compiled: Any) -> str | None:
    """The verdict on machine code = source when the cache holds it, else None."""
    kept = cache.load(source_obligation(Claim(compiled.program, compiled.function, compiled.witness)))
    return kept.verdict if kept else None


__all__ = ["Proof", "known_contract_verdict", "known_source_verdict", "obligations", "prove"]
