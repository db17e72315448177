"""What the decorator leaves: a function that runs as the language says, and Python's own beside it."""

import declared
import pytest

import ncl
from ncl import library
from ncl.errors import InputError, LanguageError, Refuted


def test_calling_a_program_runs_the_reference_interpreter():
    assert declared.twice(21) == 42
    assert declared.twice(40000) == 14464  # 80000 - 65536: words wrap at width 16
    assert declared.largest() == 65535
    assert declared.swapped([1, 2, 3]) == [2, 1, 3]


def test_the_python_function_is_kept_and_knows_no_wrapping():
    assert declared.twice.python(40000) == 80000
    assert declared.swapped.python([1, 2, 3]) == [2, 1, 3]


def test_arguments_of_a_call_stay_as_they_are():
    xs = [1, 2, 3]
    assert declared.swapped(xs) == [2, 1, 3] and xs == [1, 2, 3]


def test_a_trap_is_raised_with_its_place():
    assert declared.limited(2) == 2
    with pytest.raises(Refuted, match="limited ended with trap assert at line 24, column 5"):
        declared.limited(3)


def test_bad_arguments_are_refused():
    with pytest.raises(InputError, match="expected 1 arguments, got 0"):
        declared.twice()
    with pytest.raises(InputError, match="argument xs must be an array"):
        declared.swapped(3)
    with pytest.raises(InputError, match="holds 65536"):
        declared.twice(65536)


def test_a_function_outside_the_language_can_be_declared_and_imported_and_is_refused_when_called():
    assert declared.fraction.python(3) == 1.5
    with pytest.raises(LanguageError, match="`/` gives fractions"):
        declared.fraction(3)


def test_a_declared_program_still_looks_like_the_function():
    assert (declared.twice.__name__, declared.twice.__doc__) == ("twice", "Twice the number.")
    assert declared.twice.__module__ == "declared"
    assert declared.twice.function.documentation == "Twice the number."


def test_a_declared_program_compiles():
    assert ncl.compile(declared.twice, width=8).run([[200]], executor="reference")[0].result == 144


# Python's ~0 is -1 and no largest word.
# In plain Python ~0 is -1.
NAMING_THE_LARGEST = ("stack", "dijkstra", "collatz")


@pytest.mark.parametrize("name", [n for n in library.names() if n not in NAMING_THE_LARGEST])
def test_a_library_program_called_gives_what_its_python_gives_where_nothing_wraps(name):
    from importlib import import_module

    declaration = getattr(import_module(f"ncl.library.{library.ROOMS[name]}.{name}"), name)
    for arguments, result in library.examples(name):
        if result is not None:
            assert declaration(*arguments) == result == declaration.python(*[_copied(a) for a in arguments])


def _copied(value):
    return list(value) if isinstance(value, list) else value
