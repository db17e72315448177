"""`ncl verify`: run every obligation of programs, with reports for CI."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from ncl.cli.output import (
    INTERRUPTED,
    Depth,
    Frame,
    Json,
    Memory,
    Registers,
    Width,
    claim_file,
    emit,
    note_printer,
    progress,
    table,
    tell,
    write_atomically,
)
from ncl.errors import InputError

COUNTEREXAMPLES = Path(".ncl")
SLOWEST = 10  # obligations whose durations stand at the end

Counterexamples = Annotated[Path, typer.Option(help="Folder for counterexamples that `ncl replay` runs.")]
Jobs = Annotated[int, typer.Option(min=1, max=256, help="Worker processes.")]
Seconds = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1e9,
        help="Seconds for each obligation; then only what is known by then. Default: its own limit, at most 180.",
    ),
]
AllSeconds = Annotated[float | None, typer.Option(min=0, max=1e9, help="Seconds for all obligations together.")]
Machine = Annotated[bool, typer.Option(help="Also verify what all programs of the width rest on: ops, circuits, step.")]
Targets = Annotated[list[str] | None, typer.Argument(help="Library programs, FILEs or FILE:FUNCs.")]


def verify(
    targets: Targets = None,
    everything: Annotated[bool, typer.Option("--all", help="The whole shipped library.")] = False,
    width: Width = 16,
    registers: Registers = 16,
    memory: Memory = None,
    frame: Frame = 1024,
    depth: Depth = 64,
    jobs: Jobs = 2,
    machine: Machine = True,
    budget: Seconds = None,
    total_budget: AllSeconds = None,
    shard: Annotated[str, typer.Option(help="k/n: only the k-th of n parts, for CI matrices.")] = "",
    cache: Annotated[bool, typer.Option(help="Use outcomes of earlier runs over the same bytes.")] = True,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML here.")] = None,
    sarif: Annotated[Path | None, typer.Option(help="Write SARIF 2.1.0 here.")] = None,
    counterexamples: Annotated[
        Path, typer.Option(help="Folder for counterexamples that `ncl replay` runs.")
    ] = COUNTEREXAMPLES,
    as_json: Json = False,
) -> int:
    """Verify ops, step, executors and programs. Exits 1 when an obligation is refuted, 3 when one is undecided.

    When interrupted it writes the reports all the same, with the rest as skipped, and exits 130.

    Example: ncl verify my_algorithms.py --junit verify.xml
    """
    part = parse_shard(shard) if shard else None
    for file in (junit, sarif, counterexamples / "any.json"):
        claim_file(file)
    from ncl.build import artefact_of
    from ncl.verify.certification import prove
    from ncl.verify.engine import report, runner

    with progress("verifying", None) as advance:
        advance(0, "programs are compiled")
        subject = artefact_of(targets, everything, width, registers, memory, frame, depth, note_printer(width))
        obligations = prove.obligations(subject, machine=machine)
        if part:
            obligations = runner.shard(obligations, *part)
        advance(0, total=len(obligations))
        try:
            findings = runner.run(
                obligations,
                jobs=jobs,
                budget=budget,
                total_budget=total_budget,
                use_cache=cache,
                **followed(advance),
            )
        except runner.Interrupted as fault:
            findings = fault.findings
    interrupted = report.interrupted(findings)
    with undisturbed():  # an impatient second Ctrl-C would leave nothing of what is known
        written = keep_counterexamples(findings, counterexamples)
        faults = _write_reports(findings, report, junit, sarif)
        if as_json:
            document = report.document(findings)
            emit({**document, "counterexamples": {name: str(path) for name, path in written.items()}})
        else:
            show(findings, report)
            for path in written.values():
                print(f"replay it: ncl replay {path}")
        if interrupted:
            tell("ncl: interrupted")
    for lost in faults:
        tell(f"ncl: {lost}")
    code = INTERRUPTED if interrupted else int(report.exit_code(findings))
    return code or (InputError.exit_code if faults else 0)


def followed(advance: Any) -> dict[str, Any]:
    """Options of the runner that pass its progress on to a progress bar."""

    def watch(underway: Any) -> None:
        running = ", ".join(f"{one.id} for {one.seconds:.0f} s" for one in underway)
        advance(0, running or "workers are starting")

    return {"progress": lambda finding, done, total: advance(1, finding.obligation.id), "watch": watch}


@contextmanager
def undisturbed() -> Iterator[None]:
    """Signals that would end the process are ignored; only the main thread gets any."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _write_reports(findings: Any, report: Any, junit: Path | None, sarif: Path | None) -> list[InputError]:
    """For CI: the files requested, and the step summary where GitHub wants one. One that fails leaves the others."""
    faults = []
    for path, text in (
        (junit, lambda: report.junit(findings)),
        (sarif, lambda: json.dumps(report.sarif(findings), indent=1) + "\n"),
    ):
        try:
            if path:
                write_atomically(path, text())
        except InputError as fault:
            faults.append(fault)
    if place := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            with open(place, "a", encoding="utf-8") as file:
                file.write(report.summary(findings))
        except OSError as fault:
            tell(f"ncl: no step summary: {place}: {fault.strerror}")
    return faults


def parse_shard(text: str) -> tuple[int, int]:
    part, _, parts = text.partition("/")
    if not (part.isdigit() and parts.isdigit()):
        raise InputError(f"{text!r} is no shard", where="--shard", remedy="write 1/4 for the first of four")
    if not 1 <= int(part) <= int(parts):
        raise InputError(f"shard {text} is not between 1 and {int(parts)}", where="--shard")
    return int(part), int(parts)


def keep_counterexamples(findings: Any, folder: Path) -> dict[str, Path]:
    """Write each refuted obligation's counterexample; id → file. One that cannot be written is a line on stderr."""
    from ncl.verify.engine.counterexample import write

    kept = {}
    for finding in findings:
        name, outcome = finding.obligation.id, finding.outcome
        if outcome.verdict != "refuted" or outcome.counterexample is None:
            continue
        try:
            kept[name] = write(outcome.counterexample, folder, name.replace("/", "-"))
        except OSError as fault:
            tell(f"ncl: the counterexample of {name} could not be written: {folder}: {fault.strerror}")
    return kept


def show(findings: Any, report: Any) -> None:
    """A line for each kind of obligation, and one for each that concerns a program or is not green."""
    kinds: dict[str, list[Any]] = {}
    for finding in findings:
        kinds.setdefault(finding.obligation.kind, []).append(finding)
    rows = []
    for kind, members in kinds.items():
        verdicts = [m.outcome.verdict for m in members]
        counts = ", ".join(f"{verdicts.count(v)} {v}" for v in dict.fromkeys(verdicts))
        bounds = list(dict.fromkeys(m.outcome.bound for m in members if m.outcome.bound))
        shown = "; ".join(bounds[:2]) + (f"; … {len(bounds) - 2} more (--json)" if len(bounds) > 2 else "")
        cached = sum(m.cached for m in members)
        seconds = f"{sum(m.outcome.seconds for m in members):.1f}" + (f" ({cached} cached)" if cached else "")
        rows.append([kind, counts, shown, seconds])
    table("results", ["obligations", "verdicts", "bound", "seconds"], rows)
    slowest = sorted((f for f in findings if not f.cached), key=lambda f: -f.outcome.seconds)[:SLOWEST]
    if slowest:
        table("slowest", ["obligation", "seconds"], [[f.obligation.id, f"{f.outcome.seconds:.1f}"] for f in slowest])
    for finding in findings:
        if not finding.outcome.green and finding.outcome.verdict != "skipped":
            print(report.line(finding))
    if skipped := [f for f in findings if f.outcome.verdict == "skipped"]:
        print(f"{len(skipped)} skipped: {skipped[0].outcome.detail}")
