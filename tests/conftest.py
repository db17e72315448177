"""What several rooms need: certificates that take the proofs for granted, so that tests behind the gate are quick."""

import pytest

from ncl import gate
from ncl.verify.certification.certify import compose
from ncl.verify.engine import runner, worker
from ncl.verify.engine.obligation import Obligation, Outcome
from ncl.verify.engine.runner import Finding


def taken_for_granted(artefact, policy):
    """What a run in which everything went well would leave behind."""
    found = []
    for name, requirement in gate.required_obligations(artefact, policy).items():
        outcome = Outcome(requirement.accept[0], "given", bound="as asked", limits=dict(requirement.at_least))
        found.append(Finding(Obligation(name, "s", name.partition("/")[0], "m:f"), outcome))
    return found


@pytest.fixture(scope="session")
def granted():
    """`granted(artefact, **options)`: an honest certificate but for its proofs, which nobody ran."""

    def make(artefact, policy=None, **options):
        rules = policy or gate.read_policy()
        return compose(artefact, rules, taken_for_granted(artefact, rules), **options)

    return make


@pytest.fixture
def in_this_process(monkeypatch):
    """Obligations run here and one after another, so that they see what a test has patched."""

    def drive(waiting, shift, jobs, watch):
        for obligation in waiting:
            yield obligation, worker.attempt(obligation)

    monkeypatch.setattr(runner, "_supervised", drive)
