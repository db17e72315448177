"""Chat prompts in `generate()`: exact answers, however they are batched, cached, sampled or streamed."""

import copy

import pytest
import torch
from oracle import PROGRAM_OF, Oracle, put_oracle
from transformers import GenerationConfig, LlamaForCausalLM, StaticCache, TextStreamer

from ncl.errors import ConfigurationError, GateRefused
from ncl.llama.computer import execution
from ncl.llama.computer.model_inputs import real_tokens

PROMPTS = ["Reverse: 3 1 2", "Count 5 in: 5 6 5", "Stack: push 5, push 60, pop, push 7", "Sort: 3, 100, 2, 1",
           "Sum modulo 10: 5 6 7", "Sort: 3 1 2, then reverse it, then count 2 in it"]  # fmt: skip
ANSWERS = ["2, 1, 3", "2", "5, 7", "1, 2, 3, 100", "8", "1"]
CHAT = ["Hello", "Tell me a story of 12 words", "What is 5 and 6?"]
LONG = "Sort: " + ", ".join(map(str, range(34, 9, -1)))  # so long that it is read shortened
SORTED = ", ".join(map(str, range(10, 35)))


@pytest.fixture
def backbone(base):
    return base.model


@pytest.fixture
def passes(model):
    """Tokens of each pass through the backbone's last layer, which reading a prompt apart does not reach."""
    seen = []
    handle = model.model.layers[-1].register_forward_hook(lambda _m, given, _o: seen.append(given[0].shape[1]))
    yield seen
    handle.remove()


def options(tokenizer, **more):
    return {"do_sample": False, "max_new_tokens": 12, "pad_token_id": tokenizer.pad_token_id, **more}


# --- what the computer answers


def test_every_task_and_a_chain_are_answered(model, ask):
    assert ask(model, *PROMPTS) == ANSWERS


def test_numbers_in_groups_of_digits_are_answered_too(model_by_group, ask):
    assert ask(model_by_group, *PROMPTS) == ANSWERS
    assert ask(model_by_group, "Sort: 12345, 1234, 0007") == ["7, 1234, 12345"]


def test_readers_vote_by_what_their_readings_come_to(base, fitted, ask):
    def answer(*oracles):
        return ask(put_oracle(fitted(base), *oracles), "Sort: 3 1 2, then reverse it")[0]

    right, elsewhere = Oracle(base.tokenizer), Oracle(base.tokenizer, boundary="reverse")
    once = Oracle(base.tokenizer, boundary="")
    wrong = Oracle(base.tokenizer, programs={**PROGRAM_OF, "reverse": 2})
    assert answer(right) == answer(elsewhere) == "3, 2, 1" != answer(once)
    assert answer(wrong, right, once, elsewhere) == "3, 2, 1"  # two that cut the prompt at different words
    assert answer(wrong, right) == answer(wrong) == "1, 2, 3"  # with as many votes the first one wins


def test_a_vote_weighs_as_much_as_its_reader_is_sure(base, fitted, ask):
    def answer(*sure):
        right, *others = (Oracle(base.tokenizer, boundary=at, sure=odds) for at, odds in zip(("then", "", ""), sure))
        return ask(put_oracle(fitted(base), right, *others), "Sort: 3 1 2, then reverse it")[0]

    assert answer(9.0, 1.0, 1.0) == "3, 2, 1" and answer(9.0, 9.0, 9.0) == "2, 1, 3"
    assert answer(1.0, 9.0, 1.0) == "2, 1, 3" and answer(9.0, 9.0, 1.0) == "3, 2, 1"


def test_prompts_of_different_lengths_in_one_batch_are_answered_as_alone(model, ask):
    texts = ["Sort: 2 1", "Sort: 9 8 7 6 5 4 3 2 1, then reverse it", "Hello", "Reverse: []", "Count 1 in: 1"]
    together = ask(model, *texts)
    assert together == [ask(model, text)[0] for text in texts]
    assert together[0] == "1, 2" and together[3:] == ["", "1"]


@pytest.mark.parametrize("block", [True, False], ids=["at once", "token by token"])
@pytest.mark.parametrize("cache", [True, False], ids=["with a cache", "without"])
def test_however_it_is_given_out_the_answer_is_the_same(model, ask, block, cache):
    more = {"ncl_block": block, "use_cache": cache}
    assert ask(model, *PROMPTS[:4], **more) == ANSWERS[:4]
    assert ask(model, LONG, max_new_tokens=120, **more) == [SORTED]


@pytest.mark.parametrize("block", [True, False], ids=["at once", "token by token"])
def test_a_static_cache_and_padding_give_the_same_answers(model, ask, block):
    cache = StaticCache(config=model.config, max_cache_len=256)
    assert ask(model, *PROMPTS, past_key_values=cache, ncl_block=block) == ANSWERS


def test_a_static_caches_mask_still_tells_padding(model, encoded, by_digit):
    batch = encoded(by_digit, "Hello", PROMPTS[5])
    masks = []
    original = model.forward

    def spy(**given):
        masks.append(given["attention_mask"])
        return original(**given)

    model.forward = spy
    cache = StaticCache(config=model.config, max_cache_len=256)
    model.generate(**batch, **options(by_digit, past_key_values=cache, max_new_tokens=2))
    assert masks[0].dim() == 4
    assert torch.equal(real_tokens(batch["input_ids"], masks[0]), batch["attention_mask"].bool())


def test_sampling_leaves_a_called_answer_exact(model, ask):
    torch.manual_seed(0)
    assert ask(model, *PROMPTS, do_sample=True, temperature=3.0) == ANSWERS
    assert ask(model, *PROMPTS, do_sample=True, temperature=3.0, ncl_block=False) == ANSWERS


@pytest.mark.parametrize("text", [PROMPTS[0], LONG])
def test_several_beams_and_several_sequences_are_all_exact(model, ask, text):
    expected = ask(model, text, max_new_tokens=120)
    beams = ask(model, text, max_new_tokens=120, num_beams=2)
    assert beams == expected
    several = ask(model, text, max_new_tokens=120, num_return_sequences=2, do_sample=True)
    assert several == expected * 2


def test_a_streamer_is_handed_the_prompt_and_the_whole_block(model, encoded, by_digit, capsys):
    for text, expected in ((PROMPTS[3], ANSWERS[3]), (LONG, SORTED)):
        streamer = TextStreamer(by_digit, skip_prompt=True, skip_special_tokens=True)
        model.generate(**encoded(by_digit, text), **options(by_digit, streamer=streamer, max_new_tokens=120))
        assert capsys.readouterr().out.strip() == expected


@pytest.mark.parametrize("text", ["Sort: 9 8 7 6 5 4", LONG])
def test_an_answer_is_cut_at_the_number_of_tokens_allowed_and_so_is_its_stream(model, encoded, by_digit, text):
    batch, given = encoded(by_digit, text), []
    streamer = type("S", (), {"put": lambda _, value: given.extend(value.flatten().tolist()), "end": lambda _: None})()
    out = model.generate(**batch, **options(by_digit, max_new_tokens=4, streamer=streamer))
    assert out.shape[1] == batch["input_ids"].shape[1] + 4 and given == out[0].tolist()


def test_a_batch_of_calls_takes_one_pass(model, encoded, by_digit, passes):
    batch = encoded(by_digit, *PROMPTS)
    model.generate(**batch, **options(by_digit))
    assert passes == [batch["input_ids"].shape[1]]


# --- long prompts


def test_a_long_prompt_is_answered_without_a_pass_over_the_whole_of_it(model, ask, passes):
    assert ask(model, LONG, max_new_tokens=120) == [SORTED] and passes == []


def test_prompts_past_the_context_of_the_model_are_answered(model, ask, passes):
    numbers = [(i * 37) % 1000 for i in range(1000)]
    text = "Sort: " + ", ".join(map(str, numbers))
    (answer,) = ask(model, text, max_new_tokens=6000)
    assert answer == ", ".join(map(str, sorted(numbers))) and passes == []
    steps = ", ".join("pop" if i % 3 == 2 else f"push {i}" for i in range(300))
    (answer,) = ask(model, f"Stack: {steps}", max_new_tokens=6000)
    assert answer == ", ".join(str(i) for i in range(300) if i % 3 == 0)


def test_long_and_short_and_plain_prompts_in_one_batch_are_answered_as_alone(model, ask):
    texts = [LONG, PROMPTS[1], "Hello", PROMPTS[5]]
    assert ask(model, *texts, max_new_tokens=120)[:2] == [SORTED, "2"]
    together = ask(model, *texts, max_new_tokens=3)
    assert together == ask(model, *texts, max_new_tokens=3, ncl_block=False)


# --- without a call


def test_what_calls_nothing_has_the_backbones_logits_to_the_bit(model, backbone, encoded, by_digit):
    batch = encoded(by_digit, *CHAT)
    with torch.no_grad():
        assert torch.equal(model(**batch).logits, backbone(**batch).logits)
    plain = backbone.generate(**batch, **options(by_digit))
    assert torch.equal(model.generate(**batch, **options(by_digit)), plain)
    assert torch.equal(model.generate(**batch, **options(by_digit, use_cache=False)), plain)


def test_generate_gives_both_models_the_same_positions_and_the_same_scores_to_the_bit(
    model, backbone, encoded, by_digit
):
    batch, given = encoded(by_digit, *CHAT), []
    assert (batch["attention_mask"] == 0).any(), "padding on the left, which must not shift positions"
    told = options(by_digit, output_logits=True, return_dict_in_generate=True)
    for one in (model, backbone):
        handle = one.model.register_forward_pre_hook(
            lambda _m, _a, options: given.append(options.get("position_ids")), with_kwargs=True
        )
        given.append(one.generate(**batch, **told).logits)
        handle.remove()
    half = len(given) // 2
    *mine, scores = given[:half]
    *theirs, plain = given[half:]
    assert all(place is not None for place in mine) and all(map(torch.equal, mine, theirs))
    assert len(scores) == len(plain) and all(map(torch.equal, scores, plain))


def test_in_bfloat16_too(fitted, small_base, by_digit, encoded):
    base = small_base(by_digit)
    base.model.to(torch.bfloat16)
    model = put_oracle(fitted(base))
    batch = encoded(by_digit, *CHAT)
    with torch.no_grad():
        assert torch.equal(model(**batch).logits, base.model(**batch).logits)
    assert torch.equal(model.generate(**batch, **options(by_digit)), base.model.generate(**batch, **options(by_digit)))


def test_beside_called_rows_a_row_without_a_call_keeps_its_logits_to_the_bit(model, backbone, encoded, by_digit):
    batch = encoded(by_digit, "Hello", PROMPTS[0], LONG)
    with torch.no_grad():
        mixed, own = model(**batch).logits, backbone(**batch).logits
    assert torch.equal(mixed[0], own[0]) and torch.equal(mixed[1:, :-1], own[1:, :-1])
    assert mixed[1:, -1].argmax(1).tolist() == [by_digit.convert_tokens_to_ids(token) for token in ("2", "1")]
    out, plain = (m.generate(**batch, **options(by_digit)) for m in (model, backbone))
    size = min(out.shape[1], plain.shape[1])
    assert torch.equal(out[0, :size], plain[0, :size])


def test_a_long_prompt_without_a_call_is_the_backbones(model, backbone, encoded, by_digit):
    batch = encoded(by_digit, "What of " + ", ".join(map(str, range(30))))
    assert torch.equal(model.generate(**batch, **options(by_digit)), backbone.generate(**batch, **options(by_digit)))


def test_labels_give_the_language_models_own_loss(model, backbone, encoded, by_digit):
    batch = encoded(by_digit, PROMPTS[0])
    labels = batch["input_ids"]
    assert torch.equal(model(**batch, labels=labels).loss, backbone(**batch, labels=labels).loss)


# --- what is told instead of wrapped


@pytest.mark.parametrize("text, told", [
    ("Sort: -5, 3", "-5"), ("Sort: 3, -5, 2", "-5"), ("Sort: 3.5 2", "3.5"), ("Sort: 3, 70000", "70000"),
    ("Sort: 65535", "65535"), ("Count 99999 in: 3 4", "99999"), ("Sum modulo -3: 4 5", "-3"),
    ("Sort: 3 2, then count -2 in it", "-2"),
])  # fmt: skip
def test_numbers_that_no_word_holds_are_told_and_not_wrapped(model, ask, text, told):
    assert ask(model, text, max_new_tokens=200) == [
        f"I compute with whole numbers from 0 to 65534; this is none: {told}."
    ]


def test_one_such_number_in_a_thousand_is_told(model, ask):
    numbers = [*range(500), "-7", *range(500)]
    (answer,) = ask(model, "Sort: " + ", ".join(map(str, numbers)), max_new_tokens=200)
    assert answer.endswith("this is none: -7.")


def test_many_such_numbers_are_told_in_short(model, ask):
    (answer,) = ask(model, "Sort: -1, -2, -3, -4", max_new_tokens=200)
    assert answer.endswith("none: -1, -2, -3 ….")


def test_such_a_number_that_is_neither_data_nor_argument_does_no_harm(model, ask):
    assert ask(model, "With -5 and 1.5 and 99999, Sort: 3 2") == ["2, 3"]


def test_the_largest_word_is_sorted(model, ask):
    assert ask(model, "Sort: 65534 0") == ["0, 65534"]


def test_more_calls_than_the_budget_are_told(fitted, base, ask):
    model = put_oracle(fitted(base))
    chain = "Sort: 3 1 2" + ", then reverse it" * 15
    assert ask(model, chain) == ["3, 2, 1"]
    (answer,) = ask(model, chain + ", then sort it", max_new_tokens=200)
    assert answer == "That asks for more than 16 calls, which is all that I follow."


def test_a_trapped_program_leaves_the_answer_to_the_language_model(model, backbone, ask):
    text = "Sum modulo 0: 5 6"
    backbone.tokenizer = model.tokenizer
    assert ask(model, text, max_new_tokens=4) == ask(backbone, text, max_new_tokens=4)


# --- traces


def test_every_call_is_told_with_its_certificate(model, encoded, by_digit):
    batch = encoded(by_digit, PROMPTS[5], "Hello", PROMPTS[2])
    model.generate(**batch, **options(by_digit, max_new_tokens=60))
    chain, none, stack = model.latest.calls
    assert [(c.program, c.tape, c.argument, c.result) for c in chain] == [
        ("insertion_sort", (3, 1, 2), None, (1, 2, 3)), ("reverse", (1, 2, 3), None, (3, 2, 1)),
        ("count", (3, 2, 1), 2, (1,))]  # fmt: skip
    assert none == () and stack[0].tape == (5, 60, 65535, 7)
    assert {call.certificate for call in (*chain, *stack)} == {model.permit.certificate}
    assert all(call.steps > 0 for call in (*chain, *stack))
    seal = model.permit.certificate
    assert str(chain[0]) == f"called insertion_sort on [3, 1, 2]; {chain[0].steps} steps; certificate {seal[:8]}…"


def test_the_call_of_a_long_prompt_is_told_with_the_whole_tape(model, ask):
    ask(model, LONG)
    ((call,),) = model.latest.calls
    assert call.tape == tuple(range(34, 9, -1)) and call.result == tuple(range(10, 35))


def test_each_program_runs_once_a_call(model, ask, monkeypatch):
    runs = []
    monkeypatch.setattr(execution, "run", lambda *a, original=execution.run: runs.append(1) or original(*a))
    assert ask(model, PROMPTS[5]) == ["1"] and len(runs) == 3


# --- answers that were begun, and further turns


def turns(tokenizer, *texts):
    told = [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(texts)]
    shown = tokenizer.apply_chat_template(told, tokenize=False, add_generation_prompt=True)
    return torch.tensor([tokenizer(shown, add_special_tokens=False)["input_ids"]])


def finished(tokenizer, out, prompt):
    new = out[0, prompt:].tolist()
    return tokenizer.decode(new[: new.index(tokenizer.eos_token_id)])


@pytest.mark.parametrize("begun, rest", [("1, 2", ", 3"), ("", "1, 2, 3"), ("1, 2, 3", "")])
@pytest.mark.parametrize("block", [True, False])
def test_an_answer_that_was_begun_is_gone_on_with(model, encoded, by_digit, begun, rest, block):
    ids = encoded(by_digit, "Sort: 3 1 2")["input_ids"]
    start = torch.tensor([by_digit(begun, add_special_tokens=False)["input_ids"]], dtype=torch.int64)
    whole = torch.cat([ids, start], 1)
    out = model.generate(whole, **options(by_digit, max_new_tokens=30, ncl_block=block))
    assert finished(by_digit, out, whole.shape[1]) == rest


def test_another_answer_that_was_begun_is_the_language_models(model, backbone, encoded, by_digit):
    ids = encoded(by_digit, "Sort: 3 1 2")["input_ids"]
    begun = torch.tensor([by_digit("2, 2", add_special_tokens=False)["input_ids"]])
    whole = torch.cat([ids, begun], 1)
    with torch.no_grad():
        mine, plain = model(whole).logits[0], backbone(whole).logits[0]
    first = ids.shape[1] - 1
    assert torch.equal(mine[first + 1 :], plain[first + 1 :]) and torch.equal(mine[:first], plain[:first])
    assert by_digit.decode(mine[first].argmax()) == "1" and float(mine[first].softmax(0)[begun[0, 0]]) == 0


def test_a_later_turn_is_answered_as_it_would_be_alone(model, by_digit):
    ids = turns(by_digit, "Sort: 3 1 2", "1, 2, 3", "Hello", "Hi", "Reverse: 7 8 9, then count 8 in it")
    out = model.generate(ids, **options(by_digit))
    assert finished(by_digit, out, ids.shape[1]) == "1"
    assert [call.program for call in model.latest.calls[0]] == ["reverse", "count"]


@pytest.mark.parametrize("texts, answer", [
    (["Sort: 3 1 2", "1, 2, 3", "reverse it"], "3, 2, 1"),
    (["Sort: 3 1 2", "1, 2, 3", "Thanks", "Welcome", "reverse it, then count 2 in it"], "1"),
    (["My numbers are 5, 3, 9.", "Nice numbers", "sort it"], "3, 5, 9"),
    (["My numbers are 5, 3, 9.", "Nice ones", "reverse it", "9, 3, 5", "sort it"], "3, 5, 9"),
    (["Sort: " + ", ".join(map(str, range(40, 0, -1))), ", ".join(map(str, range(1, 41))), "reverse it"],
     ", ".join(map(str, range(40, 0, -1)))),
    (["My numbers are 5, -3, 9.", "Nice numbers", "sort it"],
     "I compute with whole numbers from 0 to 65534; this is none: -3."),
    (["Sort: 3 1 2", "1, 2, 3", "sort []"], ""),
])  # fmt: skip
@pytest.mark.parametrize("block", [True, False])
def test_a_later_turn_without_a_list_of_its_own_goes_on_with_the_one_before(model, by_digit, texts, answer, block):
    ids = turns(by_digit, *texts)
    out = model.generate(ids, **options(by_digit, max_new_tokens=160, ncl_block=block))
    assert finished(by_digit, out, ids.shape[1]) == answer
    for calls in model.latest.calls:
        assert all(call.tape or "[]" in texts[-1] for call in calls)


@pytest.mark.parametrize("texts", [
    ["sort it"], ["Hello", "Hi", "sort it"], ["My lists are 5, 3 and also 2, 1.", "Fine", "sort it"], ["Sort:"],
    ["Reverse: it, then sort it"], ["Hello", "I have 2 of them", "sort it"],
    ["I am 25 years old", "Good", "sort it"], ["Hello", ",", "sort it"],
])  # fmt: skip
def test_a_call_on_a_tape_that_no_text_wrote_is_no_call(model, backbone, by_digit, texts):
    ids = turns(by_digit, *texts)
    out = model.generate(ids, **options(by_digit, return_dict_in_generate=True, output_logits=True))
    plain = backbone.generate(ids, **options(by_digit, return_dict_in_generate=True, output_logits=True))
    assert torch.equal(out.sequences, plain.sequences) and all(map(torch.equal, out.logits, plain.logits))
    assert model.latest.calls == [()]


@pytest.mark.parametrize("text", ["Sort: []", "Sort: [ ]", "Sort: ()", "sort {}", "sort an empty list"])
def test_an_empty_list_that_the_text_writes_is_one(model, ask, text):
    assert ask(model, text) == [""] and model.latest.calls[0][0].tape == ()


@pytest.mark.parametrize("first, answer", [("Sort: 3 1 2", "1, 2, 3"), ("Hello", None), (LONG, SORTED)])
@pytest.mark.parametrize("block", [True, False])
def test_a_second_turn_goes_on_with_the_cache_of_the_first(model, by_digit, first, answer, block, passes):
    ids = turns(by_digit, first)
    more = options(by_digit, ncl_block=block, return_dict_in_generate=True, max_new_tokens=120 if answer else 8)
    one = model.generate(ids, **more)
    said = by_digit.decode(one.sequences[0, ids.shape[1] :], skip_special_tokens=True)
    assert answer is None or said == answer
    following = turns(by_digit, first, said, "Reverse: 7 8 9")[:, turns(by_digit, first).shape[1] :]
    tail = following[:, -(following.shape[1] - (one.sequences.shape[1] - ids.shape[1])) :]
    both = torch.cat([one.sequences, tail], 1)
    passes.clear()
    two = model.generate(both, **{**more, "max_new_tokens": 30}, past_key_values=one.past_key_values)
    assert finished(by_digit, two.sequences, both.shape[1]) == "9, 8, 7"
    assert passes[0] < both.shape[1] - ids.shape[1] + 1  # what the cache holds is not read again


def test_a_cache_that_was_cut_back_is_read_as_it_is(model, encoded, by_digit):
    ids = encoded(by_digit, "Sort: 3 1 2")["input_ids"]
    answer = by_digit("1, 2, 3", add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        out = model(ids, use_cache=True)
        cache = copy.deepcopy(out.past_key_values)
        for token in answer[:4]:
            out = model(torch.tensor([[token]]), past_key_values=cache, use_cache=True)
        cache.crop(-3)
        out = model(torch.tensor([[answer[1]]]), past_key_values=cache, use_cache=True)
    assert int(out.logits[0, -1].argmax()) == answer[2]


# --- without a chat format, without a library, without a tokenizer


@pytest.fixture
def unformatted(fitted, small_base, by_digit):
    plain = type(by_digit)(tokenizer_object=by_digit.backend_tokenizer, eos_token="<|im_end|>",
                           pad_token="<|endoftext|>")  # fmt: skip
    return put_oracle(fitted(small_base(plain)))


def test_without_a_chat_template_the_prompt_itself_is_answered(unformatted):
    tokenizer = unformatted.tokenizer
    ids = torch.tensor([tokenizer("Sort: 3 1 2")["input_ids"]])
    for block in (True, False):
        out = unformatted.generate(ids, **options(tokenizer, ncl_block=block))
        assert finished(tokenizer, out, ids.shape[1]) == "1, 2, 3"


def test_without_a_chat_template_an_answer_needs_the_cache(unformatted):
    ids = torch.tensor([unformatted.tokenizer("Sort: 3 1 2")["input_ids"]])
    for more in ({"use_cache": False}, {"generation_config": GenerationConfig(use_cache=False, max_new_tokens=3)}):
        with pytest.raises(ConfigurationError, match="needs the cache"):
            unformatted.generate(ids, **more)


def test_without_a_library_nothing_is_answered(fitted, base, encoded, by_digit):
    model = fitted(base)
    model.forget_library()
    with pytest.raises(GateRefused, match="no certified library"):
        model(**encoded(by_digit, "Sort: 3 1 2"))


def test_without_a_tokenizer_an_answer_cannot_be_spelled(model, encoded, by_digit):
    model.tokenizer = None
    with pytest.raises(ConfigurationError, match="no tokenizer"):
        model(**encoded(by_digit, "Sort: 3 1 2"))


def test_it_is_a_llama_to_transformers(model):
    assert isinstance(model, LlamaForCausalLM) and model.can_generate()
