"""Saved and loaded again to the bit, through the gate, with transformers' own means."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

import ncl.llama  # registers the classes
from ncl.errors import ConfigurationError, GateRefused
from ncl.llama import NCLLlamaConfig, NCLLlamaForCausalLM
from ncl.training.from_scratch.trainer import new_model


@pytest.fixture
def folder(model, tmp_path):
    model.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def test_every_tensor_comes_back_to_the_bit(model, folder):
    loaded = NCLLlamaForCausalLM.from_pretrained(folder)
    before, after = model.state_dict(), loaded.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert not list(folder.glob("*.bin")) and (folder / "model.safetensors").is_file()


def test_the_auto_classes_know_it(folder):
    assert isinstance(AutoConfig.from_pretrained(folder), NCLLlamaConfig)
    loaded = AutoModelForCausalLM.from_pretrained(folder)
    assert isinstance(loaded, NCLLlamaForCausalLM) and loaded.permit is not None


def test_a_loaded_model_answers_as_the_saved_one(model, folder, tokenizer):
    ids = tokenizer("reverse 3 1 2 =", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        assert torch.equal(model(ids).logits, NCLLlamaForCausalLM.from_pretrained(folder)(ids).logits)


def test_in_bfloat16_the_tables_stay_exact_and_the_gate_still_opens(model, folder):
    loaded = NCLLlamaForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
    assert loaded.model.embed_tokens.weight.dtype == torch.bfloat16
    assert torch.equal(loaded.lexer.word_of_token_V, model.lexer.word_of_token_V)


def test_saving_again_what_was_loaded_gives_the_same_bytes(folder, tmp_path):
    NCLLlamaForCausalLM.from_pretrained(folder).save_pretrained(tmp_path / "again")
    names = ["model.safetensors", "config.json", "library/certificate.json", "library/weights.safetensors"]
    for name in names:
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def test_without_a_certified_library_nothing_is_saved(config, tokenizer, tmp_path):
    with pytest.raises(ConfigurationError, match="without a certified library"):
        new_model(config, tokenizer).save_pretrained(tmp_path / "model")
    assert not (tmp_path / "model").exists()


def refused(folder):
    with pytest.raises(GateRefused) as caught:
        NCLLlamaForCausalLM.from_pretrained(folder)
    assert caught.value.exit_code == 1 and "\n" not in caught.value.message
    return caught.value.message


def test_a_missing_certificate_is_refused(folder):
    (folder / "library" / "certificate.json").unlink()
    assert "certificate" in refused(folder)


def test_a_missing_library_is_refused(folder):
    shutil.rmtree(folder / "library")
    assert "no artefact" in refused(folder)


def test_an_edited_instruction_is_refused(folder):
    path = folder / "library" / "programs" / "reverse.json"
    data = json.loads(path.read_text())
    line = next(i for i, row in enumerate(data["code"]) if row != data["code"][0])
    data["code"][line], data["code"][line - 1] = data["code"][line - 1], data["code"][line]
    path.write_text(json.dumps(data))
    assert "reverse" in refused(folder)


def test_one_bit_of_the_librarys_tables_is_refused(folder):
    path = folder / "library" / "weights.safetensors"
    tensors = load_file(path)
    tensors["lexer.word_of_token"][7] ^= 1
    save_file(tensors, path)
    # The model's own tables are what it runs with; these are the artefact's, and they are compared with them.
    assert "tables" in refused(folder)


def test_one_bit_of_the_models_own_lexer_is_refused(folder):
    path = folder / "model.safetensors"
    tensors = load_file(path)
    tensors["lexer.word_of_token_V"][7] ^= 1
    save_file(tensors, path, metadata={"format": "pt"})
    assert "tensors" in refused(folder)


def test_a_tokenizer_with_two_numbers_exchanged_is_refused(folder, tokenizer):
    tokenizer.save_pretrained(folder)
    NCLLlamaForCausalLM.from_pretrained(folder)
    path = folder / "tokenizer.json"
    data = json.loads(path.read_text())
    vocabulary = data["model"]["vocab"]
    vocabulary["7"], vocabulary["8"] = vocabulary["8"], vocabulary["7"]
    path.write_text(json.dumps(data))
    assert "tokenizer" in refused(folder)


def test_a_library_of_other_programs_than_the_model_knows_is_refused(folder):
    path = folder / "config.json"
    data = json.loads(path.read_text())
    data["ncl_programs"][0] = "quicksort"
    path.write_text(json.dumps(data))
    assert "quicksort" in refused(folder)


def test_the_tables_are_looked_at_again_when_asked(model):
    model.recheck()
    model.lexer.token_of_word_N[3] = 4
    with pytest.raises(GateRefused):
        model.recheck()


def test_the_package_registers_its_name():
    assert ncl.llama.NCLLlamaConfig.model_type == "ncl_llama"


def test_a_pickle_instead_of_safetensors_is_never_opened(model, folder):
    (folder / "model.safetensors").unlink()
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    with pytest.raises(OSError, match="safetensors"):
        NCLLlamaForCausalLM.from_pretrained(folder)
