"""Training starts behind the gate, resumes to the bit, and leaves whole checkpoints."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from ncl import gate
from ncl.errors import FormatError, GateRefused, NotFoundError
from ncl.training.from_scratch.config import TrainConfig
from ncl.training.from_scratch.trainer import load_checkpoint, train
from ncl.training.recipes import RECIPES, read_config


def weights(run):
    return load_file(run / "model" / "model.safetensors")


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(small, artefact, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train(small.model_copy(update={"seed": seed}), tmp_path / name, artefact=artefact)
    assert same(weights(tmp_path / "a"), weights(tmp_path / "b"))
    assert not same(weights(tmp_path / "a"), weights(tmp_path / "c"))


def test_a_resumed_run_ends_with_the_bits_of_an_uninterrupted_one(small, artefact, tmp_path):
    train(small, tmp_path / "whole", artefact=artefact)
    steps = []

    def interrupt(step, loss):
        steps.append(step)
        if step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(small, tmp_path / "cut", artefact=artefact, advance=interrupt)
    train(small, tmp_path / "cut", artefact=artefact, resume=True, advance=lambda step, loss: steps.append(step))
    assert steps == [0, 1, 2, 2, 3]
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "cut"))


def test_a_resumed_run_tells_what_an_uninterrupted_one_tells(small, artefact, tmp_path):
    config = small.model_copy(update={"checkpoint_every": 1})
    whole = train(config, tmp_path / "whole", artefact=artefact)
    for end in range(4):

        def interrupt(step, loss, end=end):
            if step == end:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            train(config, tmp_path / "cut", artefact=artefact, advance=interrupt)
        assert train(config, tmp_path / "cut", artefact=artefact, resume=True) == whole
        assert train(config, tmp_path / "cut", artefact=artefact, resume=True) == whole, "when it is finished, too"
        for name in ("metrics.jsonl", "model/model.safetensors", "model/trainer.safetensors"):
            assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_a_run_that_has_stalled_is_said_to_have_stalled_after_its_resumption_too(small, artefact, tmp_path):
    whole = train(small, tmp_path / "run", artefact=artefact)
    again = train(small, tmp_path / "run", artefact=artefact, resume=True)
    assert whole["stalled"] and again["stalled"] and again["loss"] == whole["loss"] > 0


def test_metrics_have_a_line_a_step_and_the_summary_last(small, artefact, tmp_path):
    summary = train(small, tmp_path / "run", artefact=artefact)
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines[:-1]] == [0, 1, 2, 3] and lines[-1] == summary
    assert summary["softness"] == "soft-uncertified" and summary["system"] == "ncl"


def test_the_plain_arm_needs_no_certificate_and_has_no_computer(small, tmp_path):
    train(small.model_copy(update={"system": "plain"}), tmp_path / "run")
    model, _, config = load_checkpoint(tmp_path / "run")
    assert config.system == "plain" and not hasattr(model, "side_module")


def test_a_checkpoint_loads_with_tokenizer_and_configuration(small, artefact, tmp_path):
    train(small, tmp_path / "run", artefact=artefact)
    model, tokenizer, config = load_checkpoint(tmp_path / "run")
    assert config == small and model.permit is not None
    assert tokenizer("reverse 3 =")["input_ids"][0] == tokenizer.bos_token_id


# --- refusals --------------------------------------------------------------------------------------------------------


def refuses(small, out, **options):
    with pytest.raises(GateRefused) as caught:
        train(small, out, **options)
    assert caught.value.exit_code == 1 and "\n" not in caught.value.message
    assert not out.exists()
    return str(caught.value)


def test_without_a_library_it_does_not_start(small, tmp_path):
    assert "certified library" in refuses(small, tmp_path / "run")


def test_without_a_certificate_it_does_not_start(small, artefact, tmp_path):
    (artefact / "certificate.json").unlink()
    assert "no certificate" in refuses(small, tmp_path / "run", artefact=artefact)


def test_one_bit_of_the_weights_stops_it(small, artefact, tmp_path):
    path = artefact / "weights.safetensors"
    tensors = load_file(path)
    tensors["lexer.token_of_word"][5] ^= 1
    save_file(tensors, path)
    assert "tables" in refuses(small, tmp_path / "run", artefact=artefact)


def test_a_dropped_obligation_stops_it(small, artefact, tmp_path):
    path = artefact / "certificate.json"
    data = json.loads(path.read_text())
    data["obligations"] = [o for o in data["obligations"] if o["id"] != "step/pc"]
    path.write_text(json.dumps(data))
    assert "step/pc is missing" in refuses(small, tmp_path / "run", artefact=artefact)


def test_another_librarys_certificate_stops_it(small, artefact, tmp_path, granted):
    from ncl import certificate as record
    from ncl.build import build_library

    other = build_library(["reverse"], width=11)
    record.write(granted(other), artefact / "certificate.json")
    assert "programs copy: not in the certificate" in refuses(small, tmp_path / "run", artefact=artefact)


def test_an_edited_policy_stops_it(small, artefact, tmp_path):
    text = json.loads(gate.DEFAULT_POLICY.read_text())
    text["obligations"][-1]["at_least"] = {"samples": 1}
    (tmp_path / "policy.json").write_text(json.dumps(text))
    told = refuses(small, tmp_path / "run", artefact=artefact, policy=gate.read_policy(tmp_path / "policy.json"))
    assert "policy" in told


def test_another_tokenizer_stops_it(small, artefact, tmp_path, granted):
    from ncl import certificate as record
    from ncl.build import Artefact

    record.write(granted(Artefact.load(artefact), tokenizer="0" * 64), artefact / "certificate.json")
    assert "tokenizer" in refuses(small, tmp_path / "run", artefact=artefact)


def test_a_table_that_changes_during_training_stops_it_at_the_next_checkpoint(small, artefact, tmp_path, monkeypatch):
    from ncl.llama.from_scratch.model import NCLLlamaForCausalLM

    def spoiling(self, *arguments, original=NCLLlamaForCausalLM.forward, **options):
        self.lexer.token_of_word_N[3] = 0
        return original(self, *arguments, **options)

    monkeypatch.setattr(NCLLlamaForCausalLM, "forward", spoiling)
    with pytest.raises(GateRefused):
        train(small, tmp_path / "run", artefact=artefact)
    assert not (tmp_path / "run" / "model").exists()


def test_there_is_nothing_to_resume_in_an_empty_folder(small, artefact, tmp_path):
    with pytest.raises(NotFoundError, match="no checkpoint"):
        train(small, tmp_path / "run", artefact=artefact, resume=True)


def test_another_configuration_does_not_resume(small, artefact, tmp_path):
    train(small, tmp_path / "run", artefact=artefact)
    with pytest.raises(FormatError, match="another configuration"):
        train(small.model_copy(update={"steps": 9}), tmp_path / "run", artefact=artefact, resume=True)


def test_a_spoiled_checkpoint_is_said_to_be_none(small, artefact, tmp_path):
    train(small, tmp_path / "run", artefact=artefact)
    (tmp_path / "run" / "model" / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(FormatError, match="not a checkpoint"):
        load_checkpoint(tmp_path / "run")
    shutil.rmtree(tmp_path / "run")
    with pytest.raises(NotFoundError):
        load_checkpoint(tmp_path / "run")


# --- configurations --------------------------------------------------------------------------------------------------


def test_a_recipe_is_found_by_its_name_and_a_file_by_its_path(tmp_path):
    assert read_config("tiny") == RECIPES["tiny"]
    (tmp_path / "mine.json").write_text('{"steps": 7}')
    assert read_config(str(tmp_path / "mine.json")) == TrainConfig(steps=7)


@pytest.mark.parametrize(
    ("text", "told"),
    [("{", "not readable JSON"), ('{"steps": 0}', "steps"), ('{"stepps": 1}', "stepps"), ("[]", "dictionary")],
)
def test_a_wrong_configuration_is_refused_with_every_fault(tmp_path, text, told):
    (tmp_path / "mine.json").write_text(text)
    with pytest.raises(FormatError, match=told):
        read_config(str(tmp_path / "mine.json"))


def test_a_configuration_that_is_not_there_names_the_recipes():
    with pytest.raises(NotFoundError, match="tiny"):
        read_config("no such")
