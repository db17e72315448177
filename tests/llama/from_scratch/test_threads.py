"""One model from scratch, many threads."""

from concurrent.futures import ThreadPoolExecutor

import pytest


@pytest.mark.parametrize("threads, each", [(4, 20), pytest.param(8, 1000, marks=pytest.mark.nightly)])
def test_every_thread_gets_its_own_answers(knower, ask, threads, each):
    def wrong(seed):
        found = 0
        for number in range(each):
            numbers = [(seed * 101 + number * 13 + at * 37) % 128 for at in range(1 + number % 6)]
            listed = " ".join(map(str, numbers))
            answers = ask(knower, f"reverse {listed} =", f"sort {listed} =", max_new_tokens=9)
            found += answers != [" ".join(map(str, numbers[::-1])), " ".join(map(str, sorted(numbers)))]
        return found

    with ThreadPoolExecutor(threads) as pool:
        assert list(pool.map(wrong, range(threads))) == [0] * threads
