"""Python functions of a package whose programs import each other: compiled, called, and run as plain Python."""

import importlib
import sys

import pytest

import ncl
from ncl.errors import Refuted

FILES = {
    "shapes/__init__.py": "",
    "shapes/area.py": "from ncl import Word, program\n\nfrom .limits import LIMIT\n\n\n@program\n"
    "def square(n: Word) -> Word:\n    assert n < LIMIT\n    return n * n\n",
    "shapes/limits.py": "LIMIT = 12\n",
    "shapes/floor.py": "from ncl import Array, Word, program\n\nfrom .area import square\n\n\n@program\n"
    "def floor(sides: Array) -> Word:\n    total = 0\n    for i in range(len(sides)):\n"
    "        total += square(sides[i])\n    return total\n",
}


@pytest.fixture
def floor(tmp_path, monkeypatch):
    """The decorated function, imported by Python as part of its package."""
    for place, text in FILES.items():
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("shapes.floor").floor
    for name in [name for name in sys.modules if name.partition(".")[0] == "shapes"]:
        del sys.modules[name]


def test_a_python_function_is_compiled_with_what_its_file_imports(floor):
    compiled = ncl.compile(floor)
    for executor in ("source", "reference", "integer", "pathwise"):
        right, wrong = compiled.run([[[1, 2, 3]], [[3, 12]]], executor=executor)
        assert right.result == 14
        assert str(wrong.trap) == "trap assert at line 8, column 5 of area.py"


def test_calling_it_interprets_and_its_python_is_plain_python_through_all_files(floor):
    assert floor([1, 2, 3]) == floor.python([1, 2, 3]) == 14
    with pytest.raises(Refuted, match=r"floor\.py: floor ended with trap assert at line 8, column 5 of area\.py"):
        floor([12])
    with pytest.raises(AssertionError):
        floor.python([12])


def test_a_function_is_the_same_program_by_its_file_and_by_its_object(floor, tmp_path):
    by_file = ncl.compile(f"{tmp_path}/shapes/floor.py:floor")
    assert by_file.program == ncl.compile(floor).program
