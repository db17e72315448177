"""From a prompt's tokens to what is read: the last user message, long runs shortened, long texts in windows."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ncl.errors import ConfigurationError
from ncl.llama.pretrained.chat_format import Markers, chat_ids, markers
from ncl.llama.pretrained.number_lexer import COMMA, Unit
from ncl.llama.pretrained.prompt_units import (
    EDGE,
    HEAD,
    OVERLAP,
    WHOLE,
    WINDOW,
    last_user_message,
    message,
    number_runs,
    windows,
)

LARGEST = (1 << 16) - 2
N, T, S = Unit(0, 5), Unit(0), Unit(0, separator=COMMA)


@pytest.fixture
def read(tokenizer, lexer, around):
    """`read(text)`: the message of a prompt with this text."""
    return lambda text: message(chat_ids(tokenizer, text), around, lexer, LARGEST)


def text_of(tokenizer, found):
    return tokenizer.decode(found.tokens)


def turns(tokenizer, *texts, answer=True):
    """A conversation that begins with a user message."""
    told = [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(texts)]
    shown = tokenizer.apply_chat_template(told, tokenize=False, add_generation_prompt=answer)
    return tokenizer(shown, add_special_tokens=False)["input_ids"]


# --- where the message is


def test_the_markers_are_read_off_the_chat_template(tokenizer, around):
    text = tokenizer.decode(around.after)
    before = tokenizer.decode(around.before)
    assert before in ("<|im_end|>\n<|im_start|>user\n", "<|start_header_id|>user<|end_header_id|>\n\n")
    assert text in ("<|im_end|>\n<|im_start|>assistant\n",
                    "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n")  # fmt: skip


@pytest.mark.parametrize("text", ["Sort 3 1 2", "", "  ", "7", "user\n5", "Hello"])
def test_the_span_is_the_users_message(tokenizer, around, text):
    ids = chat_ids(tokenizer, text)
    first, end = last_user_message(ids, around)
    assert tokenizer.decode(ids[first:end]).strip() == text.strip()


def test_the_last_of_several_messages_is_read_as_it_would_be_alone(tokenizer, around, lexer):
    ids = turns(tokenizer, "Sort 9 8 7", "7, 8, 9", "Reverse 1 2 3", "3, 2, 1", "Count 5 in 5 6")
    found, alone = (message(i, around, lexer, LARGEST) for i in (ids, chat_ids(tokenizer, "Count 5 in 5 6")))
    assert text_of(tokenizer, found) == "Count 5 in 5 6"
    assert found.shortened and not alone.shortened  # what was said before is left out
    assert (found.prefix, found.tokens, found.place, found.words) == (
        alone.prefix, alone.tokens, alone.place, alone.words)  # fmt: skip


def test_what_was_begun_of_the_answer_is_told(tokenizer, around, lexer):
    ids = chat_ids(tokenizer, "Sort 3 1 2")
    begun = tokenizer("1, 2", add_special_tokens=False)["input_ids"]
    assert message(ids, around, lexer, LARGEST).given == ()
    assert message([*ids, *begun], around, lexer, LARGEST).given == tuple(begun)


def test_without_a_place_for_the_answer_no_message_asks(tokenizer, around):
    assert last_user_message(turns(tokenizer, "Sort 3 1 2", answer=False), around) is None
    assert last_user_message(tokenizer("Sort 3 1 2")["input_ids"], around) is None
    assert last_user_message([], around) is None


def test_without_a_chat_template_the_whole_prompt_is_the_message(lexer, by_group):
    assert last_user_message([4, 5, 6], Markers()) == (0, 3) and last_user_message([], Markers()) is None
    assert message([4, 5, 6], Markers(), lexer, LARGEST).prefix == ()
    plain = type(by_group)(tokenizer_object=by_group.backend_tokenizer)
    assert markers(plain) == Markers() and chat_ids(plain, "Sort 3") == plain("Sort 3")["input_ids"]


@pytest.mark.parametrize("template", ["{{ messages[0]['content'] }}", "no message in it",
                                      "{{ messages[0]['content'] }}{{ messages[0]['content'] }}."])  # fmt: skip
def test_a_chat_template_that_does_not_show_the_message_is_refused(by_digit, template):
    odd = type(by_digit)(tokenizer_object=by_digit.backend_tokenizer)
    odd.chat_template = template
    with pytest.raises(ConfigurationError, match="chat template"):
        markers(odd)


def test_a_short_chat_template_will_do(by_digit):
    short = type(by_digit)(tokenizer_object=by_digit.backend_tokenizer)
    short.chat_template = "{% for m in messages %}({{ m['content'] }}){% endfor %}"
    assert [short.decode(part) for part in (markers(short).before, markers(short).after)] == ["(", ")"]


# --- runs and clauses


@pytest.mark.parametrize("units, expected", [
    ([], []), ([T, T], []), ([N], [[0]]), ([N, N, S, N], [[0, 1, 3]]), ([N, T, N], [[0], [2]]),
    ([T, N, S, S, N, T, S, N], [[1, 4], [7]]), ([S, N, S], [[1]]),
])  # fmt: skip
def test_runs_are_numbers_with_nothing_but_separators_between(units, expected):
    assert number_runs(units) == expected


@pytest.mark.parametrize("text, expected", [
    ("Sort 3, 1, 2 / 5, 4", [[3, 1, 2], [5, 4]]),
    ("Sort 3 1 | 5 4 | 6", [[3, 1], [5, 4], [6]]),
    ("1, 2; 3, 4\n5, 6", [[1, 2], [3, 4], [5, 6]]),
    ("1, 2\n3; 4", [[1, 2], [3, 4]]), ("1; 2 / 3; 4", [[1, 2], [3, 4]]), ("1 | 2\n3 | 4", [[1, 2], [3, 4]]),
    ("3 1 2\n5\n6 7", [[3, 1, 2], [5], [6, 7]]),
    ("1, -2; 3, .5", [[1, 2], [3, 5]]),
    # One list, also over several lines, and where commas are forgotten.
    ("3\n1\n2", [[3, 1, 2]]), ("3; 1; 2", [[3, 1, 2]]), ("3 / 1 / 2", [[3, 1, 2]]),
    ("3, 1,\n2, 5", [[3, 1, 2, 5]]), ("3; 1;\n2", [[3, 1, 2]]), ("3, 1 2, 5", [[3, 1, 2, 5]]),
    # What counts the lines is in no list of theirs; the last of one that goes down the page is.
    ("1) 20\n2) 30 40", [[1], [20], [2], [30, 40]]), ("1. 20 30\n2. 40 50", [[1], [20, 30], [2], [40, 50]]),
    ("1) 20; 30, 40\n2) 50", [[1], [20], [30, 40], [2], [50]]),
    ("1) 3\n4\n5\n2) 6", [[1], [3, 4, 5], [2], [6]]), ("1, 2) 5 6", [[1, 2], [5, 6]]),
    ("3\n1\n2 in 5", [[3, 1, 2], [5]]),
    ("3\n1\n2. Sort", [[3, 1, 2]]), ("3\n1\n2.", [[3, 1, 2]]),
])  # fmt: skip
def test_lists_are_parted_by_stronger_separators_than_their_numbers(tokenizer, lexer, text, expected):
    found = lexer.units(tokenizer(text, add_special_tokens=False)["input_ids"], LARGEST)
    assert [[found[place].value for place in run] for run in number_runs(found)] == expected


def test_clauses_begin_and_end_at_marks_and_numbers(tokenizer, read):
    found = read("push 5, pop, then count.")
    pieces = [tokenizer.decode([found.tokens[place]]).strip() for place in found.place]
    ends = [piece for piece, ends in zip(pieces, found.ends) if ends]
    begins = [piece for piece, begins in zip(pieces, found.begins) if begins]
    assert len(begins) == len(ends) == 3
    assert ends[1].endswith(("p", "pop")) and "push".startswith(begins[0])


def test_text_of_equal_clauses_is_the_same_place_by_place(tokenizer, read):
    found = read("Take it off, push 5, take it off, push 7, take it off.")
    pieces = [found.tokens[place] for place in found.place]
    clauses = [
        range(b, e + 1)
        for b, e in zip(*([u for u, on in enumerate(edge) if on] for edge in (found.begins, found.ends)))
    ]
    said = [tuple(pieces[u] for u in clause) for clause in clauses]
    for clause, words in zip(clauses, said):
        first = clauses[said.index(words)]
        assert [found.same[u] for u in clause] == list(first)
    assert len(set(said)) < len(said)
    inside = {u for clause in clauses for u in clause}
    assert all(found.same[u] == u for u in range(len(pieces)) if u not in inside)


# --- shortening


def listed(count, start=0, separator=", "):
    return separator.join(str(1000 + start + i) for i in range(count))


@pytest.mark.parametrize("count", [1, 2 * EDGE - 1, 2 * EDGE])
def test_a_short_run_is_read_whole(tokenizer, read, count):
    found = read(f"Sort: {listed(count)}.")
    assert not found.shortened and text_of(tokenizer, found) == f"Sort: {listed(count)}."
    assert [words for words in found.words if words] == [(1000 + i,) for i in range(count)]


@pytest.mark.parametrize("count", [2 * EDGE + 1, 100, 1000])
def test_the_middle_of_a_long_run_is_left_out_and_stands_with_the_last_number_before_it(tokenizer, read, count):
    found = read(f"Sort: {listed(count)}.")
    kept = [*range(1000, 1000 + EDGE), *range(1000 + count - EDGE, 1000 + count)]
    assert found.shortened and text_of(tokenizer, found) == f"Sort: {', '.join(map(str, kept))}."
    stands = [words for words in found.words if words]
    middle = tuple(range(1000 + EDGE, 1000 + count - EDGE))
    assert stands == [(kept[i], *(middle if i == EDGE - 1 else ())) for i in range(2 * EDGE)]


def test_each_run_is_shortened_apart(read):
    found = read(f"Merge {listed(40)} with {listed(30, 500)} and 7.")
    assert sum(found.number) == 4 * EDGE + 1
    assert len({found.lead[u] for u in range(len(found.number)) if found.number[u]}) == 3


def test_every_number_of_a_run_leads_back_to_its_first_and_text_to_itself(read):
    found = read(f"Merge {listed(40)} with {listed(3)}.")
    for unit, (number, lead) in enumerate(zip(found.number, found.lead)):
        assert found.number[lead] if number else lead == unit
        assert lead <= unit
    leads = [lead for lead, number in zip(found.lead, found.number) if number]
    assert len(set(leads)) == 2 and leads == sorted(leads)


def test_faults_in_what_was_left_out_are_told_with_the_number_that_stands_for_it(read):
    numbers = [*map(str, range(100)), "-5", "2.5", "99999", *map(str, range(100))]
    found = read(f"Sort: {', '.join(numbers)}")
    assert [told for told in found.faults if told] == [("-5", "2.5", "99999")]


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_words_of_all_units_in_order_are_the_numbers_of_the_text(tokenizer, lexer, around, data):
    lists = data.draw(st.lists(st.lists(st.integers(0, LARGEST), max_size=40), max_size=4))
    words = data.draw(st.lists(st.sampled_from(["sort", " and ", ": ", " then\n", ". "]), min_size=5, max_size=5))
    text = "".join(word + ", ".join(map(str, numbers)) for word, numbers in zip(words, lists)) + words[-1]
    found = message(chat_ids(tokenizer, text), around, lexer, LARGEST)
    assert [w for words in found.words for w in words] == [w for numbers in lists for w in numbers]
    assert all(bool(words) == number for words, number in zip(found.words, found.number))
    assert len(found.place) == len(found.number) == len(found.lead) == len(found.words) == len(found.faults)
    assert list(found.place) == sorted(set(found.place)) and all(place < len(found.tokens) for place in found.place)


# --- windows


def test_a_message_that_is_not_long_is_one_window(read):
    found = read("Sort: 3 1 2.")
    (window,) = windows(found)
    assert window.tokens == found.prefix + found.tokens
    assert [window.tokens[place] for place in window.places] == [found.tokens[place] for place in found.place]


def steps(count):
    return "Stack: " + ", ".join("pop" if i % 3 == 2 else f"push {1000 + i}" for i in range(count)) + "."


@settings(max_examples=25, deadline=None)
@given(count=st.integers(1, 220))
def test_every_unit_is_in_one_window_at_its_own_token(tokenizer, lexer, around, count):
    found = message(chat_ids(tokenizer, steps(count)), around, lexer, LARGEST)
    seen = {}
    for window in windows(found):
        assert window.tokens[: len(found.prefix)] == found.prefix
        assert len(window.tokens) <= len(found.prefix) + max(WHOLE, HEAD + OVERLAP + WINDOW)
        for unit, place in zip(window.units, window.places, strict=True):
            assert unit not in seen and window.tokens[place] == found.tokens[found.place[unit]]
            seen[unit] = window.tokens[: place + 1]
    assert sorted(seen) == list(range(len(found.place)))


def test_windows_overlap_and_begin_as_the_message_does(read):
    found = read(steps(200))
    made = windows(found)
    assert len(found.tokens) > WHOLE and len(made) == -(-len(found.tokens) // WINDOW)
    for number, window in enumerate(made[1:], 1):
        inner = window.tokens[len(found.prefix) :]
        begin = number * WINDOW
        assert inner[:HEAD] == found.tokens[:HEAD]
        assert inner[HEAD:] == found.tokens[begin - OVERLAP : begin + WINDOW]


def test_no_window_is_longer_than_what_the_model_knows(read):
    longest = max(len(window.tokens) for window in windows(read(steps(1000))))
    assert longest <= 512
