"""A base is known by weights, configuration, tokenizer and chat template; and a loaded model is looked at again."""

import json
from dataclasses import replace

import pytest
import torch
from oracle import put_oracle
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.normalizers import Lowercase
from transformers import AutoTokenizer

from ncl.digests import chat_tokenizer_digest, function_of, weights_digest
from ncl.errors import GateRefused
from ncl.llama import load_adapter, save_merged
from ncl.llama.pretrained.base_model import load_base
from ncl.llama.pretrained.checkpoint import demand_as_saved


@pytest.fixture
def merged(base, fitted, tmp_path):
    save_merged(fitted(base, readers=2), tmp_path / "merged")
    return tmp_path / "merged"


def edit(path, change):
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


CONFIGURATION = {
    "rms_norm_eps": lambda d: d.update(rms_norm_eps=1e-3),
    "rope_theta": lambda d: d["rope_parameters"].update(rope_theta=500.0),
    "rope scaling": lambda d: d.update(rope_parameters={**d["rope_parameters"], "rope_type": "linear", "factor": 2.0}),
    "hidden_act": lambda d: d.update(hidden_act="gelu"),
    "heads": lambda d: d.update(num_attention_heads=4, head_dim=8, num_key_value_heads=2),
    "attention_dropout": lambda d: d.update(attention_dropout=0.5),
    "positions": lambda d: d.update(max_position_embeddings=4096),
    "ends": lambda d: d.update(eos_token_id=5),
    "padding": lambda d: d.update(pad_token_id=7),
}


@pytest.mark.parametrize("what", CONFIGURATION)
def test_a_base_with_another_configuration_is_refused(merged, what):
    edit(merged / "config.json", CONFIGURATION[what])
    with pytest.raises(GateRefused, match="its configuration are others"):
        load_adapter(merged)


@pytest.mark.parametrize(
    "change", [{"use_cache": False}, {"_name_or_path": "elsewhere"}, {"transformers_version": "5"}]
)
def test_what_changes_no_number_may_be_another(merged, change):
    edit(merged / "config.json", lambda d: d.update(change))
    load_adapter(merged)


def test_how_the_language_model_samples_belongs_to_no_digest_and_bears_on_no_called_answer(merged, ask):
    edit(merged / "generation_config.json", lambda d: d.update(max_new_tokens=1, do_sample=True, temperature=9.0))
    model = put_oracle(load_adapter(merged))
    model.watch_base(model.watch.backbone)  # the oracle is another reader
    assert ask(model, "Sort: 3 1 2") == ["1, 2, 3"]


def test_a_configuration_with_a_key_twice_is_refused(merged):
    path = merged / "config.json"
    path.write_text(path.read_text().replace('"rms_norm_eps"', '"rms_norm_eps": 1e-6, "rms_norm_eps"', 1))
    with pytest.raises(Exception, match="stands there twice") as caught:
        load_adapter(merged)
    assert caught.value.exit_code == 1


def test_another_chat_template_is_refused(merged):
    path = merged / "chat_template.jinja"
    path.write_text(path.read_text().replace("user", "User") + " ")
    with pytest.raises(GateRefused, match="tokenizer or chat template"):
        load_adapter(merged)


def test_another_tokenizer_is_refused(merged):
    def exchange(data):
        vocabulary = data["model"]["vocab"]
        vocabulary["7"], vocabulary["8"] = vocabulary["8"], vocabulary["7"]

    edit(merged / "tokenizer.json", exchange)
    with pytest.raises(GateRefused, match="tokenizer"):
        load_adapter(merged)


def test_another_end_token_of_the_tokenizer_is_refused(merged):
    edit(merged / "tokenizer_config.json", lambda d: d.update(eos_token="0"))
    with pytest.raises(GateRefused, match="tokenizer"):
        load_adapter(merged)


def test_an_adapters_base_is_looked_at_in_the_same_way(base, fitted, merged):
    loaded = load_base(str(merged))
    assert weights_digest(loaded.model) == base.digest
    assert chat_tokenizer_digest(loaded.tokenizer) == chat_tokenizer_digest(base.tokenizer)
    loaded.model.config.rms_norm_eps = 0.1
    assert weights_digest(loaded.model) != base.digest


def test_the_configuration_of_a_model_with_a_computer_says_the_same_of_its_base(base, fitted):
    assert function_of(fitted(base).config) == function_of(base.model.config)


def test_a_merged_folder_is_looked_at_with_its_base_and_tokenizer(merged):
    assert demand_as_saved(merged).base == "."
    path = merged / "model.safetensors"
    weights = load_file(path)
    weights["model.norm.weight"] += 1
    save_file(weights, path, {"format": "pt"})
    with pytest.raises(GateRefused, match="its weights"):
        demand_as_saved(merged)


# --- looking again ---------------------------------------------------------------------------------------------------


@pytest.fixture
def loaded(merged):
    return load_adapter(merged)


@pytest.fixture
def answer(encoded):
    return lambda model: model.generate(**encoded(model.tokenizer, "Sort: 3 1 2"), max_new_tokens=4, do_sample=False)


def refusal(model, answer):
    with pytest.raises(GateRefused) as caught:
        answer(model)
    return caught.value.message


def exchanged(tokenizer):
    parts = json.loads(tokenizer.backend_tokenizer.to_str())
    words = parts["model"]["vocab"]
    words["7"], words["8"] = words["8"], words["7"]
    tokenizer._tokenizer = Tokenizer.from_str(json.dumps(parts))


def annotated(tokenizer):
    tokenizer.chat_template = "{# #}" + tokenizer.chat_template


@torch.no_grad()
def moved(model):
    model.model.layers[0].mlp.up_proj.weight[0, 0] += 1


EDITS = {
    "the lexer's table": ("lexer.code", lambda m: m.lexer.code_V.numpy().__setitem__(5, 11)),
    "a reader's weight": ("readers.", lambda m: next(m.readers.parameters()).data.view(-1).__setitem__(0, 9.0)),
    "a reader less": ("readers.", lambda m: setattr(m, "readers", m.readers[:1])),
    "readers exchanged": ("readers.", lambda m: setattr(m, "readers", torch.nn.ModuleList([*m.readers][::-1]))),
    "a weight of the base": ("weights of the base", moved),
    "the frequencies of rope": ("model.rotary_emb.inv_freq", lambda m: m.model.rotary_emb.inv_freq.data.mul_(2)),
    "which layers are read": ("layers", lambda m: setattr(m, "layers", (1, 1))),
    "how many calls are followed": ("ncl_most_calls", lambda m: setattr(m.config, "ncl_most_calls", 99)),
    "the order of programs": ("ncl_programs", lambda m: m.config.ncl_programs.reverse()),
    "an instruction": ("programs", lambda m: object.__setattr__(m.library.programs[0].code[0], "a", 3)),
    "what the configuration says of ends": ("config.eos_token_id", lambda m: setattr(m.config, "eos_token_id", 5)),
    "what it says of norms": ("config.rms_norm_eps", lambda m: setattr(m.config, "rms_norm_eps", 0.5)),
    "the permit": ("permit", lambda m: setattr(m, "permit", replace(m.permit, certificate="0" * 64))),
    "the tokenizer's vocabulary": ("tokenizer", lambda m: m.tokenizer.add_tokens(["17"])),
    "two of its tokens": ("tokenizer", lambda m: exchanged(m.tokenizer)),
    "its chat template": ("tokenizer", lambda m: annotated(m.tokenizer)),
}  # fmt: skip


@pytest.mark.parametrize("what", EDITS)
def test_what_was_edited_after_loading_is_refused_by_name(loaded, answer, what):
    answer(loaded)
    told, change = EDITS[what]
    change(loaded)
    assert told in refusal(loaded, answer)


def test_the_same_weights_loaded_again_or_rounded_as_the_digest_does_pass(loaded, answer, merged):
    weights = load_file(merged / "model.safetensors")
    assert not loaded.load_state_dict(weights, strict=False).unexpected_keys
    answer(loaded)
    loaded.model.layers[0].to(torch.bfloat16).to(torch.float32)
    answer(loaded)


def test_the_same_tokenizer_loaded_again_passes(loaded, answer, merged):
    loaded.tokenizer = AutoTokenizer.from_pretrained(merged)
    answer(loaded)
    loaded.recheck()


def test_a_tokenizer_whose_parts_were_edited_is_seen_when_the_whole_is_digested(loaded):
    loaded.recheck()
    loaded.tokenizer.backend_tokenizer.normalizer = Lowercase()
    with pytest.raises(GateRefused, match="tokenizer"):
        loaded.recheck()


def test_other_weights_loaded_are_refused(loaded, answer):
    state = {name: tensor.clone() for name, tensor in loaded.state_dict().items()}
    state["model.norm.weight"] += 1
    loaded.load_state_dict(state)
    assert "weights of the base" in refusal(loaded, answer)


def test_an_edit_past_torchs_counter_is_seen_when_the_whole_is_digested(loaded):
    loaded.recheck()
    loaded.model.norm.weight.data.add_(1)
    with pytest.raises(GateRefused, match="weights of the base"):
        loaded.recheck()


def test_a_model_that_no_record_speaks_of_is_watched_for_its_library_alone(base, fitted, ask):
    model = put_oracle(fitted(base))
    assert ask(model, "Sort: 3 1 2") == ["1, 2, 3"]
    model.lexer.code_V[5] = 11
    with pytest.raises(GateRefused, match=r"lexer\.code"):
        ask(model, "Sort: 3 1 2")
