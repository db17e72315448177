"""What people do to a model between calls: copies, casts, training mode, adapters, loops that are left halfway."""

import asyncio
import copy
import threading

import pytest
import torch
from oracle import Oracle, put_oracle

from ncl.errors import GateRefused
from ncl.llama.pretrained.conversation import reply

SHORT, ANSWER = "Sort: 3, 100, 2, 1", "1, 2, 3, 100"
LONG, LONG_ANSWER = "Sort: " + ", ".join(map(str, range(40, 0, -1))), ", ".join(map(str, range(1, 41)))


def both(ask, model):
    return ask(model, SHORT, LONG, max_new_tokens=200) == [ANSWER, LONG_ANSWER] and ask(model, SHORT) == [ANSWER]


def test_a_copy_answers_for_itself_and_leaves_the_first_alone(base, fitted, ask):
    first = fitted(base)
    second = put_oracle(copy.deepcopy(first))
    first = put_oracle(first)
    assert both(ask, first) and both(ask, second) and both(ask, first)
    with torch.no_grad():
        second.lexer.code_V[5] += 1
    with pytest.raises(GateRefused):
        ask(second, SHORT)
    assert both(ask, first)


@pytest.mark.parametrize("cast", ["half", "bfloat16", "double"])
def test_a_cast_model_answers_or_is_refused(model, ask, cast):
    assert both(ask, getattr(model, cast)())


def test_reading_drops_nothing_in_training_mode(base, fitted, encoded, by_digit):
    model = fitted(base, readers=2, seed=3)
    ids = [encoded(by_digit, f"Sort: {n} {n + 5} {n * 7 % 50}") for n in range(6)]

    def told():
        with torch.no_grad():
            return [model(**one).logits for one in ids]

    alone = told()
    model.train()
    assert all(map(torch.equal, told(), alone)) and model.training and model.readers[0].dropout.training


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_gradient_checkpointing_and_training_mode_answer_alike(model, ask):
    model.train()
    model.gradient_checkpointing_enable()
    assert both(ask, model)
    model.eval()
    model.gradient_checkpointing_disable()
    assert both(ask, model)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_lora_set_on_top_and_merged_answers(model, ask, encoded, by_digit):
    peft = pytest.importorskip("peft")
    wrapped = peft.get_peft_model(model, peft.LoraConfig(target_modules=["q_proj"], task_type="CAUSAL_LM"))
    batch = encoded(by_digit, SHORT)
    out = wrapped.generate(**batch, max_new_tokens=20, pad_token_id=0)
    assert by_digit.decode(out[0], skip_special_tokens=True).endswith(ANSWER)
    assert both(ask, wrapped.merge_and_unload())


def test_weights_that_are_loaded_meanwhile_are_seen(model, ask):
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model.load_state_dict(state)
    assert both(ask, model)
    state["lexer.code_V"][7] += 1
    model.load_state_dict(state)
    with pytest.raises(GateRefused, match="lexer"):
        ask(model, SHORT)


@pytest.mark.parametrize("fault", [KeyboardInterrupt, SystemExit, GeneratorExit, RuntimeError])
def test_what_ends_a_call_midway_leaves_the_next_one_whole(model, ask, encoded, by_digit, fault):
    class Breaks:
        def __init__(self, after):
            self.left = after

        def put(self, value):
            self.left -= 1
            if self.left < 0:
                raise fault

        def end(self):
            self.put(None)

    for after in (0, 1, 3):
        for texts in ((SHORT,), ("Hello",), (LONG, "Hello")):
            with pytest.raises(fault):
                model.generate(**encoded(by_digit, *texts), streamer=Breaks(after), max_new_tokens=4, pad_token_id=0)
            assert model.latest is None
            assert both(ask, model)


def test_tasks_of_one_loop_get_their_own_answers(model, ask):
    async def one(number):
        await asyncio.sleep(0)
        said = await asyncio.to_thread(ask, model, f"Reverse: {number}, {number + 1}")
        here = ask(model, f"Reverse: {number}, 7")
        await asyncio.sleep(0.001 * (number % 3))
        return said, here, model.latest.calls[0][0].result

    async def many():
        return await asyncio.gather(*(one(n) for n in range(12)))

    for number, found in enumerate(asyncio.run(many())):
        assert found == ([f"{number + 1}, {number}"], [f"7, {number}"], (7, number))


def test_threads_mix_passes_chats_generation_and_looking(model, by_digit, encoded):
    wrong, stop = [], threading.Event()

    def passes(number):
        text = f"Sort: {number + 9}, {number}"
        batch = encoded(by_digit, text)
        for _ in range(15):
            with torch.no_grad():
                if by_digit.decode(model(**batch).logits[0, -1].argmax()) != str(number)[0]:
                    wrong.append(("forward", number))

    def chats(number):
        for at in range(10):
            found = reply(model, f"Reverse: {at}, {number}", most=9)
            if found.text != f"{number}, {at}" or found.calls[0].result != (number, at):
                wrong.append(("chat", number, found))

    def looks():
        while not stop.is_set():
            model.look()
            model.recheck()

    seer = threading.Thread(target=looks)
    seer.start()
    workers = [threading.Thread(target=work, args=(n,)) for n in range(1, 4) for work in (passes, chats)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    stop.set()
    seer.join()
    assert wrong == []


def test_two_models_in_turn_keep_to_themselves(base, fitted, ask, encoded, by_digit):
    one, other = put_oracle(fitted(base)), put_oracle(fitted(base), Oracle(base.tokenizer, programs={"Sort": 1}))
    assert ask(one, "Sort: 3 1 2") == ["1, 2, 3"] and ask(other, "Sort: 3 1 2") == ["2, 1, 3"]
    assert one.latest.calls[0][0].program == "insertion_sort" and other.latest.calls[0][0].program == "reverse"

    def inside(ids, scores, **_):
        assert ask(other, "Sort: 9 1 5") == ["5, 1, 9"]
        return torch.zeros(len(ids), dtype=torch.bool)

    out = one.generate(**encoded(by_digit, "Sort: 3 1 2", "Hello"), stopping_criteria=[inside], max_new_tokens=9,
                       pad_token_id=0, do_sample=False)  # fmt: skip
    assert by_digit.decode(out[0], skip_special_tokens=True).endswith("1, 2, 3")
    assert one.latest.calls[0][0].result == (1, 2, 3)


def test_an_assistant_with_a_computer_of_its_own_spoils_nothing(base, fitted, ask, encoded, by_digit):
    one, other = put_oracle(fitted(base)), put_oracle(fitted(base))
    for text, right in ((SHORT, ANSWER), (LONG, LONG_ANSWER)):
        out = one.generate(**encoded(by_digit, text), assistant_model=other, max_new_tokens=200, do_sample=False)
        assert by_digit.decode(out[0], skip_special_tokens=True).endswith(right)
