"""Policies: which obligations must have come to what before the gate lets an artefact through.

A policy may require more than the default one, and in parts less, but not nothing: what everything else rests on must
be proved, every obligation has one rule, and every rule names obligations that exist. Read from a file of the
caller's; called by the gate, by `ncl.verify.certification.certify` and by the command line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from ncl import certificate as record
from ncl.certificate import ObligationRecord
from ncl.digests import canonical_json, digest
from ncl.errors import FormatError, refused
from ncl.language.opcodes import WORD_OPS, Opcode
from ncl.language.trace import State
from ncl.language.word import Algebra

SCHEMA = 1
DEFAULT = Path(__file__).with_name("policy.json")
ACCEPTABLE = ("proved", "proved-bounded", "tested")
KEYS = ("schema", "name", "executors", "versions", "obligations")

# What no policy may be without: the verdicts that do at most, and how far a bounded one reaches at least.
FLOOR: dict[str, tuple[tuple[str, ...], dict[str, int]]] = {
    "circuit-integer/{word_op}": (("proved", "proved-bounded"), {"width": 10}),
    "step/{component}": (("proved",), {}),
    "compiled/{program}": (("proved",), {}),
    "source/{program}": (("proved",), {}),
}
# What runs must be what was proved with, whatever else may differ.
FLOOR_VERSIONS = ("python", "torch", "numpy", "numba")
EXECUTORS = ("integer", "pathwise", "dense")  # those that obligations are about

# Every obligation that there is, with the numbers by which it may be bounded.
KNOWN: dict[str, tuple[str, ...]] = {
    "golden/{opcode}": ("examples",),
    "algebra/{algebra}": ("enumerated_width", "samples"),
    "circuit-integer/{word_op}": ("width", "enumerated_width"),
    "circuit-onehot/{word_op}": ("width",),
    "circuit-pathwise/{word_op}": ("width", "samples"),
    "kernel/{word_op}": ("width",),
    "loop/{opcode}": ("samples",),
    "step/{component}": (),
    "step/lemmas": (),
    "step/rules": ("samples", "rules"),
    "step/side-conditions": (),
    "step/invariants": (),
    "step/vacuity": (),
    "temperature/hard": ("samples",),
    "temperature/straight-through": ("samples",),
    "temperature/soft": ("samples",),
    "temperature/sharpening": ("samples",),
    "gate/refusals": ("trials",),
    "weights/finite": (),
    "compiled/{program}": (),
    "source/{program}": (),
    "python/{program}": ("tried", "samples", "wrapped"),
    "cross-check/{program}": ("enumerated_width", "enumerated", "length", "samples", "slow_samples"),
    "contract/{program}": ("enumerated_width", "length", "samples"),
    "executor/{executor}/{program}": ("samples",),
}


@dataclass(frozen=True)
class Requirement:
    """The verdicts that do, and for a bounded one how far it must reach at least."""

    accept: tuple[str, ...]
    at_least: Mapping[str, int]

    def fault(self, found: ObligationRecord) -> str:
        """Why this record does not meet the requirement; empty when it does."""
        if found.verdict not in self.accept:
            return f"is {found.verdict}, must be {' or '.join(self.accept)}"
        if found.verdict == "proved":
            return ""
        short = [
            f"{name} {found.limits.get(name, 0)} of at least {least}"
            for name, least in self.at_least.items()
            if found.limits.get(name, 0) < least
        ]
        return f"reaches too short: {', '.join(short)}" if short else ""


@dataclass(frozen=True)
class Policy:
    """What a certificate must show. `rules` are (id template, requirement). Raises ValueError when it is too weak."""

    name: str
    executors: tuple[str, ...]
    versions: tuple[str, ...]
    rules: tuple[tuple[str, Requirement], ...]

    def __post_init__(self) -> None:
        if found := [*_names_faults(self), *_rule_faults(self.rules), *_floor_faults(dict(self.rules))]:
            raise ValueError("; ".join(found))

    @cached_property
    def digest(self) -> str:
        rules = [[i, list(r.accept), dict(r.at_least)] for i, r in self.rules]
        return digest(canonical_json([SCHEMA, self.name, self.executors, self.versions, rules]))


# --- no policy is too weak -------------------------------------------------------------------------------------------


def _names_faults(policy: Policy) -> Iterator[str]:
    if not policy.executors:
        yield "no executor is named"
    for what, names, known in (
        ("executor", policy.executors, EXECUTORS),
        ("version", policy.versions, ("python", *record.DISTRIBUTIONS)),
    ):
        if unknown := [name for name in names if name not in known]:
            yield f"no {what} is called {', '.join(map(ascii, unknown))}; there are {', '.join(known)}"
        if len(set(names)) != len(names):
            yield f"a name of the {what}s stands there twice"
    if lacking := [name for name in FLOOR_VERSIONS if name not in policy.versions]:
        yield f"no policy may leave out the version of {', '.join(lacking)}"


def _rule_faults(rules: Iterable[tuple[str, Requirement]]) -> Iterator[str]:
    earlier: list[str] = []
    for template, requirement in rules:
        shown = ascii(template)[1:-1]
        numbers = next((KNOWN[known] for known in KNOWN if _instance(template, known)), None)
        if numbers is None:
            yield f"no obligation is called {shown}"
        else:
            yield from (f"{shown}: {fault}" for fault in _requirement_faults(requirement, numbers))
        yield from (f"two rules for one obligation: {other} and {shown}" for other in earlier if _meet(other, template))
        earlier.append(template)


def _requirement_faults(requirement: Requirement, numbers: tuple[str, ...]) -> Iterator[str]:
    accept, at_least = requirement.accept, requirement.at_least
    if not accept or not set(accept) <= set(ACCEPTABLE) or len(set(accept)) != len(accept):
        yield f"`accept` may name {', '.join(ACCEPTABLE)} only, each once, got {list(accept)!a}"
    if foreign := [name for name in at_least if name not in numbers]:
        yield f"it reports no {', '.join(map(ascii, foreign))}; it reports {', '.join(numbers) or 'no number'}"
    if any(least < 1 for least in at_least.values()):
        yield "`at_least` holds a bound below 1, which asks for nothing"
    if set(accept) > {"proved"} and not at_least and numbers:
        yield f"accepts what is not proved without a bound; say `at_least` {' or '.join(numbers)}"


def _floor_faults(rules: Mapping[str, Requirement]) -> Iterator[str]:
    for template, (verdicts, least) in FLOOR.items():
        rule = rules.get(template)
        if rule is None:
            yield f"no policy may leave out {template}"
        elif not set(rule.accept) <= set(verdicts):
            yield f"{template} must be {' or '.join(verdicts)}, nothing less does"
        elif set(rule.accept) - {"proved"} and any(rule.at_least.get(n, 0) < number for n, number in least.items()):
            told = ", ".join(f"{name} {number}" for name, number in least.items())
            yield f"{template} must reach at least {told}"


def _instance(template: str, known: str) -> bool:
    """Whether a template is a known one, or one with some of its places filled as they can be."""
    mine, theirs = template.split("/"), known.split("/")
    return len(mine) == len(theirs) and all(a == b or _fills(a, b) for a, b in zip(mine, theirs))


def _fills(part: str, place: str) -> bool:
    if place == "{program}":
        return part.isidentifier()
    return part in _FIXED.get(place[1:-1], ()) if place.startswith("{") else False


def _meet(one: str, other: str) -> bool:
    """Whether some obligation falls under both. A place stands for any name, so this errs towards refusing."""
    parts = list(zip(one.split("/"), other.split("/")))
    same = one.count("/") == other.count("/")
    return same and all(a == b or _may_be(a, b) or _may_be(b, a) for a, b in parts)


def _may_be(place: str, part: str) -> bool:
    return place.startswith("{") and (part.startswith("{") or _fills(part, place))


# --- files -----------------------------------------------------------------------------------------------------------


def read_policy(path: Path | None = None) -> Policy:
    """The policy in a file, or the default one. Raises NotFoundError; FormatError, as a refusal."""
    place = path or DEFAULT
    try:
        return _policy(record.read_json(place, "policy"))
    except FormatError as fault:
        raise refused(fault) from fault
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        told = f"{fault} is missing" if isinstance(fault, KeyError) else str(fault)
        raise refused(FormatError(f"not a policy: {told}", where=str(place), remedy="see docs/policy.md")) from fault


def _policy(data: Any) -> Policy:
    if not isinstance(data, dict):
        raise TypeError("it is no object")
    if type(data["schema"]) is not int or data["schema"] != SCHEMA:
        raise ValueError(f"schema {data['schema']!r}, expected {SCHEMA}")
    if unknown := set(data) - set(KEYS):
        raise ValueError(f"unknown keys {sorted(unknown)}")
    rules = tuple(_rule(row) for row in _list(data["obligations"], "obligations", dict))
    executors, versions = (tuple(_list(data[name], name, str)) for name in ("executors", "versions"))
    if not isinstance(data["name"], str) or not data["name"].strip():
        raise ValueError("`name` is no text")
    return Policy(data["name"], executors, versions, rules)


def _rule(row: Mapping[str, Any]) -> tuple[str, Requirement]:
    if unknown := set(row) - {"id", "accept", "at_least"}:
        raise ValueError(f"unknown keys {sorted(unknown)} in a rule")
    if not isinstance(row["id"], str):
        raise TypeError(f"the id {row['id']!r} is no text")
    at_least = row.get("at_least", {})
    if not isinstance(at_least, dict) or any(type(v) is not int for v in at_least.values()):
        raise ValueError(f"{row['id']}: `at_least` holds whole numbers by name")
    return row["id"], Requirement(tuple(_list(row["accept"], f"{row['id']}: accept", str)), at_least)


def _list(value: Any, what: str, kind: type) -> list[Any]:
    if not isinstance(value, list) or any(type(item) is not kind for item in value):
        raise TypeError(f"`{what}` is no list of {'texts' if kind is str else 'objects'}")
    return value


# --- what must have been shown ---------------------------------------------------------------------------------------

# What the places of a template are filled with, but for `program` and `executor`, which depend on the question.
_FIXED: dict[str, tuple[str, ...]] = {
    "opcode": tuple(op.mnemonic for op in Opcode),
    "word_op": tuple(op.mnemonic for op in WORD_OPS),
    "algebra": tuple(n for n in vars(Algebra) if not n.startswith("_") and n != "width"),
    "component": tuple(part.name for part in fields(State)),
    "executor": EXECUTORS,
}
PLACES = (*_FIXED, "program")


def required_obligations(programs: Iterable[str], policy: Policy) -> dict[str, Requirement]:
    """Obligation id → what it must have come to, from the names of the programs and the policy alone."""
    choices = {**_FIXED, "program": tuple(sorted(programs)), "executor": policy.executors}
    return {name: requirement for template, requirement in policy.rules for name in _expand(template, choices)}


def _expand(template: str, choices: Mapping[str, Iterable[str]]) -> list[str]:
    """Every filling of the places in a template."""
    place = next((p for p in choices if "{" + p + "}" in template), None)
    if place is None:
        return [template]
    return [n for choice in choices[place] for n in _expand(template.replace("{" + place + "}", choice), choices)]
