"""Wrong witnesses of right programs: each can only make the proof fail, never make it pass."""

from dataclasses import replace

import pytest
from translated import changed, line_of, made, with_rows

from ncl.compiler.witness import Row
from ncl.language.opcodes import Opcode
from ncl.verify.translation import check
from ncl.verify.translation.validate import validate

TEXT = """
def f(xs: Array, a: Word, b: Word) -> Word:
    ys = [7] * a
    total = 0
    for i in range(b, 0, -2):
        if i < len(xs):
            total += xs[i]
        else:
            a, b = b, total
    while a and b:
        b -= 1
        total ^= ys[b % 2]
    return total + a
"""


def right(registers=16):
    return made(TEXT, 8, registers)


def rows(witness, kind, path):
    return [row for row in witness.functions[0].rows if (row.kind, row.path) == (kind, path)]


def edited(witness, kind, path, edit):
    """With another row for one point; `edit` takes and gives the row, or gives None to leave it out."""
    assert rows(witness, kind, path), (kind, path)
    return with_rows(
        witness,
        lambda rows: filter(None, (edit(r) if (r.kind, r.path) == (kind, path) else r for r in rows)),
    )


def relocated(witness, kind, path, term, place):
    def edit(row):
        there = dict(row.locations)
        assert term in there, there
        return replace(row, locations=tuple(sorted((there | {term: place}).items())))

    return edited(witness, kind, path, edit)


def also(witness, kind, path, *pairs):
    return edited(witness, kind, path, lambda row: replace(row, locations=(*row.locations, *pairs)))


def without(witness, kind, path, term):
    return edited(
        witness, kind, path, lambda row: replace(row, locations=tuple(p for p in row.locations if p[0] != term))
    )


def place(witness, kind, path, term):
    return dict(rows(witness, kind, path)[0].locations)[term]


def moved(witness, kind, path, by):
    return edited(witness, kind, path, lambda row: replace(row, line=row.line + by))


def swapped(witness, kind, path, one, other):
    def edit(row):
        there = dict(row.locations)
        there[one], there[other] = there[other], there[one]
        return replace(row, locations=tuple(sorted(there.items())))

    return edited(witness, kind, path, edit)


def of_first(witness, **fields):
    return replace(witness, functions=(replace(witness.functions[0], **fields), *witness.functions[1:]))


WRONG = {
    "no rows at all": lambda w: with_rows(w, lambda rows: ()),
    "no row for the loop that comes first": lambda w: edited(w, "loop", "0", lambda row: None),
    "no row for a loop in the middle": lambda w: edited(w, "loop", "2", lambda row: None),
    "no row for the last loop": lambda w: edited(w, "loop", "3", lambda row: None),
    "a row one line too early": lambda w: moved(w, "loop", "2", -1),
    "a row one line too late": lambda w: moved(w, "loop", "2", 1),
    "a join one line too late": lambda w: moved(w, "join", "2.body.0", 1),
    "a row at the line of another loop": lambda w: edited(
        w, "loop", "3", lambda row: replace(row, line=rows(w, "loop", "2")[0].line)
    ),
    "two variables exchanged": lambda w: swapped(w, "loop", "3", "a", "total"),
    "two variables exchanged at a join": lambda w: swapped(w, "join", "2.body.0", "a", "b"),
    "base and length exchanged": lambda w: swapped(w, "loop", "2", "base(xs)", "len(xs)"),
    "next and left exchanged": lambda w: swapped(w, "loop", "2", "left@2", "next@2"),
    "two terms in one place": lambda w: relocated(w, "loop", "3", "a", place(w, "loop", "3", "total")),
    "one term in two places": lambda w: also(w, "loop", "3", ("a", place(w, "loop", "3", "total"))),
    "a variable where none is": lambda w: relocated(w, "loop", "3", "total", "r15"),
    "a variable in a frame slot that nothing writes": lambda w: relocated(w, "loop", "3", "total", "f9"),
    "a variable that is said to be a number": lambda w: relocated(w, "loop", "2", "total", "c0"),
    "a variable that is said to be another number": lambda w: also(w, "loop", "3", ("b", "c1")),
    "a wanted variable that is not told": lambda w: without(w, "loop", "3", "total"),
    "a hidden variable that is not told": lambda w: without(w, "loop", "2", "left@2"),
    "an array's base that is not told": lambda w: without(w, "loop", "3", "base(ys)"),
    "a filling's index that is not told": lambda w: without(w, "loop", "0", "index@0"),
    "a literal step that is said to stand elsewhere": lambda w: relocated(w, "loop", "2", "step@2", "r14"),
    "a vacuous row: one term is two numbers": lambda w: also(w, "loop", "3", ("a", "c1"), ("a", "c2")),
    "a vacuous row: a literal step is another number": lambda w: also(w, "loop", "2", ("step@2", "c3")),
    "a vacuous row: two numbers through a register": lambda w: also(
        w, "loop", "3", ("a", "r13"), ("b", "r13"), ("a", "c1"), ("b", "c2")
    ),
    "a point that the source has not": lambda w: with_rows(w, lambda rows: (*rows, Row("loop", "1", 0, ()))),
    "a term that the source has not": lambda w: also(w, "loop", "3", ("zeta", "r13")),
    "a place that the machine has not": lambda w: also(w, "loop", "3", ("a", "r99")),
    "a line that the program has not": lambda w: edited(w, "loop", "3", lambda row: replace(row, line=999)),
    "one point twice at one line": lambda w: with_rows(w, lambda rows: (*rows, rows[-1])),
    "another entry": lambda w: of_first(w, entry=1),
    "another function's name": lambda w: replace(w, function="g"),
    "its function under another name": lambda w: of_first(w, function="g"),
    "a function that is said to return": lambda w: of_first(w, halts=False),
    "no function at all": lambda w: replace(w, functions=()),
    "its function twice": lambda w: replace(w, functions=w.functions * 2),
    "another program's rows": lambda w: with_rows(w, lambda rows: made("insertion_sort").witness.functions[0].rows),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("registers", [16, 8])
def test_a_wrong_witness_is_refused(name, registers):
    compiled = right(registers)
    assert validate(compiled.function, compiled.program, compiled.witness).proved
    wrong = WRONG[name](compiled.witness)
    assert wrong != compiled.witness
    assert not validate(compiled.function, compiled.program, wrong).proved


def test_a_right_program_with_a_wrong_witness_is_not_called_wrong():
    compiled = right()
    found = check.check(compiled.function, compiled.program, WRONG["two variables exchanged"](compiled.witness))
    assert (found.verdict, found.counterexample) == ("unknown", None)
    assert found.detail.startswith("not proved; no failing input found")


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_witness_does_not_make_a_wrong_program_right(name):
    compiled = right()
    bad = changed(compiled.program, line_of(compiled.program, Opcode.XOR), opcode=int(Opcode.OR))
    wrong = WRONG[name](compiled.witness)
    assert not validate(compiled.function, bad, wrong).proved


def test_another_program_s_witness_is_refused_whichever_it_is():
    programs = [made(name) for name in ("reverse", "copy", "count", "stack", "insertion_sort", "modsum")]
    for mine in programs:
        for theirs in programs:
            witness = with_rows(mine.witness, lambda rows, given=theirs: given.witness.functions[0].rows)
            assert validate(mine.function, mine.program, witness).proved == (mine is theirs)


def test_what_holds_by_chance_may_be_said():
    """A row may say more than the compiler did, where it is true: it is proved on arrival like the rest."""
    compiled = made("def f(n: Word) -> Word:\n    a = 5\n    while n:\n        n -= 1\n    return a\n")

    def told(place):
        return with_rows(
            compiled.witness, lambda rows: (replace(r, locations=(*r.locations, ("a", place))) for r in rows)
        )

    assert validate(compiled.function, compiled.program, told("c5")).proved
    assert not validate(compiled.function, compiled.program, told("c6")).proved
