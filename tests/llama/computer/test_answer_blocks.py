"""An answer that the computer has taken over comes at once, and is the one that would have come token by token."""

import torch
from transformers import TextStreamer

TEXTS = ["reverse 1 2 3 4 5 =", "sort 9 8 7 =", "greet ada =", "count 1 in 1 ="]


def encoded(tokenizer, *texts):
    return tokenizer(list(texts), return_tensors="pt", padding=True)


def options(tokenizer, **more):
    return {"do_sample": False, "max_new_tokens": 10, "pad_token_id": tokenizer.pad_token_id, **more}


def test_a_block_is_the_answer_that_comes_token_by_token(knower, tokenizer):
    batch = encoded(tokenizer, *TEXTS)
    at_once = knower.generate(**batch, **options(tokenizer))
    one_by_one = knower.generate(**batch, **options(tokenizer, ncl_block=False))
    assert torch.equal(at_once, one_by_one)


def test_a_batch_of_calls_takes_one_pass(knower, tokenizer):
    passes = []
    handle = knower.model.register_forward_hook(lambda *_: passes.append(1))
    knower.generate(**encoded(tokenizer, TEXTS[0], TEXTS[1]), **options(tokenizer))
    assert len(passes) == 1
    knower.generate(**encoded(tokenizer, TEXTS[0]), **options(tokenizer, ncl_block=False))
    handle.remove()
    assert len(passes) == 1 + 6


def test_a_block_is_cut_at_the_number_of_tokens_allowed(knower, tokenizer):
    batch = encoded(tokenizer, TEXTS[0])
    short = knower.generate(**batch, **options(tokenizer, max_new_tokens=2))
    prompt = batch["input_ids"].shape[1]
    assert tokenizer.convert_ids_to_tokens(short[0, prompt:].tolist()) == ["5", "4"]
    limited = knower.generate(**batch, **options(tokenizer, max_new_tokens=None, max_length=prompt + 3))
    assert tokenizer.convert_ids_to_tokens(limited[0, prompt:].tolist()) == ["5", "4", "3"]


def test_a_streamer_is_handed_the_whole_block(knower, tokenizer, capsys):
    streamer = TextStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True)
    knower.generate(**encoded(tokenizer, TEXTS[0]), **options(tokenizer, streamer=streamer))
    assert capsys.readouterr().out.split() == ["5", "4", "3", "2", "1"]


def test_the_dictionary_that_generate_can_return_holds_the_block(knower, tokenizer):
    batch = encoded(tokenizer, TEXTS[0])
    out = knower.generate(**batch, **options(tokenizer, return_dict_in_generate=True))
    assert torch.equal(out.sequences, knower.generate(**batch, **options(tokenizer)))


def test_the_users_own_stopping_criteria_still_count(knower, tokenizer):
    batch = encoded(tokenizer, TEXTS[2])
    stop = [lambda ids, scores, **_: torch.ones(len(ids), dtype=torch.bool)]
    out = knower.generate(**batch, **options(tokenizer, stopping_criteria=stop))
    assert out.shape[1] == batch["input_ids"].shape[1] + 1
