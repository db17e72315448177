"""A small artefact and an honest certificate for it, as the gate would find them."""

from dataclasses import dataclass, field
from typing import Any

import pytest
import torch

from ncl import gate
from ncl.language.text import assemble
from ncl.verify.certification.certify import compose
from ncl.verify.engine.obligation import Obligation, Outcome
from ncl.verify.engine.runner import Finding

DOUBLE = """
.program double
.signature (x: Word) -> Word
.sizes width=8 registers=4 memory=0 frame=0 depth=0
.source 00ff
   0  add r0, r0, r0
   1  halt
"""


@dataclass
class Witness:
    where: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        return {"where": self.where}


@dataclass
class Artefact:
    programs: dict[str, Any]
    witnesses: dict[str, Any]
    weights: dict[str, Any] = field(default_factory=dict)


def build(text: str = DOUBLE) -> Artefact:
    program = assemble(text)
    weights = {"table": torch.arange(6, dtype=torch.float32).reshape(2, 3)}
    return Artefact({program.name: program}, {program.name: Witness({"x": 0})}, weights)


def findings_for(artefact, policy):
    """What a run in which everything went well would leave behind."""
    found = []
    for name, requirement in gate.required_obligations(artefact, policy).items():
        outcome = Outcome(requirement.accept[0], "given", bound="as asked", limits=dict(requirement.at_least))
        found.append(Finding(Obligation(name, "s", name.partition("/")[0], "m:f"), outcome))
    return found


@pytest.fixture
def policy():
    return gate.read_policy()


@pytest.fixture
def artefact():
    return build()


@pytest.fixture
def certificate(artefact, policy):
    return compose(artefact, policy, findings_for(artefact, policy))
