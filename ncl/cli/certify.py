"""`ncl certify`: prove an artefact and write the certificate that lets it be used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ncl.cli.output import Depth, Frame, Json, Memory, Registers, Width, emit, notes_told, progress, tell
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
    artefact = artefact_of(targets, everything, width, registers, memory, frame, depth, notes_told(width))
    paper = certified(artefact, out, rules, jobs)
    if as_json:
        emit(
            {
                "artefact": str(out),
                "certificate": str(out / "certificate.json"),
                "seal": paper.seal,
                "width": paper.width,
                "programs": sorted(paper.programs),
                "obligations": len(paper.obligations),
                "softness": paper.softness,
            }
        )
    else:
        print(f"{out}: {len(paper.programs)} programs, {len(paper.obligations)} obligations, {paper.softness}")
        print(f"certificate {paper.seal}")


def certified(artefact: Any, out: Path, rules: Any, jobs: int, tokenizer: str | None = None) -> Any:
    """Certify under a policy, then write the artefact with its certificate, which is returned.

    `tokenizer` is the digest of the tokenizer that the artefact will be used with, when that is known.
    """
    from ncl.build import claim
    from ncl.verify.certification import certify

    claim(out)
    findings = findings_of(artefact, rules, jobs)
    paper = certify.certify(artefact, rules, findings=findings, tokenizer=tokenizer)
    artefact.save(out, paper)
    return paper


def findings_of(artefact: Any, rules: Any, jobs: int) -> Any:
    """Run all obligations of an artefact under a policy; counterexamples are kept where `ncl replay` finds them."""
    from ncl.verify.certification import prove
    from ncl.verify.engine import runner

    asked = prove.obligations(artefact, executors=rules.executors)
    with progress("verifying", len(asked)) as advance:
        findings = runner.run(asked, jobs=jobs, **followed(advance))
    for path in keep_counterexamples(findings, COUNTEREXAMPLES).values():
        tell(f"replay it: ncl replay {path}")
    return findings
