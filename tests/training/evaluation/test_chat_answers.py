"""Asking: what an answer says, whether it is exact, and prompts that a user hands in as a file."""

import copy

import pytest
import torch

from ncl.errors import FormatError, NotFoundError
from ncl.training.baselines.few_shot import few_shot_encoding, prefix_length
from ncl.training.data.prompt_file import read_prompts
from ncl.training.evaluation.chat_answers import LOOK_EVERY, Answer, answer_prompts, can_become, compared_with_base

PROMPTS = ["Sort: 3 1 2", "Count 5 in: 5 6 5", "Reverse: 30 10 20 40, then sort it", "Hello"]
GOLDS = [(1, 2, 3), (2,), (10, 20, 30, 40), None]


# --- answers


@pytest.mark.parametrize("text, numbers", [
    ("1, 2, 3", ("1", "2", "3")), ("", ()), ("The answer is 42.", ("42",)), ("-5 and 2.50", ("-5", "2.50")),
    ("1,2;3", ("1", "2", "3")), ("007", ("007",)), ("no number", ()), ("3.", ("3",)), ("x=12", ("12",)),
])  # fmt: skip
def test_the_numbers_of_an_answer_are_read_as_they_stand(text, numbers):
    assert Answer(text, True).numbers == numbers


@pytest.mark.parametrize("text, ended, gold, right", [
    ("1, 2, 3", True, (1, 2, 3), True), ("1, 2, 3", False, (1, 2, 3), False), ("1, 2", True, (1, 2, 3), False),
    ("1, 2, 3, 4", True, (1, 2, 3), False), ("3, 2, 1", True, (1, 2, 3), False), ("", True, (), True),
    ("0", True, (), False), ("2.0", True, (2,), False), ("-2", True, (2,), False), ("02", True, (2,), False),
    ("The answer is 2.", True, (2,), True), ("1,000", True, (1000,), False),
])  # fmt: skip
def test_an_answer_is_exact_when_its_numbers_are_equal_and_it_ended(text, ended, gold, right):
    assert Answer(text, ended).right(gold) is right


@pytest.mark.parametrize("text, gold, hope", [
    ("", "12", True), ("1", "12", True), ("1, ", "12", False), ("12", "12", True), ("12, 3", "12", True),
    ("12, 34, ", "12", False), ("12. Or", "12", True), ("13", "12", True), ("13, ", "12", False), ("1.", "1", True),
    ("1.5", "1", True), ("1.5, ", "1", False),
])  # fmt: skip
def test_an_answer_is_given_up_only_when_it_can_no_longer_be_right(text, gold, hope):
    assert can_become(text, [gold]) is hope


# --- asking


def test_answers_come_in_the_order_of_the_prompts_with_what_was_called(knower):
    done = []
    answers = answer_prompts(knower, knower.tokenizer, PROMPTS, advance=done.append)
    assert [answer.right(gold) for answer, gold in zip(answers, GOLDS) if gold is not None] == [True] * 3
    assert [[call.program for call in answer.calls] for answer in answers] == [
        ["insertion_sort"], ["count"], ["reverse", "insertion_sort"], []]  # fmt: skip
    assert [answer.taken for answer in answers] == [True, True, True, False] and sum(done) == 4


def test_what_is_told_in_words_was_taken_without_a_call(knower):
    (answer,) = answer_prompts(knower, knower.tokenizer, ["Sort: 3 -1"], most=200)
    assert answer.taken and not answer.calls and "-1" in answer.text and answer.ended


def test_a_prompt_is_asked_alone_as_in_a_batch_and_answers_are_cut_where_asked(knower):
    tokenizer = knower.tokenizer
    together = answer_prompts(knower, tokenizer, PROMPTS, most=8)
    assert together == [answer_prompts(knower, tokenizer, [text], most=8)[0] for text in PROMPTS[:3]] + together[3:]
    assert not answer_prompts(knower, tokenizer, ["Sort: 33 11 22"], most=3)[0].ended


def test_knowing_the_right_answers_changes_no_answer_that_is_right(knower):
    tokenizer = knower.tokenizer
    plain, known = answer_prompts(knower, tokenizer, PROMPTS), answer_prompts(knower, tokenizer, PROMPTS, golds=GOLDS)
    assert known[:3] == plain[:3]
    wrong = answer_prompts(knower, tokenizer, ["Hello"], golds=[(7,)])
    assert not wrong[0].right((7,))


def test_answers_that_are_hopeless_are_cut_off_soon(chat_base):
    class Talker:
        """Writes one number after another and never ends."""

        config = chat_base.model.config
        device = torch.device("cpu")

        def __init__(self):
            self.written = 0

        def generate(self, input_ids, max_new_tokens, stopping_criteria=(), **_):
            token = chat_base.tokenizer("5,")["input_ids"]
            for step in range(max_new_tokens):
                input_ids = torch.cat([input_ids, torch.tensor([[token[step % 2]]])], 1)
                self.written += 1
                if any(bool(criterion(input_ids, None).all()) for criterion in stopping_criteria):
                    break
            return input_ids

    talker = Talker()
    (answer,) = answer_prompts(talker, chat_base.tokenizer, ["Sort 1 2"], most=100, golds=[(1, 2)])
    assert talker.written == LOOK_EVERY and not answer.ended
    talker.written = 0
    answer_prompts(talker, chat_base.tokenizer, ["Sort 1 2"], most=100, golds=[None])
    assert talker.written == 100


def test_an_answer_has_room_for_its_commas_where_a_prompt_has_blanks_alone(knower):
    numbers = list(range(900, 700, -1))
    (answer,) = answer_prompts(knower, knower.tokenizer, [f"Sort: {' '.join(map(str, numbers))}"])
    assert answer.right(sorted(numbers))


def test_what_stands_before_all_prompts_goes_through_once_and_changes_no_answer(chat_base):
    model, tokenizer = chat_base.model, chat_base.tokenizer
    before = [("Sort: 5 4", "4, 5"), ("Count 1 in: 1 1", "2")]
    encode = few_shot_encoding(before)
    passed = []
    hook = model.model.register_forward_hook(
        lambda _m, _a, given, _o: passed.append(given["input_ids"].shape), with_kwargs=True
    )
    try:
        apart = answer_prompts(model, tokenizer, PROMPTS, most=12, encode=encode)
        passed.clear()
        shared = answer_prompts(
            model, tokenizer, PROMPTS, most=12, encode=encode, prefix_length=prefix_length(tokenizer, before)
        )
    finally:
        hook.remove()
    assert shared == apart
    assert passed[0][0] == 1 and passed[1][1] < passed[0][1] + passed[1][1]


def test_an_answer_ends_where_it_is_whole(chat_base):
    model, tokenizer = chat_base.model, chat_base.tokenizer
    (long,) = answer_prompts(model, tokenizer, ["Sort: 3 1 2"], most=40)
    (cut,) = answer_prompts(model, tokenizer, ["Sort: 3 1 2"], most=40, whole=lambda text: len(text) > 3)
    assert cut.ended and long.text.startswith(cut.text) and len(cut.text) < len(long.text)


def test_what_calls_nothing_is_left_alone_to_the_bit(knower, chat_base):
    found = compared_with_base(
        knower, chat_base.model, knower.tokenizer, ["Hello", "Sort: 2 1", "Tell me of 5 sheep"], 6
    )
    assert [alone for _, alone in found] == [True, False, True]
    assert found[1][0].right((1, 2))


def test_another_model_does_not_leave_it_alone(knower, chat_base):
    other = copy.deepcopy(chat_base.model)
    with torch.no_grad():
        other.lm_head.weight.neg_()
    assert [alone for _, alone in compared_with_base(knower, other, knower.tokenizer, ["Hello"], 6)] == [False]


# --- prompts from a file


def written(tmp_path, *lines):
    path = tmp_path / "prompts.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_prompts_are_read_with_what_is_told_of_them(tmp_path):
    path = written(
        tmp_path, '{"prompt": "Sort 3 1", "answer": [1, 3], "task": "sort", "length": 2, "calls": 1, "phrasing": "my"}',
        "", '{"prompt": "Count it", "answer": 7}', '{"prompt": "Hello", "answer": null}',
        '{"prompt": "one\\u2028line", "answer": []}', "  ",
    )  # fmt: skip
    first, second, third, fourth = read_prompts(path)
    assert (first.text, first.answer, first.task, first.length, first.calls, first.phrasing) == (
        "Sort 3 1", (1, 3), "sort", 2, 1, "my")  # fmt: skip
    assert (second.answer, second.task, second.calls) == ((7,), "prompts", 1)
    assert (third.answer, third.task, third.length, third.calls) == (None, "chat", 0, 0)
    assert fourth.answer == () and "\u2028" in fourth.text


@pytest.mark.parametrize("line", [
    "{", "[]", "3", "null", '"Sort"', '{"prompt": "Sort 3"}', '{"answer": 3}', '{"prompt": 3, "answer": 3}',
    '{"prompt": " ", "answer": 3}', '{"prompt": "a", "answer": 3.5}', '{"prompt": "a", "answer": true}',
    '{"prompt": "a", "answer": "3"}', '{"prompt": "a", "answer": [1, "2"]}', '{"prompt": "a", "answer": [[1]]}',
    '{"prompt": "a", "answer": 3, "length": -1}', '{"prompt": "a", "answer": 3, "calls": "two"}', "[" * 100_000,
])  # fmt: skip
def test_a_bad_line_is_told_with_its_number(tmp_path, line):
    with pytest.raises(FormatError, match="line 2: ") as caught:
        read_prompts(written(tmp_path, '{"prompt": "fine", "answer": 1}', line))
    assert "prompts.jsonl" in str(caught.value) and "one object a line" in caught.value.remedy


def test_many_bad_lines_are_told_but_not_all(tmp_path):
    with pytest.raises(FormatError) as caught:
        read_prompts(written(tmp_path, *["x"] * 50))
    assert caught.value.message.count("line ") >= 5 and "line 50" not in caught.value.message


def test_a_file_that_is_missing_empty_or_no_text_is_said_to_be(tmp_path):
    with pytest.raises(NotFoundError):
        read_prompts(tmp_path / "nothing.jsonl")
    with pytest.raises(FormatError, match="no prompt in it"):
        read_prompts(written(tmp_path, "", " "))
    with pytest.raises(FormatError, match="not readable text"):
        read_prompts(tmp_path)
    (tmp_path / "bytes.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormatError, match="not readable text"):
        read_prompts(tmp_path / "bytes.jsonl")
