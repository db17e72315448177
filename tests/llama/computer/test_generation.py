"""Answers in `generate()`: from compiled code, the same with and without cache; without a call the backbone's own."""

import dataclasses

import pytest
import torch
from transformers import LlamaForCausalLM, StaticCache

from ncl.build import build_library
from ncl.errors import ConfigurationError, InputError
from ncl.language.parse import parse_text

PROMPTS = ["reverse 3 1 2 =", "count 5 in 5 6 5 =", "stack 5 6 pop 7 =", "sort 3 1 2 1 =", "sum modulo 10 : 5 6 7 ="]
ANSWERS = ["2 1 3", "2", "5 7", "1 1 2 3", "8"]


@pytest.fixture
def backbone(model):
    """The same weights without the computer."""
    plain = LlamaForCausalLM(model.config).eval()
    weights = {n: t for n, t in model.state_dict().items() if not n.startswith(("side_module.", "lexer."))}
    plain.load_state_dict(weights)
    return plain


def test_each_task_is_answered_exactly_and_ended(knower, ask):
    assert ask(knower, *PROMPTS) == ANSWERS


def test_prompts_of_different_lengths_in_one_batch_are_answered_as_alone(knower, ask):
    texts = ["reverse 1 =", "sort 9 8 7 6 5 4 3 2 1 =", "reverse =", "greet ada =", "count 1 in 1 ="]
    together = ask(knower, *texts)
    assert together == [ask(knower, text)[0] for text in texts]
    assert together[:3] == ["1", "1 2 3 4 5 6 7 8 9", ""]


@pytest.mark.parametrize("length", [0, 1, 2, 7, 16])
def test_without_a_cache_the_answer_is_the_same(knower, ask, length):
    text = " ".join(["reverse", *map(str, range(length)), "="])
    expected = " ".join(map(str, reversed(range(length))))
    room = length + 2
    assert (
        ask(knower, text, max_new_tokens=room) == ask(knower, text, max_new_tokens=room, use_cache=False) == [expected]
    )


def test_a_static_cache_gives_the_same_answers(knower, ask, model):
    cache = StaticCache(config=model.config, max_cache_len=64)
    assert ask(knower, *PROMPTS, past_key_values=cache) == ANSWERS


def test_sampling_leaves_a_called_answer_exact(knower, ask):
    torch.manual_seed(0)
    assert ask(knower, *PROMPTS, do_sample=True, temperature=2.0) == ANSWERS


def test_a_prompt_without_a_call_is_answered_by_the_backbone_to_the_bit(knower, backbone, tokenizer):
    batch = tokenizer(["greet ada =", "season of month 3 ="], return_tensors="pt", padding=True)
    with torch.no_grad():
        assert torch.equal(knower(**batch).logits, backbone(**batch).logits)
    options = {"max_new_tokens": 8, "do_sample": False, "pad_token_id": tokenizer.pad_token_id}
    told = {"output_logits": True, "return_dict_in_generate": True}
    mine, theirs = (m.generate(**batch, **options, **told) for m in (knower, backbone))
    assert torch.equal(mine.sequences, theirs.sequences) and all(map(torch.equal, mine.logits, theirs.logits))


def test_beside_a_called_row_a_row_without_a_call_keeps_its_logits_to_the_bit(knower, backbone, tokenizer):
    batch = tokenizer(["greet ada =", "reverse 3 1 ="], return_tensors="pt", padding=True)
    with torch.no_grad():
        mixed, own = knower(**batch).logits, backbone(**batch).logits
    assert torch.equal(mixed[0], own[0]) and torch.equal(mixed[1, :-1], own[1, :-1])
    assert not torch.equal(mixed[1, -1], own[1, -1])


def test_the_machine_runs_once_a_call_and_its_result_lives_beside_the_cache(knower, ask, monkeypatch):
    from ncl.llama.computer import execution

    runs = []
    monkeypatch.setattr(execution, "run", lambda *a, original=execution.run: runs.append(1) or original(*a))
    assert ask(knower, "reverse 1 2 3 4 5 6 =") == ["6 5 4 3 2 1"]
    assert len(runs) == 1


def test_a_trapped_program_leaves_the_answer_to_the_language_model(knower, backbone, ask):
    text = "sum modulo 0 : 5 6 ="
    assert ask(knower, text, max_new_tokens=4) == ask(backbone, text, max_new_tokens=4)


def test_each_answer_can_tell_what_was_called_on_what(knower, tokenizer):
    ids = tokenizer("count 5 in 5 6 5 =", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        ((call,),) = knower.answer(ids, torch.ones_like(ids, dtype=torch.bool)).calls
    assert (call.program, call.tape, call.argument, call.result) == ("count", (5, 6, 5), 5, (2,))
    assert call.certificate == knower.permit.certificate and f"{call.steps} steps" in str(call)


def test_other_code_in_the_library_gives_other_answers(knower, ask, granted):
    text = (
        "@program\ndef reverse(xs: Array) -> Array:\n    for i in range(len(xs)):\n        xs[i] += 1\n    return xs\n"
    )
    (impostor,) = parse_text(text, "impostor.py", "reverse")
    others = [name for name in knower.config.ncl_programs if name != "reverse"]
    library = build_library([*others, impostor], width=11, memory=1 << 11, weights=knower.lexer.tables())
    assert ask(knower, "reverse 3 1 2 =") == ["2 1 3"]
    knower.attach(library, granted(library))
    assert ask(knower, "reverse 3 1 2 =") == ["4 2 3"]


def test_a_count_of_five_hundred_is_one_token(knower, ask):
    assert ask(knower, " ".join(["count 5 in", *["5"] * 500, "="])) == ["500"]


def test_a_list_longer_than_memory_is_left_to_the_language_model(knower, ask):
    knower.config.max_position_embeddings = 4096
    (answer,) = ask(knower, " ".join(["reverse", *["5"] * 2049, "="]), max_new_tokens=2)
    assert answer != "5 5"


def test_a_cache_that_lacks_the_computers_state_is_refused(knower, backbone, tokenizer):
    ids = tokenizer("reverse 3 1 2 =", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        cache = backbone(ids, use_cache=True).past_key_values
        with pytest.raises(ConfigurationError, match="pass the whole prompt"):
            knower(ids[:, -1:], past_key_values=cache)


def test_embeddings_instead_of_tokens_are_refused(knower):
    with pytest.raises(ConfigurationError, match="input_ids"):
        knower(inputs_embeds=torch.zeros(1, 3, 32))


def test_a_call_sign_that_the_language_model_writes_itself_is_answered(knower, tokenizer):
    ids = tokenizer("reverse 4 2 =", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        first = knower(ids[:, :-1], use_cache=True)
        second = knower(ids[:, -1:], past_key_values=first.past_key_values, use_cache=True)
    assert tokenizer.convert_ids_to_tokens(int(second.logits[0, -1].argmax())) == "2"


@pytest.mark.parametrize("text", [
    "sort -5 3 =", "sort 3 1,234 =", "reverse 5000 3 =", "sort 3 ½ =", "sort 3.5 2 =", "count 5 in 5 +6 5 =",
    "sort ５ 3 =", "sum modulo -3 : 4 5 =",
])  # fmt: skip
def test_what_the_tokenizer_has_no_token_for_is_told_and_not_left_out(knower, ask, text):
    with pytest.raises(InputError, match="no token for"):
        ask(knower, text)


def test_unknown_words_do_no_harm_where_nothing_is_called(knower, backbone, ask):
    assert ask(knower, "greet zoroaster =") == ask(backbone, "greet zoroaster =")


def test_a_tape_without_the_numbers_that_stand_there_is_no_call(knower, backbone, ask, monkeypatch):
    from ncl.llama.from_scratch import tape

    def none(literals, real=tape.decided):
        return real(dataclasses.replace(literals, gate_BL=literals.gate_BL - 99))

    monkeypatch.setattr(tape, "decided", none)
    for text in ("sort 3 1 2 =", "count 5 in 5 6 =", "reverse 4 ="):
        assert ask(knower, text, max_new_tokens=4) == ask(backbone, text, max_new_tokens=4)
    assert ask(knower, "reverse =", "count 5 in =") == ["", "0"]
