"""Documents that decide something are read strictly, and their canonical form is RFC 8785."""

import hashlib
import json
import math
import struct

import pytest

from ncl import certificate as record
from ncl import strict_json
from ncl.errors import FormatError, NotFoundError
from ncl.language.program import Program

# From appendix B of RFC 8785: the bits of a double, and how JSON writes it.
NUMBERS = [
    (0x0000000000000000, "0"), (0x8000000000000000, "0"), (0x0000000000000001, "5e-324"),
    (0x8000000000000001, "-5e-324"), (0x7FEFFFFFFFFFFFFF, "1.7976931348623157e+308"),
    (0x4340000000000000, "9007199254740992"), (0x4430000000000000, "295147905179352830000"),
    (0x44B52D02C7E14AF5, "9.999999999999997e+22"), (0x44B52D02C7E14AF6, "1e+23"),
    (0x44B52D02C7E14AF7, "1.0000000000000001e+23"), (0x444B1AE4D6E2EF4E, "999999999999999700000"),
    (0x444B1AE4D6E2EF4F, "999999999999999900000"), (0x444B1AE4D6E2EF50, "1e+21"),
    (0x3EB0C6F7A0B5ED8C, "9.999999999999997e-7"), (0x3EB0C6F7A0B5ED8D, "0.000001"),
    (0x41B3DE4355555553, "333333333.3333332"), (0xBECBF647612F3696, "-0.0000033333333333333333"),
    (0x43143FF3C1CB0959, "1424953923781206.2"),
]  # fmt: skip


@pytest.mark.parametrize("bits, text", NUMBERS, ids=[text for _, text in NUMBERS])
def test_numbers_are_written_as_the_standard_does(bits, text):
    (value,) = struct.unpack(">d", bits.to_bytes(8, "big"))
    assert strict_json.canonical(value).decode() == text
    assert float(text) == value


def test_keys_stand_in_the_order_of_their_utf_16_units():
    # The example of section 3.2.3.
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    written = strict_json.canonical(dict.fromkeys(names, 0)).decode()
    assert list(json.loads(written)) == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


def test_texts_are_escaped_as_the_standard_does():
    # The example of section 3.2.2.
    told = '"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/"'
    assert strict_json.canonical(json.loads(told)).decode() == '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'


def test_a_programs_canonical_bytes_are_the_standards():
    from ncl.build import compile

    program = compile("insertion_sort", width=8).program
    data = {**program.to_json(), "name": "größe"}
    for one in (program, Program.from_json(data)):
        assert one.canonical() == strict_json.canonical(one.to_json())


@pytest.mark.parametrize("value", [math.nan, math.inf, "\ud800", 1 << 60, {"\udfff": 1}], ids=ascii)
def test_what_json_cannot_say_has_no_canonical_form(value):
    with pytest.raises(ValueError):
        strict_json.canonical(value)


STRICT = {
    '{"a": 1, "a": 1}': "'a' stands there twice",
    '{"a": {"b": 1, "\\u0062": 2}}': "'b' stands there twice",
    "[NaN]": "NaN is no number",
    "[-Infinity]": "-Infinity is no number",
    "[1e400]": "past what a double holds",
    "[9007199254740992]": "past 9007199254740991",
    "[-9007199254740992]": "past 9007199254740991",
    f"[{'9' * 9999}]": "past 9007199254740991",
    '["\\ud800"]': "half a character",
    '{"\\udead": 1}': "half a character",
    "\ufeff{}": "byte order mark",
    "{} {}": "Extra data",
    "[" * 70 + "]" * 70: "nested deeper",
    "[" * 99999 + "]" * 99999: "nested deeper",
    '{"a":' * 70 + "1" + "}" * 70: "nested deeper",
}
NONE = {
    "": "Expecting value",
    "{": "Expecting",
    "{'a': 1}": "Expecting",
    "[1,]": "Expecting|Illegal",
    "[01]": "Expecting",
    "[+1]": "Expecting",
    '["\t"]': "Invalid control",
}


@pytest.mark.parametrize("text, told", STRICT.items(), ids=[ascii(t[:30]) for t in STRICT])
def test_json_that_two_readers_could_take_differently_is_refused(text, told):
    with pytest.raises(FormatError, match=told) as caught:
        strict_json.parse(text.encode("utf-8", "surrogatepass"), "certificate", "there")
    assert caught.value.exit_code == 1 and caught.value.where == "there" and "\n" not in caught.value.message
    caught.value.message.encode()


@pytest.mark.parametrize("text, told", NONE.items(), ids=[ascii(t) for t in NONE])
def test_what_is_no_json_is_a_wrong_input(text, told):
    with pytest.raises(FormatError, match=told) as caught:
        strict_json.parse(text, "certificate", "there")
    assert caught.value.exit_code == 2


def test_what_is_strict_is_read_as_it_stands():
    text = '{"a": [1, -1, 0.1, 1e-400, true, null, "ä\\ud83d\\ude00"], "b": {"a": 9007199254740991}}'
    assert strict_json.parse(text, "x", "") == json.loads(text)
    assert strict_json.parse("[18446744073709551615]", "x", "", (1 << 64) - 1) == [(1 << 64) - 1]


def test_files_that_are_none_are_told(tmp_path):
    with pytest.raises(NotFoundError, match="no certificate there"):
        strict_json.read(tmp_path / "nowhere", "certificate")
    with pytest.raises(FormatError, match="no regular file"):
        strict_json.read(tmp_path, "certificate")
    (tmp_path / "x").write_bytes(b'"\xff"')
    with pytest.raises(FormatError, match="not UTF-8 at byte 1"):
        strict_json.read(tmp_path / "x", "certificate")


def test_a_certificates_seal_can_be_recomputed_by_hand(certificate, tmp_path):
    record.write(certificate, tmp_path / "certificate.json")
    told = json.loads((tmp_path / "certificate.json").read_bytes())
    seal = told.pop("seal")
    assert hashlib.sha256(strict_json.canonical(told)).hexdigest() == seal
