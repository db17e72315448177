"""The lexer of natural prompts: whole numbers out of digits or groups of digits, and what is no whole number told."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from ncl.errors import ConfigurationError
from ncl.llama.from_scratch.tokenizer import make_tokenizer
from ncl.llama.pretrained.number_lexer import BAR, COMMA, DIGITS, LINE, SEMICOLON, NumberLexer

LARGEST = (1 << 16) - 2


@pytest.fixture
def read(tokenizer, lexer):
    """`read(text)`: the units with their text."""

    def units(text, largest=LARGEST):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        return lexer.units(ids, largest)

    return units


def values(units):
    return [unit.value for unit in units if unit.value is not None]


def faults(units):
    return [unit.fault for unit in units if unit.fault]


@pytest.mark.parametrize("text, expected", [
    ("7", [7]), ("42", [42]), ("999", [999]), ("1000", [1000]), ("65534", [65534]), ("3 1 2", [3, 1, 2]),
    ("3,1,2", [3, 1, 2]), ("12, 345, 6789", [12, 345, 6789]), ("sort 5 and 60", [5, 60]), ("1\n2\n33", [1, 2, 33]),
    ("[1;2|3]", [1, 2, 3]), ("1 / 2 3 / 4", [1, 2, 3, 4]), ("5.", [5]), ("5. 6", [5, 6]),
    ("", []), ("none at all", []),
])  # fmt: skip
def test_numbers_are_whole_whatever_tokens_they_are_made_of(read, text, expected):
    assert values(read(text)) == expected and not faults(read(text))


@pytest.mark.parametrize("text, expected", [("007", 7), ("000", 0), ("0001", 1), ("0999", 999), ("00000065534", 65534)])
def test_leading_zeros_count_for_nothing(read, text, expected):
    assert values(read(text)) == [expected] and not faults(read(text))


@pytest.mark.parametrize("text, told", [
    ("-5", ["-5"]), ("sort -5 3", ["-5"]), ("3, -5, 2", ["-5"]), ("3,-5,2", ["-5"]), ("[-5, -60]", ["-5", "-60"]),
    ("(-1234)", ["-1234"]), ("3 -5", ["3 -5", "-5"]), ("\n-5", ["-5"]), (": -007", ["-007"]),
])  # fmt: skip
def test_a_sign_before_a_number_makes_it_negative(read, text, told):
    assert faults(read(text)) == told


@pytest.mark.parametrize("text, told", [
    ("3-5", "3-5"), ("a-5", "a-5"), ("covid-19", "covid-19"), ("3 - 5", "3 - 5"), ("- 5", "- 5"), ("12-345", "12-345"),
    ("2024-10-31", "2024-10-31"), ("x7y", "x7y"), ("3/4", "3/4"),
])  # fmt: skip
def test_digits_that_may_be_part_of_something_else_are_told_with_it(read, text, told):
    assert set(faults(read(text))) == {told}


@pytest.mark.parametrize("text", ["put on top:\n- 5 is pushed\n- 6 is pushed", "3\n---\n5", "{xs} - give 5 of them"])
def test_a_dash_that_is_no_sign_is_none(read, text):
    assert not faults(read(text))


@pytest.mark.parametrize("text, told, count", [
    ("3.5", ["3.5"], 1), ("3.14159", ["3.14159"], 1), ("-2.5", ["-2.5"], 1), ("1, 2.5, 3", ["2.5"], 3),
    ("1.2.3", ["1.2.3"], 1), ("0.5.", ["0.5"], 1), ("2 .5 3", ["2 .5", ".5"], 3), ("007.250", ["007.250"], 1),
])  # fmt: skip
def test_a_fraction_is_one_number_that_no_word_holds(read, text, told, count):
    assert faults(read(text)) == told and len(values(read(text))) == count


@pytest.mark.parametrize("text", ["No.5", "fig.12", "Sort 5. 6 is more.", "5 ."])
def test_a_point_that_ends_a_word_or_a_sentence_makes_no_fraction(read, text):
    assert not faults(read(text))


def test_what_is_larger_than_any_word_is_told_as_it_was_written(read):
    assert faults(read("1 65534 65535 65536 70000 123456789")) == ["65535", "65536", "70000", "123456789"]
    assert faults(read("4294967294", largest=2**32 - 2)) == [] and faults(read("4294967295", 2**32 - 2)) != []
    assert faults(read("998 999", largest=998)) == ["999"]


def test_a_number_of_ten_thousand_digits_is_read_and_told_in_short(read):
    (unit,) = read("9" * 10_000)
    assert unit.value == LARGEST + 1 and unit.fault == "9" * 24 + "…"
    assert [u.fault for u in read("0" * 10_000 + "7")] == [""]


@pytest.mark.parametrize("text, kind", [
    (",", COMMA), (" ,", COMMA), (",\n", COMMA), (";", SEMICOLON), (";\n", SEMICOLON), (",;", SEMICOLON), ("|", BAR),
    (" /", BAR), ("/,", BAR), ("|\n", LINE), (" |\n\n", LINE), ("\n", LINE), ("\n\n", LINE),
])  # fmt: skip
def test_a_separator_of_several_characters_is_as_strong_as_its_strongest(text, kind):
    words = Tokenizer(models.WordLevel({**{digit: i for i, digit in enumerate("0123456789")}, text: 10}, unk_token="0"))
    lexer = NumberLexer(11).fill(PreTrainedTokenizerFast(tokenizer_object=words))
    assert lexer.code_V[10] == kind


def test_signs_and_separators_do_not_part_a_list_but_words_do(read):
    def parted(text):
        return [not unit.separator for unit in read(text) if unit.value is None]

    assert not any(parted("3, -5; 2")) and not any(parted("3 -5 .5")) and not any(parted("1,2\n3"))
    assert any(parted("3 and 5")) and any(parted("3-5")) and any(parted("3. 5"))


def test_a_unit_stands_at_the_last_token_of_its_number(tokenizer, lexer):
    ids = tokenizer("a 1234567, 8.25 b")["input_ids"]
    pieces = [tokenizer.decode([token]) for token in ids]
    for unit in lexer.units(ids, LARGEST):
        if unit.value is not None:
            assert "".join(pieces[: unit.token + 1]).endswith("1234567" if unit.value != 8 else "8.25")


def test_marks_are_text_without_letters(read):
    assert [unit.mark for unit in read("x: y") if unit.value is None] == [False, True, False]


def test_blanks_are_no_units(tokenizer, read):
    assert len(read("  5   6  ")) == 2


@settings(max_examples=60, deadline=None)
@given(numbers=st.lists(st.integers(0, LARGEST), max_size=30), separator=st.sampled_from([" ", ", ", ",", "; ", "\n"]))
def test_any_list_reads_back(tokenizer, lexer, numbers, separator):
    ids = tokenizer(separator.join(map(str, numbers)), add_special_tokens=False)["input_ids"]
    units = lexer.units(ids, LARGEST)
    assert values(units) == numbers
    assert all(unit.separator for unit in units if unit.value is None)
    short = separator == "," and (len(numbers) == 2 or all(len(str(n)) in (2, 3) for n in numbers[1:]))
    assert not faults(units) or short  # as 1,5 or 1,234, which may be one number


@settings(max_examples=60, deadline=None)
@given(text=st.text("0123456789-., a:\n(", max_size=40))
def test_any_text_has_units_in_order_and_no_value_past_the_words(tokenizer, lexer, text):
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    units = lexer.units(ids, 999)
    places = [unit.token for unit in units]
    assert places == sorted(set(places))
    assert all(unit.fault for unit in units if unit.value is not None and unit.value > 999)
    assert all(unit.value is not None and unit.value <= 1000 for unit in units if unit.fault)


# --- the table


def test_the_table_survives_every_cast_and_is_what_the_certificate_covers(lexer):
    moved = NumberLexer(len(lexer.code_V))
    with pytest.raises(ConfigurationError, match="not been filled"):
        moved.units([0], LARGEST)
    moved.load_state_dict(lexer.state_dict())
    for dtype in (torch.bfloat16, torch.float16, torch.float64):
        moved.to(dtype)
    assert moved.code_V.dtype == torch.int16 and torch.equal(moved.code_V, lexer.code_V)
    assert moved.tables().keys() == {"lexer.code", "lexer.written"}
    assert not torch.equal(moved.tables()["lexer.written"], lexer.tables()["lexer.written"])


def test_a_model_may_have_more_embeddings_than_the_tokenizer_has_tokens(tokenizer, lexer):
    wide = NumberLexer(len(tokenizer) + 7).fill(tokenizer)
    assert torch.equal(wide.code_V[:-7], lexer.code_V) and not wide.code_V[-7:].any()


def test_a_digit_token_with_a_blank_in_front_begins_a_number():
    names = {**{str(i): i for i in range(10)}, **{f"▁{i}": 10 + i for i in range(10)}, "▁": 20}
    words = Tokenizer(models.WordLevel(names, unk_token="▁"))
    words.decoder = decoders.Metaspace()
    lexer = NumberLexer(21).fill(PreTrainedTokenizerFast(tokenizer_object=words))
    assert values(lexer.units([11, 2, 13, 4, 5, 16], LARGEST)) == [12, 345, 6]
    assert sum(abs(code) >= DIGITS for code in lexer.code_V.tolist()) == 20


def test_a_tokenizer_without_digits_is_refused():
    letters = Tokenizer(models.WordLevel({"a": 0, "b": 1, "7": 2}, unk_token="a"))
    letters.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    with pytest.raises(ConfigurationError, match="no token for 0, 1, 2, 3, 4, 5, 6, 8, 9"):
        NumberLexer(3).fill(PreTrainedTokenizerFast(tokenizer_object=letters))


def test_a_tokenizer_that_merges_many_digits_is_refused():
    names = [*map(str, range(10)), "200000"]
    long = Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, unk_token="0"))
    with pytest.raises(ConfigurationError, match="more than 4 digits, as 200000"):
        NumberLexer(11).fill(PreTrainedTokenizerFast(tokenizer_object=long))


def test_the_structured_tokenizer_could_be_read_too():
    made = make_tokenizer(["sort"])
    lexer = NumberLexer(len(made)).fill(made)
    assert values(lexer.units(made("sort 1023 7", add_special_tokens=False)["input_ids"], LARGEST)) == [10237]


def test_a_tokenizer_that_turns_numerals_into_plain_digits_is_refused():
    words = Tokenizer(models.WordLevel({**{str(i): i for i in range(10)}, "10": 10, "102": 11}, unk_token="0"))
    words.normalizer = normalizers.NFKC()
    with pytest.raises(ConfigurationError, match="turns 10² into 102"):
        NumberLexer(12).fill(PreTrainedTokenizerFast(tokenizer_object=words))


def test_what_tokens_write_is_the_text_whatever_its_script(tokenizer, lexer):
    for text in ("Sort 3, 1", "sortiere ½ – ५ 🙂 5\u20e3\n", "naïve 數字 12"):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        spelled = lexer.spelled(ids)
        assert spelled.text == text
        for at in range(len(text)):
            whole = tokenizer.decode(ids[: spelled.token(at) + 1])
            assert whole.startswith(text[: at + 1])
