"""The suite of one program: which checks it gets, that they pass, that they fail, and that failures replay."""

import json
import re

import pytest

from ncl import library
from ncl.language.opcodes import Opcode
from ncl.language.parse import parse_text
from ncl.machine.circuits import onehot
from ncl.machine.executors import integer, pathwise
from ncl.properties import suite
from ncl.properties.failure import Failed
from ncl.properties.search import Profile
from ncl.verify.engine import counterexample
from ncl.verify.runs import property_checks

QUICK = Profile("quick", runs=6, soft=2)
HEAD = "from ncl import Array, Word, program\n\n\n@program\n"
CLIP = HEAD + "def clip(xs: Array, top: Word) -> Array:\n    for i in range(len(xs)):\n        if xs[i] > top:\n" \
    "            xs[i] = top\n    return xs\n"  # fmt: skip


def subject(text, width=8):
    return suite.Subject(parse_text(text, "mine.py")[0], text, width)


def failing(name, given, monkeypatch, tmp_path):
    """The failure of a check, after its counterexample was written, read and run again."""
    with pytest.raises(Failed) as found:
        suite.run(name, given, QUICK)
    case = json.loads(json.dumps(found.value.case))
    file = counterexample.write(case, tmp_path, "found")
    again = counterexample.replay(file)
    assert again.reproduced and (again.expected, again.got) == (found.value.expected, found.value.got)
    monkeypatch.undo()
    return found.value, counterexample.replay(file)


def test_a_program_gets_examples_and_asserts_only_where_it_has_any():
    four = ("source = bytecode", "source = python", "executors agree", "hard = soft limit", "gradients")
    assert suite.names(subject(CLIP).function) == four
    assert suite.names(library.get("count")) == ("examples", *four)
    assert suite.names(subject(CLIP.replace("    return", "    assert len(xs) < 9\n    return")).function) == (
        "asserts hold", *four,
    )  # fmt: skip
    assert all(part in suite.PARTS for parts in suite.CHECKS.values() for part in parts)


def test_the_page_names_every_item_and_every_check():
    import importlib
    from pathlib import Path

    page = (Path(__file__).resolve().parents[2] / "docs" / "properties.md").read_text()
    assert all(f"| `{name}` |" in page for name in suite.CHECKS)
    for module, check in re.findall(r"\| `(\w+)` \|.*?`(check_\w+)`", page):
        assert hasattr(importlib.import_module(f"ncl.properties.{module}"), check)


@pytest.mark.parametrize("name", list(suite.CHECKS)[2:])
def test_every_check_passes_on_a_right_program(name):
    suite.run(name, subject(CLIP), QUICK)


def test_a_program_of_words_alone_passes_every_check():
    text = HEAD + "def mix(a: Word, b: Word) -> Word:\n    while b > 2:\n        b -= 1\n        a += b\n    return a\n"
    for name in suite.names(subject(text).function):
        suite.run(name, subject(text), QUICK)


def test_words_of_16_bits_that_meet_in_one_op_are_no_trouble():
    text = HEAD + "def square(x: Word, y: Word) -> Word:\n    return x * y + x // (y + 1)\n"
    suite.run("executors agree", subject(text, 16), QUICK)


def test_wide_literals_leave_the_soft_checks_out_and_say_why():
    wide = subject(HEAD + "def f(x: Word) -> Word:\n    return x + 1000\n", 16)
    assert wide.narrow is None
    assert "at most 8 bits" in suite.inapplicable("gradients", wide) and "soft" in suite.inapplicable(
        "hard = soft limit", wide
    )
    assert not suite.inapplicable("executors agree", wide) and not suite.inapplicable("gradients", subject(CLIP))
    suite.run("executors agree", wide, QUICK)


def test_the_narrow_machine_is_the_narrowest_for_the_literals():
    assert subject(CLIP).narrow.sizes.width == 3
    assert subject(CLIP.replace("> top", "> 40")).narrow.sizes.width == 6


def test_a_wrong_executor_fails_and_replays_until_it_is_mended(monkeypatch, tmp_path):
    right = integer.run
    monkeypatch.setattr(integer, "run", lambda p, rows, budget: right(p, [[r[0][::-1], r[1]] for r in rows], budget))
    found, gone = failing("executors agree", subject(CLIP), monkeypatch, tmp_path)
    assert found.what.startswith("clip([0, 1], ") and "(integer)" in found.got
    assert not gone.reproduced and gone.what == "integer of clip, as recorded"


def test_an_executor_that_breaks_fails_with_its_input(monkeypatch, tmp_path):
    def broken(program, rows, budget):
        raise ArithmeticError("a replay of hard inputs left the one-hot vectors")

    monkeypatch.setattr(pathwise, "run", broken)
    found, gone = failing("executors agree", subject(CLIP), monkeypatch, tmp_path)
    assert found.what == "clip([], 0) at width 3" and found.got.startswith("ArithmeticError: a replay")
    assert not gone.reproduced


def test_a_leaking_kernel_fails_the_soft_limit_and_replays(monkeypatch, tmp_path):
    real = onehot.CIRCUITS[Opcode.LESS]
    monkeypatch.setitem(onehot.CIRCUITS, Opcode.LESS, lambda *operands: real(*operands) * 0.99)
    found, gone = failing("hard = soft limit", subject(CLIP), monkeypatch, tmp_path)
    assert "mass 1" in found.expected and not gone.reproduced


def test_a_wrong_gradient_fails_and_replays(monkeypatch, tmp_path):
    real = pathwise.push_constant
    monkeypatch.setattr(pathwise, "push_constant", lambda *a, **o: real(*a, **o).detach() + 0 * a[1].sum())
    text = HEAD + "def double(x: Word) -> Word:\n    return x * 2\n"
    found, gone = failing("gradients", subject(text), monkeypatch, tmp_path)
    assert found.what.startswith("the gradient of double(0)") and not gone.reproduced


def test_a_replayed_program_is_the_one_that_its_file_holds_now(tmp_path, monkeypatch):
    file = tmp_path / "mine.py"
    text = CLIP.replace("    for", '    """Cut.\n\n    clip([5], 3) -> [4]\n    """\n    for')
    file.write_text(text)
    given = suite.Subject(parse_text(text, str(file))[0], text, 8)
    with pytest.raises(Failed) as found:
        suite.run("examples", given, QUICK)
    case = found.value.case
    assert property_checks.replay(case).reproduced and "as mine.py has it now" in property_checks.replay(case).what
    file.write_text(text.replace("[4]", "[3]"))
    assert not property_checks.replay(case).reproduced, "the example was mended"
    file.write_text(text.replace("= top", "= 4"))
    assert not property_checks.replay(case).reproduced, "the program was mended"
    file.write_text("no program (")
    assert "as recorded" in property_checks.replay(case).what and property_checks.replay(case).reproduced
    file.unlink()
    assert property_checks.replay(case).reproduced


def test_a_program_with_constants_replays_with_them(tmp_path):
    text = "from ncl import Word, program\n\nLIMIT = 7\n\n\n@program\ndef f(x: Word) -> Word:\n" \
        "    x = x & LIMIT\n    assert x < 5\n    return x\n"  # fmt: skip
    with pytest.raises(Failed) as found:
        suite.run("asserts hold", subject(text), QUICK)
    assert found.value.what == "f(5) at width 8"
    again = counterexample.replay(counterexample.write(found.value.case, tmp_path, "x"))
    assert again.reproduced and again.what == "f(5) at width 8, as recorded"
