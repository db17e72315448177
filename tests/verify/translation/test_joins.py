"""Long lines and long expressions: right code is proved however many ways lead through it, and wrong code is not."""

import random
from dataclasses import replace

import pytest
import z3

from ncl.build import Compiled, sizes_for
from ncl.language import wellformed
from ncl.language.interpret.machine import run_machine
from ncl.language.parse import parse_text
from ncl.verify.mutation import machine_code_faults
from ncl.verify.translation import joins, segment, validate
from ncl.verify.translation import points as translation_points
from ncl.verify.translation.segment import Walk

CALLEES = """
def g(n: Word) -> Word:
    return n + 1


def w(xs: Array, n: Word) -> Word:
    if n < len(xs):
        xs[n] += 1
    return n


"""


def compiled(body, signature="xs: Array, a: Word, b: Word", frame=64):
    text = f"{CALLEES}def f({signature}) -> Word:\n{body}"
    return Compiled.of(parse_text(text, "f.py", "f")[0], sizes_for(8, 16, 64, frame=frame, depth=6))


def validated(made):
    return validate.validate(made.function, made.program, made.witness)


def conditional_calls(count):
    parts = " + ".join(f"(g(a + {i}) if a > {i} else {i})" for i in range(count))
    return compiled(f"    return {parts}\n")


# --- lines of arithmetic ---------------------------------------------------------------------------------------------


def test_a_long_line_with_products_by_different_literals_is_proved_without_a_question():
    lines = "".join(f"    a = a * {i % 7} + b * {i}\n" for i in range(150))
    report = validated(compiled(f"{lines}    return a\n"))
    assert report.proved and report.questions == 0


@pytest.mark.parametrize("what", ["a * 1", "1 * a", "a * 0", "a // 1", "a | 0", "0 ^ a", "a << 0", "a >> 0"])
def test_what_leaves_a_word_as_it_is_is_folded_on_both_sides(what):
    report = validated(compiled(f"    c = {what}\n    return c * b * ({what}) + b\n"))
    assert report.proved and report.questions == 0


def test_an_expression_may_nest_as_deep_and_be_as_wide_as_the_language_allows():
    def halved(low, high):
        middle = (low + high) // 2
        return f"a * {low % 250}" if high - low == 1 else f"({halved(low, middle)} + {halved(middle, high)})"

    deep = " + ".join(f"a * {i}" for i in range(90))
    assert validated(compiled(f"    return {deep}\n")).proved
    assert validated(compiled(f"    return {halved(0, 300)}\n", frame=4096)).proved


def test_terms_of_any_depth_are_compared_part_by_part():
    x, y = z3.BitVecs("x y", 8)
    one, other, apart = x + y, y + x, x - y
    for number in range(1500):
        one, other, apart = (t * z3.BitVecVal(number | 1, 8) for t in (one, other, apart))
    assert Walk({}, 10).alike(one, other, {})
    assert not Walk({}, 10).alike(x * y + one, x * y + one + 1, {})


# --- points inside expressions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [8, 12, 40])
def test_conditional_calls_in_one_expression_cost_a_segment_each(count):
    report = validated(conditional_calls(count))
    assert report.proved and report.segments <= 2 * count and report.ends <= 8 * count


# Each has a point inside a part of another kind, with parts before it that are wanted behind it.
INSIDE = {
    "an operand": "    return a * b - (g(a) if a else b) * (g(b) if b else a)\n",
    "an argument": "    return w(xs, (g(a) if a else b)) + max(a, (b and g(b)), a & 3)\n",
    "a chain": "    return a < (g(a) if b else a) <= (b or g(a)) < (a if b else g(b))\n",
    "short circuits": "    return (a and g(a)) + (b and (g(a) if a else w(xs, b)) or g(b))\n",
    "one in another": "    return (g(a) if (b and g(b)) > 3 else (w(xs, a) if a else b)) ^ (a or g(b))\n",
    "a word that a call changes": "    return xs[0] + (w(xs, 0) if a else b) * xs[0] + (a and w(xs, 0)) + xs[0]\n",
    "values of several targets": "    a, b = (g(b) if a else b), (w(xs, a) if b else a)\n    return a + b\n",
    "a sum that is added to": "    a += (g(b) if a else b) * (a and w(xs, b))\n    return a\n",
    "a condition": "    if g(a and g(b)) < (g(a) if b else a):\n        return 3\n    return a\n",
    "an assert": "    assert g(a and g(b)) < (g(a) if b else a)\n    return a\n",
    "a statement that is a call": "    w(xs, (g(a) if b else a) + (a and w(xs, 0)))\n    return xs[0]\n",
    "a loop around": "    c = 0\n    while a:\n        a -= 1\n"
    "        c = c * 3 + (g(a) if b > a else w(xs, c))\n    return c\n",
}


def cut_inside(made):
    """The report of a function cut inside of its expressions, and nothing else tried."""
    part = made.witness.functions[0]
    points = joins.inside(made.function)
    rows = joins.rows(part, points)
    wanted = frozenset(term for row in rows for term, _ in row.locations)
    callees = {p.entry: made.function.program[p.function] for p in made.witness.functions if not p.halts}
    points = replace(points, wanted=wanted)
    return rows, validate._Validation(made.function, made.program, part, callees, 5000, points, rows).run()


@pytest.mark.parametrize("name", INSIDE)
def test_a_proof_begins_again_inside_of_an_expression(name):
    rows, report = cut_inside(compiled(INSIDE[name]))
    assert rows and report.proved, report.failures


@pytest.mark.parametrize("name", INSIDE)
def test_wrong_code_is_not_proved_when_cut_inside(name):
    """One field of a line of f is one more or less; where some run shows that this is wrong, no proof may hide it."""
    made = compiled(INSIDE[name])
    right, chance, wrong = made.program, random.Random(0), 0
    inputs = [[[chance.randrange(9) for _ in range(4)], chance.randrange(5), chance.randrange(5)] for _ in range(40)]
    lines = range(min(part.entry for part in made.witness.functions if not part.halts))
    for _ in range(16):
        number, field = chance.choice(lines), chance.choice("abc")
        value = getattr(right.code[number], field) + chance.choice((-1, 1))
        program = machine_code_faults.changed(right, number, **{field: value})
        if wellformed.violations(program):
            continue
        runs = ((run_machine(p, list(given), 300) for p in (right, program)) for given in inputs)
        if any(not one.same_meaning(other) for one, other in runs):
            wrong += 1
            assert not cut_inside(replace(made, program=program))[1].proved
    assert wrong


def test_statements_that_act_before_they_evaluate_have_no_points_inside():
    body = "    xs[a and 1] = 2\n    xs[0] += a and g(a)\n    ys = [a or 1] * (b or 2)\n"
    body += "    for i in range(a or 1):\n        b += i\n    return len(ys)\n"
    function = compiled(body).function
    assert joins.inside(function).spots == set()
    assert ("loop", "3") in translation_points.flow(function).spots


def test_an_expression_with_too_many_ways_is_told_with_the_remedy(monkeypatch):
    monkeypatch.setattr(segment, "FEW", 3)
    monkeypatch.setattr(segment, "MOST", 3)
    report = validated(conditional_calls(6))
    assert report.undecided and "statements of their own" in report.failures[0]
