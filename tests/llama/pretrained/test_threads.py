"""One model, many threads: every answer is its own caller's, and nothing of a call stays on the model."""

import threading
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
import torch

LONG = 26  # numbers: so many that they are read shortened, before anything else


def prompt(rng):
    """A prompt that calls, its answer, and the program that is called."""
    size = rng.choice((1, 3, 5, LONG))
    numbers = [rng.randint(0, 999) for _ in range(size)]
    listed = ", ".join(map(str, numbers))
    match rng.choice(("sort", "reverse", "count", "chain")):
        case "sort":
            return f"Sort: {listed}", sorted(numbers), ["insertion_sort"]
        case "reverse":
            return f"Reverse: {listed}", numbers[::-1], ["reverse"]
        case "count":
            return f"Count {numbers[0]} in: {listed}", [numbers.count(numbers[0])], ["count"]
    return f"Sort: {listed}, then reverse it", sorted(numbers)[::-1], ["insertion_sort", "reverse"]


def state(module):
    """Everything that lies on a module and its children, apart from what is a tensor."""
    found = {}
    for name, one in module.named_modules():
        for key, value in vars(one).items():
            if key not in ("_parameters", "_buffers", "_modules"):
                found[name, key] = dict(value) if isinstance(value, dict) else value
    return found


def asked(model, encoded, tokenizer, seed, count):
    """How many of the answers of one thread were wrong, in all ways of asking."""
    rng, wrong = Random(seed), 0
    for number in range(count):
        text, numbers, programs = prompt(rng)
        texts = [text, "Hello"][: rng.choice((1, 1, 2))]
        batch = encoded(tokenizer, *texts)
        more = rng.choice(({}, {"ncl_block": False}, {"return_dict_in_generate": True})) if number % 8 == 0 else {}
        out = model.generate(
            **batch, do_sample=False, max_new_tokens=200, min_new_tokens=1, pad_token_id=tokenizer.pad_token_id, **more
        )
        new = getattr(out, "sequences", out)[0, batch["input_ids"].shape[1] :].tolist()
        said = tokenizer.decode(new[: new.index(tokenizer.eos_token_id)])
        called = [call.program for call in model.latest.calls[0]]
        wrong += said != ", ".join(map(str, numbers)) or called != programs
    return wrong


@pytest.mark.parametrize("threads, each", [(4, 12), pytest.param(8, 1000, marks=pytest.mark.nightly)])
def test_every_thread_gets_its_own_answers(model, encoded, by_digit, threads, each):
    model.generation_config.max_new_tokens = 4  # of the language model, where nothing is said
    with ThreadPoolExecutor(threads) as pool:
        wrong = list(pool.map(lambda seed: asked(model, encoded, by_digit, seed, each), range(threads)))
    assert wrong == [0] * threads


def test_readers_that_were_fitted_read_alike_in_every_thread(fitted, base, encoded, by_digit):
    model = fitted(base, readers=2, seed=3)
    texts = [f"Sort: {n} {n + 5} {n * 7 % 50}" for n in range(12)]

    def logits(text):
        with torch.no_grad():
            return model(**encoded(by_digit, text)).logits

    alone = [logits(text) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(logits, texts * 3))
    assert all(map(torch.equal, together, alone * 3))


def test_a_call_leaves_nothing_on_the_model(model, encoded, by_digit):
    def ask(text, **more):
        return model.generate(**encoded(by_digit, text), do_sample=False, max_new_tokens=60, **more)

    ask("Sort: 2 1")
    before = state(model)
    for text in ("Sort: 3 1 2", "Hello", "Reverse: " + ", ".join(map(str, range(30)))):
        ask(text)
        ask(text, ncl_block=False)
        with torch.no_grad():
            model(**encoded(by_digit, text))
    assert state(model) == before


def test_a_call_that_fails_midway_leaves_nothing_behind(model, encoded, by_digit, ask):
    def fail(*_):
        raise RuntimeError("midway")

    before = state(model)
    for text in ("Sort: 3 1 2", "Hello", "Sort: " + ", ".join(map(str, range(30)))):
        for more in ({"logits_processor": [fail]}, {"stopping_criteria": [fail]}):
            with pytest.raises(RuntimeError, match="midway"):
                model.generate(**encoded(by_digit, "Hello", text), do_sample=False, max_new_tokens=9, **more)
            assert model.latest is None and state(model) == before
    assert ask(model, "Sort: 3 1 2") == ["1, 2, 3"]


def test_what_was_called_is_told_to_the_thread_that_asked(model, encoded, by_digit):
    model.generate(**encoded(by_digit, "Sort: 3 1 2"), max_new_tokens=20)
    elsewhere = []
    thread = threading.Thread(target=lambda: elsewhere.append(model.latest))
    thread.start()
    thread.join()
    assert elsewhere == [None] and model.latest.calls[0][0].result == (1, 2, 3)


def test_a_generate_within_a_generate_keeps_them_apart(model, encoded, by_digit):
    inner = []

    def criterion(ids, scores, **_):
        out = model.generate(**encoded(by_digit, "Reverse: 7 8 9"), max_new_tokens=20)
        inner.append(by_digit.decode(out[0], skip_special_tokens=True)[-7:])
        return torch.zeros(len(ids), dtype=torch.bool)

    batch = encoded(by_digit, "Sort: 30 1 2", "Hello")
    out = model.generate(**batch, do_sample=False, max_new_tokens=20, stopping_criteria=[criterion])
    new = out[0, batch["input_ids"].shape[1] :].tolist()
    assert by_digit.decode(new[: new.index(by_digit.eos_token_id)]) == "1, 2, 30"
    assert inner and set(inner) == {"9, 8, 7"}
