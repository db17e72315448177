"""A chat model is saved as transformers saves: its options are kept or refused, and what else lies there stays."""

import pytest
import torch
from safetensors.torch import load_file

from ncl.errors import ConfigurationError, InputError
from ncl.llama import load_adapter


@pytest.fixture
def model(fitted, base):
    return fitted(base, readers=2)


def test_a_state_that_is_given_is_what_is_saved(model, tmp_path):
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state["lm_head.weight"] += 1
    reader = next(name for name in state if name.startswith("readers.0.") and state[name].is_floating_point())
    state[reader] = state[reader] * 0
    model.save_pretrained(tmp_path / "out", state_dict=dict(state))
    loaded = load_adapter(tmp_path / "out")
    assert torch.equal(loaded.lm_head.weight, state["lm_head.weight"])
    assert torch.equal(loaded.state_dict()[reader], state[reader])


def test_a_state_of_another_model_is_refused(model, tmp_path):
    state = model.state_dict()
    state.pop("lm_head.weight")
    with pytest.raises(ConfigurationError, match=r"lm_head\.weight is missing"):
        model.save_pretrained(tmp_path / "out", state_dict=state)
    assert not (tmp_path / "out").exists()


def test_weights_are_sharded_as_asked_and_an_earlier_save_does_not_stay_beside(model, tmp_path):
    model.save_pretrained(tmp_path / "out")
    (tmp_path / "out" / "checkpoint-1").mkdir()
    model.save_pretrained(tmp_path / "out", max_shard_size="30KB")
    assert not (tmp_path / "out" / "model.safetensors").exists()
    assert len(list((tmp_path / "out").glob("model-*.safetensors"))) > 1
    assert len(load_adapter(tmp_path / "out").readers) == 2 and (tmp_path / "out" / "checkpoint-1").is_dir()


def test_only_the_main_process_writes(model, tmp_path):
    model.save_pretrained(tmp_path / "out", is_main_process=False)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["push_to_hub", "variant", "distributed_checkpoint"])
def test_what_such_a_folder_cannot_keep_is_refused(model, tmp_path, option):
    with pytest.raises(ConfigurationError) as told:
        model.save_pretrained(tmp_path / "out", **{option: "x" if option == "variant" else True})
    assert "\n" not in told.value.message and option in str(told.value) and not (tmp_path / "out").exists()


def test_what_lies_beside_stays_and_the_tokenizer_may_be_there_first(model, tmp_path):
    out = tmp_path / "out"
    model.tokenizer.save_pretrained(out)
    (out / "checkpoint-4").mkdir()
    (out / "training_args.bin").write_bytes(b"x")
    for _ in range(2):
        model.save_pretrained(out)
        assert load_adapter(out).permit is not None
        assert (out / "checkpoint-4").is_dir() and (out / "training_args.bin").is_file()
    assert not [p for p in (*out.iterdir(), *tmp_path.iterdir()) if p.name.endswith(".ncl-tmp")]


def test_another_model_is_not_replaced(model, base, tmp_path):
    base.model.save_pretrained(tmp_path / "base")
    before = load_file(tmp_path / "base" / "model.safetensors").keys()
    with pytest.raises(InputError, match="another model"):
        model.save_pretrained(tmp_path / "base")
    assert load_file(tmp_path / "base" / "model.safetensors").keys() == before
