"""Later turns: "sort it" means the list that was there last, or the language model answers; nothing is made up."""

import pytest
import torch

from ncl.llama.pretrained.chat_format import chat_ids

HERE, SORTED = ("Here: 3, 9, 1", "ok"), ("Sort: 3, 9, 1", "1, 3, 9")
NONE = (None, None)
TOLD = "I compute with whole numbers from 0 to 65534; this is none: "
# What is asked, the turns before, and what is answered on which list; NONE where the language model answers.
SESSIONS = [
    ("Sort it", [], NONE),
    ("Sort it", [("Hello", "Hi")], NONE),
    ("Sort it", [HERE], ("1, 3, 9", (3, 9, 1))),
    ("Reverse that", [SORTED], ("9, 3, 1", (1, 3, 9))),
    ("Now Reverse it, please", [HERE, ("Hello", "Hi")], ("1, 9, 3", (3, 9, 1))),
    ("Count 9 in it", [HERE], ("1", (3, 9, 1))),
    ("Sum modulo 10 of it", [SORTED], ("3", (1, 3, 9))),
    ("Sort it then reverse it", [HERE], ("9, 3, 1", (3, 9, 1))),
    ("Sort it", [SORTED, ("Here: 8, 6", "ok")], ("6, 8", (8, 6))),
    ("Sort it", [("Count 3 in: 3, 9, 1", "1")], ("1", (1,))),
    ("Sort it", [("Here: 3, -9, 1", "ok")], (TOLD + "-9.", None)),
    ("Sort it", [("A: 3, 9, 1\nB: 7, 2", "ok")], NONE),
    ("Sort the second one", [("A: 3, 9, 1\nB: 7, 2", "ok")], NONE),
    ("Sort it", [SORTED, ("Here: 8", "ok")], NONE),
    ("Sort it", [SORTED, ("Sort []", "")], NONE),
    ("Sort: 5, 4", [SORTED], ("4, 5", (5, 4))),
    ("Sort it: 5, 4", [SORTED], ("4, 5", (5, 4))),
    # What the reader does not take for data is still there.
    ("Sort [5, 4]", [SORTED], NONE),
    ("Sort 5 4 please", [SORTED], NONE),
    ("Sort 7", [HERE], NONE),
    ("Sort five, two and six", [HERE], NONE),
    ("Sort ٣, ١", [HERE], NONE),
    ("Sort these words: pear, apple", [HERE], NONE),
    ("Count 9 in 5, 4", [HERE], NONE),
    ("Sort []", [HERE], ("", ())),
    ("Sort an empty list", [HERE], ("", ())),
]


@pytest.fixture
def say(model, by_digit):
    """`say(text, turns)`: (the called answer, its first tape)."""

    def run(text, before):
        ids = torch.tensor([chat_ids(by_digit, text, before)])
        model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=2, do_sample=False, pad_token_id=0)
        if not model.latest.called_B[0]:
            return NONE
        calls = model.latest.calls[0]
        answer = by_digit.decode(model.latest.block(0), skip_special_tokens=True)
        return answer, calls[0].tape if calls else None

    return run


@pytest.mark.parametrize("text, before, right", SESSIONS)
def test_a_later_turn_means_the_list_that_was_there_last_or_calls_nothing(say, text, before, right):
    assert say(text, before) == right


@pytest.mark.parametrize("text", ["Sort it", "Reverse that", "Sum modulo 10 of it", "Count 9 in it"])
def test_rows_of_a_batch_keep_to_their_own_turns(model, by_digit, text):
    rows = [chat_ids(by_digit, text, [(f"Here: {n}, 9, 1", "ok")]) for n in (3, 4, 5)]
    rows.append(chat_ids(by_digit, text, [("Hello, now you", "ok")]))
    size = max(map(len, rows))
    ids = torch.tensor([[0] * (size - len(row)) + row for row in rows])
    mask = torch.tensor([[0] * (size - len(row)) + [1] * len(row) for row in rows])
    model.generate(ids, attention_mask=mask, max_new_tokens=2, do_sample=False, pad_token_id=0)
    tapes = [[call.tape for call in calls] for calls in model.latest.calls]
    assert tapes == [[(3, 9, 1)], [(4, 9, 1)], [(5, 9, 1)], []]
