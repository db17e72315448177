"""Files with former names of fields are read, say so, and mean the same; results bear both names."""

import json

import pytest

from ncl.digests import json_digest
from ncl.errors import FormatError, FormerName
from ncl.training.data import former_names
from ncl.training.evaluation.accuracy import Cell, cell
from ncl.training.evaluation.regression import compare
from ncl.training.from_scratch.config import TrainConfig
from ncl.training.pretrained.config import NaturalConfig
from ncl.training.pretrained.run import read_record
from ncl.training.recipes import read_config

OLD = {
    "draw": 3,
    "singles": 20,
    "told": 1,
    "several": 2,
    "chains": 4,
    "draws": 5,
    "silent": 0.1,
    "hide": 0.3,
    "hold": 2,
}
NEW = {
    "data_seed": 3, "single_calls": 20, "statements": 1, "multiple_lists": 2, "two_calls": 4, "plan_samples": 5,
    "no_call_share": 0.1, "feature_dropout": 0.3, "kl_weight": 2,
}  # fmt: skip


def test_a_configuration_with_former_names_means_the_same_and_names_the_current_ones(tmp_path):
    (tmp_path / "old.json").write_text(json.dumps({"recipe": "natural", **OLD}))
    with pytest.warns(FormerName, match="`draw` is named `data_seed`") as told:
        found = read_config(str(tmp_path / "old.json"))
    assert found == NaturalConfig(**NEW)
    assert len(told) == 1 and all(f"`{name}` is named" in str(told[0].message) for name in OLD)


def test_current_names_are_read_without_a_word(tmp_path):
    (tmp_path / "new.json").write_text(json.dumps({"recipe": "natural", **NEW}))
    assert read_config(str(tmp_path / "new.json")) == NaturalConfig(**NEW)


def test_a_configuration_from_scratch_may_say_arm(tmp_path):
    (tmp_path / "old.json").write_text('{"arm": "plain"}')
    with pytest.warns(FormerName, match="`arm` is named `system`"):
        assert read_config(str(tmp_path / "old.json")) == TrainConfig(system="plain")


def test_a_field_under_both_names_with_two_values_is_refused(tmp_path):
    (tmp_path / "both.json").write_text('{"arm": "plain", "system": "ncl"}')
    with pytest.raises(FormatError, match="former name of `system`"):
        read_config(str(tmp_path / "both.json"))


def test_a_former_name_that_a_recipe_never_had_is_unknown(tmp_path):
    (tmp_path / "odd.json").write_text('{"draws": 4}')
    with pytest.raises(FormatError, match="draws"):
        read_config(str(tmp_path / "odd.json"))


def test_the_record_of_an_earlier_run_is_read_under_current_names(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"arm": "lora", "config": {"base": "x", **OLD}}))
    with pytest.warns(FormerName):
        assert read_record(tmp_path) == {"system": "lora", "config": {"base": "x", **NEW}}


def test_cells_bear_both_names_and_are_read_without_a_word():
    told = cell("sort", 10, "ncl", 0, [True, False]).to_json()
    assert (told["system"], told["arm"]) == ("ncl", "ncl")
    assert Cell.from_json(told).system == "ncl"
    (compared,) = compare({"cells": [told]}, {"cells": [told]})
    assert (compared.to_json()["system"], compared.to_json()["arm"]) == ("ncl", "ncl")


def test_an_earlier_evaluation_is_compared():
    cells = [{"task": "sort", "length": n, "arm": "ncl", "n": 10, "exact": 1.0} for n in (1, 2)]
    with pytest.warns(FormerName) as told:
        assert [c.regressed for c in compare({"cells": cells}, {"cells": cells})] == [False, False]
    assert {str(one.message).partition(";")[0] for one in told} == {
        f"{where}: `arm` is named `system`" for where in ("run", "baseline")
    }


def test_a_digest_of_a_configuration_is_what_it_was():
    assert json_digest(former_names.former(NEW)) == json_digest(OLD)
