"""Every way of generating keeps a called answer or refuses in one sentence; the table names all that there are."""

import inspect
import logging
from pathlib import Path

import pytest
import torch
from transformers import GenerationConfig, LlamaForCausalLM, pipeline
from transformers.generation import GenerationMode
from ways import BASE, CUT, FIELDS, KEPT, MODES, PARAMETERS, REFUSED

from ncl.errors import ConfigurationError

SHORT, SHORT_ANSWER = "Sort: 3, 100, 2, 1", "1, 2, 3, 100"
LONG = "Sort: " + ", ".join(map(str, range(34, 9, -1)))
LONG_ANSWER = ", ".join(map(str, range(10, 35)))
ALONE = ("prompt_lookup_num_tokens", "assistant_model", "use_mtp")  # transformers takes one prompt at a time for these
OTHERS_CODE = ("penalty_alpha", "dola_layers", "num_beam_groups", "constraints", "force_words_ids")


def fields():
    return {name for name in vars(GenerationConfig()) if not name.startswith("_")}


def test_the_table_names_every_mode_field_and_parameter_of_the_installed_transformers():
    assert set(MODES) == set(GenerationMode)
    assert set(FIELDS) == fields()
    own = set(inspect.signature(LlamaForCausalLM.generate).parameters) - {"self"}
    assert set(PARAMETERS) == own | {"ncl_block"}


def test_the_docs_name_every_way_that_does_not_simply_keep_the_answer():
    page = (Path(__file__).parents[3] / "docs" / "natural.md").read_text(encoding="utf-8")
    lines = {line.split("|")[1].strip(): line for line in page.splitlines() if line.startswith("|")}
    rows = {
        outcome: next(line for head, line in lines.items() if head.startswith(start))
        for outcome, start in (
            (KEPT, "whole, exact, ended"),
            (CUT, "cut where"),
            (REFUSED, "refused"),
            (BASE, "of the language model alone"),
        )
    }
    for table in (FIELDS, PARAMETERS):
        for name, (outcome, _) in table.items():
            assert outcome == KEPT or f"`{name}`" in rows[outcome], name
            assert outcome != KEPT or not any(f"`{name}`" in rows[other] for other in (CUT, REFUSED, BASE)), name
    assert all(f"`{mode.value}`" in rows[KEPT] for mode in MODES)


@pytest.fixture
def given(model, small_base, by_digit, encoded):
    """`given(options, text)`: the options of a row of the table, for a prompt."""

    def make(options, text):
        if options == "assistant":
            return {"assistant_model": small_base(by_digit, seed=5).model}
        if options == "negative":
            other = encoded(by_digit, *text)
            return {"guidance_scale": 2.0, "negative_prompt_ids": other["input_ids"],
                    "negative_prompt_attention_mask": other["attention_mask"]}  # fmt: skip
        return options(by_digit) if callable(options) else dict(options)

    return make


def answers(model, encoded, texts, **options):
    """(what each sequence says, whether it ended)."""
    tokenizer, batch = model.tokenizer, encoded(model.tokenizer, *texts)
    out = model.generate(**batch, **{"pad_token_id": tokenizer.pad_token_id, **options})
    sequences = getattr(out, "sequences", out)
    found = []
    for row in sequences[:, batch["input_ids"].shape[1] :].tolist():
        ended = tokenizer.eos_token_id in row
        found.append((tokenizer.decode(row[: row.index(tokenizer.eos_token_id)] if ended else row), ended))
    return found


ROWS = [(str(name), *row) for table in (MODES, FIELDS, PARAMETERS) for name, row in table.items()]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("text, right", [(SHORT, SHORT_ANSWER), (LONG, LONG_ANSWER)], ids=["short", "long"])
@pytest.mark.parametrize("name, outcome, options", ROWS, ids=[row[0] for row in ROWS])
def test_each_way_does_what_the_table_says(model, encoded, given, name, outcome, options, text, right):
    model.generation_config.max_new_tokens = 6  # of the language model; a folder may bring it
    more = given(options, [text])
    if "max_length" in more:
        more["max_length"] = encoded(model.tokenizer, text)["input_ids"].shape[1] + 4
    if outcome == REFUSED:
        with pytest.raises(ConfigurationError) as caught:
            answers(model, encoded, [text], **more)
        assert "\n" not in caught.value.message
    elif outcome == CUT:
        ((said, ended),) = answers(model, encoded, [text], **more)
        assert right.startswith(said) and said != right and not ended
    else:
        assert outcome in (KEPT, BASE)
        assert set(answers(model, encoded, [text], **more)) == {(right, True)}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name, outcome, options", ROWS, ids=[row[0] for row in ROWS])
def test_each_way_beside_a_row_that_calls_nothing(model, encoded, given, name, outcome, options):
    model.generation_config.max_new_tokens = 6
    more = given(options, [SHORT, "Hello"])
    if outcome in (REFUSED, CUT) or set(more) & {*ALONE, *OTHERS_CODE, "custom_generate"}:
        pytest.skip("told in the other test, or of one prompt at a time")
    if outcome == KEPT:
        found = answers(model, encoded, [SHORT, "Hello"], **more)
        each = len(found) // 2
        steps = more.get("output_scores") or more.get("output_logits") or any(k.startswith("output_") for k in more)
        if steps:  # they are as many as the language model was allowed
            assert SHORT_ANSWER.startswith(found[0][0])
        else:
            assert set(found[:each]) == {(SHORT_ANSWER, True)}


@pytest.mark.parametrize("name", OTHERS_CODE)
def test_what_runs_code_from_elsewhere_is_refused_by_transformers_where_nothing_is_called(model, encoded, given, name):
    with pytest.raises(ValueError, match="trust_remote_code"):
        answers(model, encoded, ["Hello"], **given(FIELDS[name][1], ["Hello"]), max_new_tokens=3)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("way", [
    {"min_new_tokens": 30}, {"suppress_tokens": list(range(3, 300))}, {"bad_words_ids": [[i] for i in range(3, 300)]},
    {"no_repeat_ngram_size": 1, "num_beams": 3}, {"repetition_penalty": 9.0}, {"forced_eos_token_id": 7},
    {"max_new_tokens": 2}, {"max_length": 69}, {"begin_suppress_tokens": list(range(3, 300)), "num_beams": 2},
])  # fmt: skip
@pytest.mark.parametrize("block", [True, False])
def test_what_a_folders_generation_config_brings_spoils_no_answer(model, encoded, way, block):
    model.generation_config = GenerationConfig(eos_token_id=model.tokenizer.eos_token_id, **way)
    assert answers(model, encoded, [SHORT], ncl_block=block) == [(SHORT_ANSWER, True)]
    assert answers(model, encoded, [SHORT, "Hello"], ncl_block=block)[0] == (SHORT_ANSWER, True)


@pytest.mark.parametrize("more", [{}, {"num_beams": 2}, {"do_sample": True, "temperature": 5.0, "top_p": 0.9}])
def test_scores_agree_with_the_sequences(model, encoded, by_digit, more):
    batch = encoded(by_digit, SHORT)
    out = model.generate(**batch, return_dict_in_generate=True, output_scores=True, **more)
    steps = out.sequences.shape[1] - batch["input_ids"].shape[1]
    assert by_digit.decode(out.sequences[0, -steps:], skip_special_tokens=True) == SHORT_ANSWER
    if not more.get("num_beams"):
        chances = model.compute_transition_scores(out.sequences, out.scores, normalize_logits=True)
        assert len(out.scores) == steps and bool((chances == 0).all())
    else:
        assert float(out.sequences_scores[0]) == 0


def test_an_answer_that_is_cut_is_told_in_the_log(model, encoded, caplog):
    with caplog.at_level(logging.WARNING, "ncl.llama"):
        answers(model, encoded, [SHORT], max_new_tokens=4)
    assert "was cut after 4" in caplog.text


def test_a_stream_of_several_rows_is_what_is_returned(model, encoded, by_digit):
    columns = []
    streamer = type("S", (), {"put": lambda _, value: columns.append(value), "end": lambda _: None})()
    batch = encoded(by_digit, SHORT, "Hello", "Sort: 2 1")
    out = model.generate(**batch, streamer=streamer, do_sample=False, max_new_tokens=20, pad_token_id=0)
    assert torch.equal(torch.cat([columns[0], *(column[:, None] for column in columns[1:])], 1), out)
    streamed = Streamed()
    model.generate(**encoded(by_digit, SHORT), streamer=streamed, suppress_tokens=list(range(3, 300)))
    assert by_digit.decode(streamed.new, skip_special_tokens=True) == SHORT_ANSWER


class Streamed:
    def __init__(self):
        self.calls, self.new = 0, []

    def put(self, value):
        self.calls += 1
        self.new += value.flatten().tolist() if self.calls > 1 else []

    def end(self):
        pass


@pytest.mark.parametrize("more", [
    {"inputs_embeds": torch.zeros(1, 3, 32)}, {"cache_implementation": "paged"},
])  # fmt: skip
def test_what_mixes_or_has_no_tokens_is_refused(model, encoded, by_digit, more):
    batch = {} if "inputs_embeds" in more else encoded(by_digit, SHORT)
    with pytest.raises(ConfigurationError):
        model.generate(**batch, **more)


def test_continuous_batching_is_refused_in_one_sentence(model, encoded, by_digit):
    ids = encoded(by_digit, SHORT)["input_ids"].tolist()
    with pytest.raises(ConfigurationError, match="numbers would mix"):
        model.generate_batch(ids)
    with pytest.raises(ConfigurationError, match="numbers would mix"):
        model.init_continuous_batching()
    with pytest.raises(ConfigurationError, match="numbers would mix"), model.continuous_batching_context_manager():
        pass


def test_packed_rows_are_refused(model, encoded, by_digit):
    one = encoded(by_digit, SHORT)["input_ids"]
    both = torch.cat([one, one], 1)
    places = torch.arange(one.shape[1])[None].repeat(1, 2)
    with torch.no_grad(), pytest.raises(ConfigurationError, match="numbers would mix"):
        model(both, position_ids=places)


def test_embeddings_in_a_pass_are_refused(model):
    with pytest.raises(ConfigurationError, match="input_ids"):
        model(inputs_embeds=torch.zeros(1, 3, 32))


def test_early_exit_leaves_the_model_as_it_was(model, encoded):
    with pytest.raises(ConfigurationError, match="early exit"):
        answers(model, encoded, ["Hello"], assistant_early_exit=1)
    assert answers(model, encoded, [SHORT]) == [(SHORT_ANSWER, True)] and model.config.num_hidden_layers == 4


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("pad", ["<|endoftext|>", "<|im_end|>"])
def test_padding_on_either_side_with_or_without_a_mask(model, by_digit, encoded, side, masked, pad):
    rows = [encoded(by_digit, text)["input_ids"][0].tolist() for text in (SHORT, "Sort: 2 1", LONG)]
    size, filler = max(map(len, rows)), by_digit.convert_tokens_to_ids(pad)
    fill = [[filler] * (size - len(row)) for row in rows]
    ids = torch.tensor([f + r if side == "left" else r + f for f, r in zip(fill, rows)])
    mask = torch.tensor([[0] * len(f) + [1] * len(r) if side == "left" else [1] * len(r) + [0] * len(f)
                         for f, r in zip(fill, rows)])  # fmt: skip
    out = model.generate(ids, pad_token_id=filler, do_sample=False, **({"attention_mask": mask} if masked else {}))
    said = [row[: row.index(by_digit.eos_token_id)] for row in out[:, size:].tolist()]
    assert [by_digit.decode(row) for row in said] == [SHORT_ANSWER, "1, 2", LONG_ANSWER]


def test_custom_decoding_is_run_for_what_is_not_called_and_its_rows_are_kept_apart(model, encoded, by_digit):
    def decode(_model, input_ids, **_):
        return torch.cat([input_ids, torch.full((len(input_ids), 3), 7)], 1)

    batch = encoded(by_digit, SHORT, "Hello")
    out = model.generate(**batch, custom_generate=decode, pad_token_id=0)
    new = out[:, batch["input_ids"].shape[1] :].tolist()
    assert by_digit.decode(new[0][: new[0].index(by_digit.eos_token_id)]) == SHORT_ANSWER and new[1][:3] == [7, 7, 7]
    with pytest.raises(ConfigurationError, match="custom_generate"):
        model.generate(**batch, custom_generate=lambda *_, **__: "a text")


def test_a_pipeline_answers_exactly(model, by_digit):
    speak = pipeline("text-generation", model=model, tokenizer=by_digit)
    (found,) = speak([{"role": "user", "content": SHORT}], max_new_tokens=40)
    assert found["generated_text"][-1]["content"] == SHORT_ANSWER


def test_options_that_transformers_does_not_have_are_refused_whether_or_not_it_calls(model, encoded):
    for text in (SHORT, LONG, "Hello"):
        with pytest.raises(ValueError, match="max_new_token"):
            answers(model, encoded, [text], max_new_token=5)


def test_an_assistant_helps_where_nothing_is_called(model, base, small_base, encoded, by_digit):
    helper, batch = small_base(by_digit, seed=5).model, encoded(by_digit, "Hello")
    more = {"do_sample": False, "max_new_tokens": 8, "pad_token_id": 0}
    plain = base.model.generate(**batch, **more)
    assert torch.equal(model.generate(**batch, assistant_model=helper, **more), plain)
    assert torch.equal(model.generate(**batch, prompt_lookup_num_tokens=3, **more), plain)
    out = model.generate(**encoded(by_digit, SHORT), assistant_model=helper, return_dict_in_generate=True, **more)
    assert by_digit.decode(out.sequences[0], skip_special_tokens=True).endswith(SHORT_ANSWER[:8])


# --- scores of answers that stand there


@pytest.mark.parametrize("text, right", [(SHORT, SHORT_ANSWER), (LONG, LONG_ANSWER)])
@pytest.mark.parametrize("behind", [0, 5])
def test_a_pass_over_prompt_and_answer_gives_the_called_answer_its_probability(
    model, encoded, by_digit, text, right, behind
):
    def chance(answer):
        ids = encoded(by_digit, text)["input_ids"]
        new = by_digit(answer, add_special_tokens=False)["input_ids"] + [by_digit.eos_token_id]
        whole = torch.cat([ids, torch.tensor([new + [by_digit.pad_token_id] * behind])], 1)
        with torch.no_grad():
            logits = model(whole).logits[0, ids.shape[1] - 1 : ids.shape[1] - 1 + len(new)]
        return float(logits.log_softmax(-1).gather(1, torch.tensor(new)[:, None]).sum().exp())

    assert chance(right) == 1.0 and chance(right[:-1] + "9") == 0 and chance("9, " + right) == 0


def test_labels_say_that_scores_are_the_language_models(model, base, encoded, by_digit):
    batch = encoded(by_digit, SHORT)
    with torch.no_grad():
        mine, plain = model(**batch, labels=batch["input_ids"]), base.model(**batch, labels=batch["input_ids"])
    assert torch.equal(mine.loss, plain.loss) and torch.equal(mine.logits, plain.logits)


# --- loops by hand


def test_a_loop_by_hand_gets_the_answer_and_a_cache_whose_rows_were_moved_is_refused(model, encoded, by_digit):
    batch = encoded(by_digit, SHORT, "Sort: 900 80 7")
    with torch.no_grad():
        out = model(**batch, use_cache=True)
        cache, new, mask = out.past_key_values, [], batch["attention_mask"]
        for _ in range(5):
            token = out.logits[:, -1].argmax(1, keepdim=True)
            new.append(token)
            mask = torch.cat([mask, torch.ones_like(token)], 1)
            out = model(token, attention_mask=mask, past_key_values=cache, use_cache=True)
        assert by_digit.batch_decode(torch.cat(new, 1)) == ["1, 2,", "7, 80"]
        for spoil, told in (
            (lambda: cache.reorder_cache(torch.tensor([1, 0])), "moved"),
            (lambda: cache.batch_select_indices(torch.tensor([1])), "batch changed"),
        ):
            spoil()
            rows = len(cache.layers[0].keys)
            with pytest.raises(ConfigurationError, match=told):
                model(token[:rows], past_key_values=cache, use_cache=True)


def test_a_turn_behind_a_cache_that_the_computer_has_not_seen_is_read_alone_and_a_token_is_refused(
    model, base, encoded, by_digit
):
    with torch.no_grad():
        cache = base.model(**encoded(by_digit, "Hello"), use_cache=True).past_key_values
        turn = by_digit("<|im_end|>\n<|im_start|>user\nSort: 3 1 2<|im_end|>\n<|im_start|>assistant\n",
                        add_special_tokens=False, return_tensors="pt")["input_ids"]  # fmt: skip
        out = model(turn, past_key_values=cache, use_cache=True)
        assert by_digit.decode(out.logits[0, -1].argmax()) == "1"
        other = base.model(**encoded(by_digit, "Hello"), use_cache=True).past_key_values
        with pytest.raises(ConfigurationError, match="pass the whole prompt"):
            model(turn[:, :1], past_key_values=other, use_cache=True)


def test_a_cache_that_generate_handed_out_goes_on_by_hand(model, encoded, by_digit):
    one = model.generate(**encoded(by_digit, SHORT), return_dict_in_generate=True, max_new_tokens=40)
    seen = one.past_key_values.get_seq_length()
    with torch.no_grad():
        out = model(one.sequences[:, seen : seen + 1], past_key_values=one.past_key_values, use_cache=True)
    assert int(out.logits[0, -1].argmax()) == int(one.sequences[0, seen + 1])


# --- compiled


def test_a_compiled_model_answers_alike(model, base, encoded, by_digit):
    plain = answers(model, encoded, [SHORT, "Hello"], do_sample=False, max_new_tokens=14)
    model.forward = torch.compile(model.forward, backend="eager")
    try:
        assert answers(model, encoded, [SHORT, "Hello"], do_sample=False, max_new_tokens=14) == plain
        assert answers(model, encoded, [LONG], ncl_block=False) == [(LONG_ANSWER, True)]
        with torch.no_grad():
            assert by_digit.decode(model(**encoded(by_digit, SHORT)).logits[0, -1].argmax()) == "1"
            assert torch.equal(
                model(**encoded(by_digit, "Hello")).logits, base.model(**encoded(by_digit, "Hello")).logits
            )
    finally:
        del model.forward
        torch.compiler.reset()
