"""`ncl certify`: prove an artefact and write the certificate that lets it be used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ncl.cli.output import Depth, Frame, Json, Memory, Registers, Width, emit, note_printer, progress, tell
from ncl.cli.verify import COUNTEREXAMPLES, Jobs, Targets, followed, keep_counterexamples

PolicyFile = Annotated[Path | None, typer.Option("--policy", help="Policy file; default: the shipped one.")]


def certify(
    targets: Targets = None,
    out: Annotated[Path, typer.Option(help="Artefact folder to write.")] = Path("artefact"),
    everything: Annotated[bool, typer.Option("--all", help="The whole shipped library.")] = False,
    width: Width = 16,
    registers: Registers = 16,
    memory: Memory = None,
    frame: Frame = 1024,
    depth: Depth = 64,
    policy: PolicyFile = None,
    jobs: Jobs = 2,
    as_json: Json = False,
) -> None:
    """Compile, prove and write artefact and certificate; nothing is written when an obligation is not met.

    Example: ncl certify reverse my_algorithms.py --out build/library
    """
    from ncl.build import artefact_of, claim
    from ncl.gate import read_policy

    claim(out)
    rules = read_policy(policy)
    artefact = artefact_of(targets, everything, width, registers, memory, frame, depth, note_printer(width))
    written = certified(artefact, out, rules, jobs)
    if as_json:
        emit(
            {
                "artefact": str(out),
                "certificate": str(out / "certificate.json"),
                "seal": written.seal,
                "width": written.width,
                "programs": sorted(written.programs),
                "obligations": len(written.obligations),
                "softness": written.softness,
            }
        )
    else:
        print(f"{out}: {len(written.programs)} programs, {len(written.obligations)} obligations, {written.softness}")
        print(f"certificate {written.seal}")


def certified(artefact: Any, out: Path, rules: Any, jobs: int, tokenizer: str | None = None) -> Any:
    """Certify under a policy, then write the artefact with its certificate, which is returned.

    `tokenizer` is the digest of the tokenizer that the artefact will be used with, when that is known.
    """
    from ncl.build import claim
    from ncl.verify.certification import certify

    claim(out)
    findings = findings_of(artefact, rules, jobs)
    written = certify.certify(artefact, rules, findings=findings, tokenizer=tokenizer)
    artefact.save(out, written)
    return written


def findings_of(artefact: Any, rules: Any, jobs: int) -> Any:
    """Run all obligations of an artefact under a policy; counterexamples are kept where `ncl replay` finds them."""
    from ncl.verify.certification import prove
    from ncl.verify.engine import runner

    obligations = prove.obligations(artefact, executors=rules.executors)
    with progress("verifying", len(obligations)) as advance:
        findings = runner.run(obligations, jobs=jobs, **followed(advance))
    for path in keep_counterexamples(findings, COUNTEREXAMPLES).values():
        tell(f"replay it: ncl replay {path}")
    return findings
