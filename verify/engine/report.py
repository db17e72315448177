"""Findings as documents: the stable JSON of `ncl verify`, JUnit XML, SARIF 2.1.0 and a GitHub step summary.

Pure functions from findings to text, and the exit code: 0 only when there is something and all of it is green.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from ncl.verify.engine.obligation import GREEN, VERDICTS
from ncl.verify.engine.runner import INTERRUPTED, Finding

SCHEMA = 1
_ADDRESS = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def exit_code(findings: Sequence[Finding]) -> int:
    """1 when something is refuted, else 3 when something is undecided or there is nothing at all, else 0."""
    verdicts = {f.outcome.verdict for f in findings}
    if "refuted" in verdicts:
        return 1
    return 0 if verdicts and verdicts <= GREEN else 3


def interrupted(findings: Sequence[Finding]) -> bool:
    """Whether the run was ended before all of it was done."""
    return any(_left_out(f) for f in findings)


def _left_out(finding: Finding) -> bool:
    return finding.outcome.method == INTERRUPTED


def document(findings: Sequence[Finding], certificate: Path | None = None) -> dict[str, Any]:
    """The JSON of `ncl verify`."""
    counts = Counter(f.outcome.verdict for f in findings)
    return {
        "schema": SCHEMA,
        "verdicts": {verdict: counts[verdict] for verdict in VERDICTS if counts[verdict]},
        "obligations": [_row(f) for f in findings],
        "certificate": str(certificate) if certificate else None,
        "interrupted": interrupted(findings),
    }


def _row(finding: Finding) -> dict[str, Any]:
    obligation, outcome = finding.obligation, finding.outcome
    return {
        "id": obligation.id,
        "subject": obligation.subject,
        "kind": obligation.kind,
        "verdict": outcome.verdict,
        "method": outcome.method,
        "bound": outcome.bound or None,
        "limits": dict(outcome.limits),
        "solver": outcome.solver or None,
        "seconds": outcome.seconds,
        "vacuity": outcome.vacuity or None,
        "cross_check": outcome.cross_check or None,
        "detail": outcome.detail or None,
        "counterexample": outcome.counterexample,
        "cached": finding.cached,
    }


def line(finding: Finding) -> str:
    """One finding for a terminal."""
    outcome = finding.outcome
    parts = [f"{outcome.verdict:<14} {finding.obligation.id}"]
    if outcome.bound:
        parts.append(f"({outcome.bound})")
    if not outcome.green and outcome.detail:
        parts.append(f"- {outcome.detail}")
    return " ".join(parts)


def junit(findings: Sequence[Finding]) -> str:
    """A failure for each refuted obligation, an error for each undecided one; `skipped` is an error too.

    What an interruption left out is skipped in JUnit's sense, which counts as no fault; so the interruption itself
    stands there once more, as an error.
    """
    cases = [_junit_case(f) for f in findings]
    if interrupted(findings):
        left = f"{sum(map(_left_out, findings))} of {len(findings)} obligations were left out"
        cases.append(TestCase("run/interrupted", "run", 0.0))
        cases[-1].result = [Error(left, "interrupted")]
    suite, document = TestSuite("ncl verify"), JUnitXml()
    suite.add_testcases(cases)  # all at once: each addition counts all that is there
    document.add_testsuite(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + document.tostring().decode() + "\n"


def _junit_case(finding: Finding) -> Any:
    obligation, outcome = finding.obligation, finding.outcome
    case = TestCase(obligation.id, obligation.kind, round(outcome.seconds, 3))
    kind = _junit_kind(finding)
    if kind:
        told = kind(_printable(outcome.detail), outcome.verdict)
        told.text = _printable(json.dumps(outcome.counterexample)) if outcome.counterexample else ""
        case.result = [told]
    return case


def _junit_kind(finding: Finding) -> Any:
    if _left_out(finding):
        return Skipped
    if finding.outcome.verdict == "refuted":
        return Failure
    return None if finding.outcome.green else Error


_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _printable(text: str) -> str:
    """XML 1.0 has no control characters and no halves of pairs, not even escaped."""
    return _NO_XML.sub("?", text)


def sarif(findings: Sequence[Finding]) -> dict[str, Any]:
    """Refuted obligations are errors, undecided ones warnings, those left out by an interruption notes; the green ones
    are named as rules only.
    """
    kinds = sorted({f.obligation.kind for f in findings})
    return {
        "$schema": _ADDRESS,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "ncl verify",
                        "rules": [{"id": k, "shortDescription": {"text": f"obligation of kind {k}"}} for k in kinds],
                    }
                },
                "invocations": [{"executionSuccessful": not interrupted(findings)}],
                "results": [_sarif_result(f, kinds) for f in findings if not f.outcome.green],
            }
        ],
    }


def _sarif_result(finding: Finding, kinds: list[str]) -> dict[str, Any]:
    obligation, outcome = finding.obligation, finding.outcome
    text = f"{obligation.id}: {outcome.verdict}" + (f": {outcome.detail}" if outcome.detail else "")
    result: dict[str, Any] = {
        "ruleId": obligation.kind,
        "ruleIndex": kinds.index(obligation.kind),
        "level": "error" if outcome.verdict == "refuted" else "note" if _left_out(finding) else "warning",
        "message": {"text": text},
        "locations": [{"logicalLocations": [{"fullyQualifiedName": obligation.id}]}],
        "partialFingerprints": {"obligation/v1": obligation.id},
    }
    place = (outcome.counterexample or {}).get("place")
    if place:  # {"file", "line", "column"} of the source text, when the counterexample knows it
        region = {"startLine": place["line"], "startColumn": place["column"]}
        result["locations"][0]["physicalLocation"] = {
            "artifactLocation": {"uri": Path(place["file"]).as_posix()},
            "region": region,
        }
    return result


def summary(findings: Sequence[Finding]) -> str:
    """Markdown for `$GITHUB_STEP_SUMMARY`: the counts, then each kind with its bounds, then what is not green."""
    counts = Counter(f.outcome.verdict for f in findings)
    told = ", ".join(f"{counts[v]} {v}" for v in VERDICTS if counts[v]) or "nothing was checked"
    lines = [f"### ncl verify: {told}", "", "| kind | obligations | verdicts | bounds |", "|---|---|---|---|"]
    for kind in sorted({f.obligation.kind for f in findings}):
        mine = [f for f in findings if f.obligation.kind == kind]
        verdicts = Counter(f.outcome.verdict for f in mine)
        bounds = sorted({f.outcome.bound for f in mine if f.outcome.bound})
        shown = "; ".join(bounds[:3]) + (f"; … ({len(bounds)} in all)" if len(bounds) > 3 else "")
        spread = ", ".join(f"{n} {v}" for v, n in sorted(verdicts.items()))
        lines.append(f"| {kind} | {len(mine)} | {spread} | {_cell(shown)} |")
    left = [f for f in findings if _left_out(f)]
    if left:
        lines += ["", f"The run was interrupted: {len(left)} of {len(findings)} obligations were left out."]
    bad = [f for f in findings if not f.outcome.green and not _left_out(f)]
    if bad:
        lines += ["", "| not green | verdict | why |", "|---|---|---|"]
        lines += [f"| `{f.obligation.id}` | {f.outcome.verdict} | {_cell(f.outcome.detail)} |" for f in bad]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
