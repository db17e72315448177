"""Adapters and merged folders: saved small, loaded to the bit, and refused when anything in them was touched."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from ncl import atomic
from ncl import certificate as record
from ncl.build import build_library
from ncl.digests import tokenizer_digest
from ncl.errors import ConfigurationError, FormatError, GateRefused, InputError, NotFoundError
from ncl.llama import (
    NCLChatLlamaConfig,
    NCLChatLlamaForCausalLM,
    NCLLlamaForCausalLM,
    load_adapter,
    reply,
    save_adapter,
    save_merged,
)
from ncl.llama.pretrained.adapter import with_readers
from ncl.llama.pretrained.adapter_record import PROGRAMS, default_settings, read_settings
from ncl.llama.pretrained.base_model import load_base
from ncl.llama.pretrained.number_lexer import NumberLexer
from ncl.llama.reader.network import Reader


@pytest.fixture
def saved(base, fitted, tmp_path):
    """(model, its adapter's folder)."""
    model = fitted(base, readers=2)
    save_adapter(model, default_settings(base, channels=16, readers=2), tmp_path / "adapter")
    return model, tmp_path / "adapter"


@pytest.fixture
def folder(saved):
    return saved[1]


@pytest.fixture
def merged(base, fitted, tmp_path):
    save_merged(fitted(base, readers=2), tmp_path / "merged")
    return tmp_path / "merged"


def same_readers(one, other):
    before, after = one.readers.state_dict(), other.readers.state_dict()
    return before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)


def refused(folder, base=None):
    with pytest.raises(GateRefused) as caught:
        load_adapter(folder, base)
    assert caught.value.exit_code == 1
    return str(caught.value)


def edited(path, change):
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def flipped(path, place):
    body = bytearray(path.read_bytes())
    body[place] ^= 1
    path.write_bytes(body)


# --- loading what was saved


def test_an_adapter_comes_back_to_the_bit_and_behind_the_gate(saved, base, encoded):
    model, folder = saved
    loaded = load_adapter(folder, base)
    assert same_readers(model, loaded) and loaded.permit is not None and not loaded.training
    batch = encoded(base.tokenizer, "Sort: 3 1 2")
    with torch.no_grad():
        assert torch.equal(model(**batch).logits, loaded(**batch).logits)


def test_settled_readers_take_less_than_half_of_the_bytes_and_come_back_to_the_bit(base, fitted, tmp_path):
    model = fitted(base)
    settings = default_settings(base, channels=16)
    save_adapter(model, settings, tmp_path / "whole")
    for reader in model.readers:
        reader.quantise()
    save_adapter(model, settings, tmp_path / "small")
    sizes = [(tmp_path / name / "readers.safetensors").stat().st_size for name in ("whole", "small")]
    assert 2 * sizes[1] < sizes[0]
    assert same_readers(model, load_adapter(tmp_path / "small", base))


def test_the_adapter_of_a_model_of_smollms_size_is_well_under_a_megabyte(base, fitted, tmp_path, granted):
    model = fitted(base)
    lexer = NumberLexer(49152)
    lexer.code_V[: len(base.tokenizer)] = model.lexer.code_V
    library = build_library(PROGRAMS, width=16, weights=lexer.tables())
    model.artefact, model.certificate = library, granted(library)
    model.readers = torch.nn.ModuleList(Reader(576, 64, len(PROGRAMS)).quantise() for _ in range(4))
    save_adapter(model, default_settings(base, readers=4), tmp_path / "adapter")
    assert sum(file.stat().st_size for file in (tmp_path / "adapter").rglob("*") if file.is_file()) < 750_000


def test_transformers_own_loaders_take_an_adapter_and_a_merged_folder(saved, merged, base, tmp_path):
    base.model.save_pretrained(tmp_path / "base")
    base.tokenizer.save_pretrained(tmp_path / "base")
    edited(saved[1] / "adapter.json", lambda data: data.update(base=str(tmp_path / "base")))
    for folder in (saved[1], merged):
        for loader in (NCLLlamaForCausalLM, NCLChatLlamaForCausalLM, AutoModelForCausalLM):
            loaded = loader.from_pretrained(folder)
            assert isinstance(loaded, NCLChatLlamaForCausalLM) and loaded.permit is not None
            assert same_readers(loaded, saved[0])
        assert AutoConfig.from_pretrained(folder).model_type == "ncl_chat_llama"


def test_folders_saved_under_the_former_model_type_load(saved, merged, base):
    lexers = {"ncl_words": [], "ncl_call_token": 0, "ncl_unknown_token": None}
    for folder in (saved[1], merged):
        edited(folder / "config.json", lambda data: data.update(model_type="ncl_llama", **lexers))
        config = AutoConfig.from_pretrained(folder)
        assert isinstance(config, NCLChatLlamaConfig) and not {*lexers} & {*config.to_dict()}
        for loader in (NCLLlamaForCausalLM, NCLChatLlamaForCausalLM, AutoModelForCausalLM):
            loaded = loader.from_pretrained(folder, ncl_base=base)
            assert isinstance(loaded, NCLChatLlamaForCausalLM) and loaded.permit is not None
            assert same_readers(loaded, saved[0])
    assert loaded.config.model_type == "ncl_chat_llama", "it is saved under its own"


def test_the_former_place_of_reply_is_told():
    with pytest.warns(DeprecationWarning, match=r"import reply from ncl\.llama"):
        from ncl.llama.converse import reply as former
    assert former is reply


def test_a_base_at_hand_can_be_given_to_from_pretrained(folder, base):
    assert NCLLlamaForCausalLM.from_pretrained(folder, ncl_base=base).model is base.model.model


def test_a_merged_folder_holds_everything_and_answers_as_before(merged, base, fitted, encoded):
    loaded = load_adapter(merged)
    assert loaded.config.rope_parameters == base.model.config.rope_parameters
    batch = encoded(loaded.tokenizer, "Sort: 3 1 2")
    with torch.no_grad():
        assert torch.equal(loaded(**batch).logits, fitted(base, readers=2)(**batch).logits)
    assert tokenizer_digest(AutoTokenizer.from_pretrained(merged)) == tokenizer_digest(base.tokenizer)
    assert not list(merged.glob("*.bin"))


def test_a_merged_folder_in_bfloat16_keeps_readers_and_table_and_still_passes_the_gate(merged, encoded):
    loaded = AutoModelForCausalLM.from_pretrained(merged, dtype=torch.bfloat16)
    assert loaded.model.embed_tokens.weight.dtype == torch.bfloat16
    assert {p.dtype for p in loaded.readers.parameters()} == {torch.float32}
    loaded.recheck()
    with torch.no_grad():
        assert loaded(**encoded(loaded.tokenizer, "Sort: 3 1 2")).logits.dtype == torch.bfloat16


def test_what_was_merged_can_be_merged_and_fitted_again(merged, tmp_path):
    loaded = load_adapter(merged)
    loaded.save_pretrained(tmp_path / "again")
    names = ["model.safetensors", "readers.safetensors", "adapter.json", "library/certificate.json"]
    for name in names:
        assert (merged / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name
    assert load_base(str(merged)).digest == read_settings(merged).base_digest


def test_a_model_with_tied_embeddings_is_merged_too(by_digit, fitted, tmp_path, small_base):
    tied = small_base(by_digit, tie_word_embeddings=True)
    save_merged(fitted(tied), tmp_path / "merged")
    loaded = load_adapter(tmp_path / "merged")
    assert loaded.lm_head.weight is loaded.model.embed_tokens.weight


# --- refusals


def test_another_base_is_refused(folder, by_digit, small_base):
    assert "fitted to the base" in refused(folder, small_base(by_digit, seed=1))


def test_a_merged_folder_with_other_weights_is_refused(merged):
    path = merged / "model.safetensors"
    tensors = load_file(path)
    tensors["model.layers.1.mlp.up_proj.weight"][0, 0] += 1
    save_file(tensors, path, metadata={"format": "pt"})
    assert "fitted to the base" in refused(merged)


@pytest.mark.parametrize("place", [-1, -1000, 2000, 0], ids=str)
def test_one_bit_of_the_readers_weights_is_refused(folder, base, place):
    flipped(folder / "readers.safetensors", place)
    assert "the readers' weights" in refused(folder, base)


@pytest.mark.parametrize("change", [{"stray.scale": torch.ones(3)}, {"whole": torch.ones(2, 2, dtype=torch.int8)}])
def test_weights_with_a_tensor_more_are_refused(folder, base, change):
    path = folder / "readers.safetensors"
    save_file({**load_file(path), **change}, path)
    with pytest.raises(GateRefused, match="readers' weights"):
        load_adapter(folder, base)


def test_missing_weights_of_the_readers_are_refused(folder, base):
    (folder / "readers.safetensors").unlink()
    assert "cannot be read" in refused(folder, base)


@pytest.mark.parametrize("change", [
    {"programs": ["insertion_sort", "reverse", "count", "modsum", "stack"]}, {"layers": [1, 2]}, {"width": 17},
    {"most_calls": 3}, {"readers": 1}, {"base_digest": "0" * 64}, {"readers_digest": "0" * 64}, {"seal": ""},
], ids=lambda change: next(iter(change)))  # fmt: skip
def test_an_edited_record_is_refused(folder, base, change):
    edited(folder / "adapter.json", lambda data: data.update(change))
    assert "its seal does not fit" in refused(folder, base)


def test_an_edited_instruction_is_refused(folder, base):
    path = folder / "library" / "programs" / "reverse.json"
    edited(path, lambda data: data["code"].reverse())
    refused(folder, base)


def test_another_certified_library_is_refused(folder, base, granted):
    other = build_library(PROGRAMS, width=16, registers=12, weights=NumberLexer(403).fill(base.tokenizer).tables())
    shutil.rmtree(folder / "library")
    other.save(folder / "library")
    certificate = granted(other, tokenizer=tokenizer_digest(base.tokenizer))
    record.write(certificate, folder / "library" / record.FILE_NAME)
    assert "not the one that was saved with the adapter" in refused(folder, base)


def test_a_library_that_was_certified_again_is_the_same_library(folder, base, granted, certified):
    library, _ = certified(base.tokenizer)
    certificate = granted(library, tokenizer=tokenizer_digest(base.tokenizer), device="cpu")
    record.write(certificate.model_copy(update={"epsilon": 0.5}), folder / "library" / record.FILE_NAME)
    assert load_adapter(folder, base).permit.epsilon == 0.5


def test_one_entry_of_the_lexers_table_is_refused(folder, base):
    path = folder / "library" / "weights.safetensors"
    tensors = load_file(path)
    tensors["lexer.code"][7] ^= 1
    save_file(tensors, path)
    refused(folder, base)


def test_a_missing_or_edited_certificate_is_refused(folder, base):
    path = folder / "library" / "certificate.json"
    edited(path, lambda data: data.update(width=12))
    refused(folder, base)
    path.unlink()
    assert "certificate" in refused(folder, base)


def test_a_base_whose_tokenizer_has_two_digits_exchanged_is_refused(merged):
    path = merged / "tokenizer.json"

    def exchange(data):
        words = data["model"]["vocab"]
        words["7"], words["8"] = words["8"], words["7"]

    edited(path, exchange)
    refused(merged)


def test_what_is_no_adapter_is_said_to_be_none(tmp_path, folder, base):
    with pytest.raises(NotFoundError, match="no adapter here"):
        load_adapter(tmp_path / "nothing", base)
    (folder / "adapter.json").write_text("[]")
    with pytest.raises(FormatError, match="not an adapter"):
        load_adapter(folder, base)


# --- saving


def test_a_model_without_a_library_is_not_saved(base, tmp_path):
    settings = default_settings(base, channels=16)
    lexer = NumberLexer(len(base.tokenizer)).fill(base.tokenizer)
    model = with_readers(base, [Reader(32, 16, 5)], settings, lexer)
    with pytest.raises(ConfigurationError, match="without a certified library"):
        save_adapter(model, settings, tmp_path / "adapter")
    assert not (tmp_path / "adapter").exists()


@pytest.mark.parametrize("name", ["notes.txt", "adapter.json.bak"])
def test_a_folder_of_something_else_is_not_overwritten(saved, base, tmp_path, name):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / name).write_text("mine")
    with pytest.raises(InputError, match="no adapter"):
        save_adapter(saved[0], default_settings(base, 16, readers=2), tmp_path / "other")
    assert (tmp_path / "other" / name).read_text() == "mine"


def test_what_lies_beside_an_adapter_is_not_lost(saved, base):
    model, folder = saved
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"notes\.txt, which would be lost"):
        save_adapter(model, default_settings(base, 16, readers=2), folder)
    (folder / "notes.txt").unlink()
    save_adapter(model, default_settings(base, 16, readers=2), folder)
    load_adapter(folder, base)


def test_a_save_that_fails_leaves_the_old_adapter(saved, base, monkeypatch):
    model, folder = saved
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    import os

    def broken(source, target, original=os.replace):
        if target == folder and ".aside." not in str(source):
            raise OSError(28, "No space left on device")
        original(source, target)

    monkeypatch.setattr(atomic, "_exchanged", lambda one, other: False)  # as where the system cannot
    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(InputError, match="No space left"):
        save_adapter(model, default_settings(base, 16, readers=2), folder)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["adapter"]
