"""Policies say what must be shown; none may ask for nothing, and a misspelt one is refused."""

import json

import pytest

from ncl import gate
from ncl.errors import FormatError, NotFoundError


@pytest.fixture
def edited(tmp_path):
    def go(change):
        data = json.loads(gate.DEFAULT_POLICY.read_text())
        change(data)
        (tmp_path / "policy.json").write_text(json.dumps(data))
        return gate.read_policy(tmp_path / "policy.json")

    return go


def drop(template):
    def go(data):
        data["obligations"] = [o for o in data["obligations"] if o["id"] != template]

    return go


def test_the_default_policy_ships_with_the_package_and_asks_for_every_link(artefact, policy):
    kinds = {name.partition("/")[0] for name in gate.required_obligations(artefact, policy)}
    assert {"golden", "algebra", "circuit-integer", "circuit-onehot", "kernel", "step", "compiled", "source"} <= kinds
    assert "executor/pathwise/double" in gate.required_obligations(artefact, policy)


def test_every_program_brings_its_own_obligations(artefact, policy):
    before = set(gate.required_obligations(artefact, policy))
    artefact.programs["other"] = artefact.programs["double"]
    more = set(gate.required_obligations(artefact, policy)) - before
    assert more == {
        "compiled/other",
        "source/other",
        "cross-check/other",
        "executor/integer/other",
        "executor/pathwise/other",
    }


@pytest.mark.parametrize("template", gate.FLOOR)
def test_no_policy_may_leave_out_the_floor(edited, template):
    with pytest.raises(FormatError, match="no policy may leave out"):
        edited(drop(template))


@pytest.mark.parametrize("verdict", ["unknown", "refuted", "vacuous", "skipped", "ok"])
def test_no_policy_may_accept_what_is_not_green(edited, verdict):
    with pytest.raises(FormatError, match="`accept` may name"):
        edited(lambda data: data["obligations"][0].update(accept=["tested", verdict]))


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.update(schema=2),
        lambda data: data.pop("executors"),
        lambda data: data.update(executors=[]),
        lambda data: data.update(skip=True),
        lambda data: data["obligations"][0].update(accept=[]),
        lambda data: data["obligations"][0].update(at_least={"width": "10"}),
        lambda data: data["obligations"][0].update(atleast={"width": 10}),
        lambda data: data["obligations"].append({"id": "x/{nonsense}", "accept": ["proved"]}),
        lambda data: data["obligations"].append("x"),
    ],
)
def test_a_policy_of_another_form_is_refused(edited, change):
    with pytest.raises(FormatError, match="not a policy"):
        edited(change)


def test_the_digest_sees_every_change(edited, policy):
    changes = [
        lambda d: d.update(name="mine"),
        lambda d: d.update(executors=["integer"]),
        lambda d: d["versions"].pop(),
        lambda d: d["obligations"][2]["at_least"].update(width=11),
        lambda d: d["obligations"][2].update(accept=["proved"]),
        drop("golden/{opcode}"),
    ]
    digests = {edited(change).digest for change in changes} | {policy.digest}
    assert len(digests) == len(changes) + 1


def test_layout_of_the_file_does_not_change_the_digest(edited, policy):
    assert edited(lambda data: None).digest == policy.digest


def test_a_policy_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(NotFoundError, match="no policy there"):
        gate.read_policy(tmp_path / "nowhere.json")
