"""Policies say what must be shown; none may ask for nothing, and a misspelt one is refused."""

import dataclasses
import json

import pytest

from ncl import gate
from ncl.build import build_library
from ncl.errors import FormatError, NotFoundError
from ncl.verify.certification.weak_policies import WEAK


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
        "python/other",
        "cross-check/other",
        "executor/integer/other",
        "executor/pathwise/other",
    }


@pytest.mark.parametrize("template", gate.FLOOR)
def test_no_policy_may_leave_out_the_floor(edited, template):
    with pytest.raises(FormatError, match="no policy may leave out"):
        edited(drop(template))


@pytest.mark.parametrize("name, told, change", WEAK, ids=[name for name, _, _ in WEAK])
def test_a_hollow_policy_is_refused_in_one_line_for_what_it_is(edited, name, told, change):
    with pytest.raises(FormatError) as caught:
        edited(change)
    assert told in caught.value.message and "\n" not in caught.value.message
    assert caught.value.exit_code == 1


def test_hollow_policies_are_many_and_have_names_of_their_own():
    assert len({name for name, _, _ in WEAK}) == len(WEAK) >= 30


def test_a_policy_made_in_python_cannot_be_hollow_either(policy):
    with pytest.raises(ValueError, match="may leave out"):
        dataclasses.replace(policy, rules=())
    with pytest.raises(ValueError, match="must be proved"):
        laxer = tuple((i, gate.Requirement(("tested",), {}) if i.startswith("source") else r) for i, r in policy.rules)
        dataclasses.replace(policy, rules=laxer)


def test_every_obligation_that_is_shown_is_known_to_policies():
    from ncl import policy
    from ncl.verify.certification.obligations import obligations

    library = build_library(("reverse", "insertion_sort"), width=8)
    for obligation in obligations(library):
        assert any(policy._instance(obligation.id, known) for known in policy.KNOWN), obligation.id


def test_a_policy_may_ask_for_more_and_for_single_obligations_beside_the_floor(edited, artefact):
    def stricter(data):
        next(r for r in data["obligations"] if r["id"] == "circuit-integer/{word_op}")["at_least"]["width"] = 16
        data["obligations"] = [r for r in data["obligations"] if not r["id"].startswith("golden/")]
        data["obligations"].append({"id": "golden/add", "accept": ["tested"], "at_least": {"examples": 3}})

    required = gate.required_obligations(artefact, edited(stricter))
    assert required["circuit-integer/add"].at_least == {"width": 16} and "golden/halt" not in required


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
