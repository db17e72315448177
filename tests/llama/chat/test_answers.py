"""Chat prompts in `generate()`: exact answers, however they are batched, cached, sampled or streamed."""

PROMPTS = ["Reverse: 3 1 2", "Count 5 in: 5 6 5", "Stack: push 5, push 60, pop, push 7", "Sort: 3, 100, 2, 1",
           "Sum modulo 10: 5 6 7", "Sort: 3 1 2, then reverse it, then count 2 in it"]  # fmt: skip
ANSWERS = ["2, 1, 3", "2", "5, 7", "1, 2, 3, 100", "8", "1"]


def test_every_task_and_a_chain_are_answered(model, ask):
    assert ask(model, *PROMPTS) == ANSWERS
