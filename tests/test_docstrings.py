"""Public functions, classes and methods explain themselves: a docstring, the shapes of tensors, the errors they raise.

A function tells shapes when its docstring has one in parentheses, such as (B, T) or (…, N), a name with a suffix of
sizes, such as `values_BM`, or the word scalar. It names its errors when each class that its own body raises stands in
the docstring behind a form of "raise". Files are read with `ast`; nothing is imported.

`EXEMPT` says how many faults a file may still have. It must be exact, so that it only ever shrinks.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Packages whose every file is held, and the files that the Python API of verification shows.
PACKAGES = ("ncl/language", "ncl/machine", "ncl/llama")
PROVING = ("certification/prove.py", "certification/obligations.py", "certification/certify.py", "engine/obligation.py")
EXEMPT: dict[str, int] = {}

SHAPE = re.compile(
    r"\((?:…|[A-Z0-9][A-Za-z0-9]*)(?:, ?[A-Z0-9][A-Za-z0-9]*)*,?\)"  # (B, T), (B,), (…, N)
    r"|\b\w+_[A-Z0-9]{1,5}\b"  # values_BM
    r"|\bscalar\b"
)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def held() -> list[Path]:
    verify = next(p for p in (ROOT / "verify", ROOT / "ncl" / "verify") if p.is_dir())
    files = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
    return [*files, *(verify / name for name in PROVING)]


def public(tree: ast.Module) -> Iterator[tuple[str, Function | ast.ClassDef]]:
    """Functions and classes of the top level, and methods of those classes, whose names begin with no underscore."""
    for node in tree.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                yield from (
                    (f"{node.name}.{inner.name}", inner)
                    for inner in node.body
                    if isinstance(inner, Function) and not inner.name.startswith("_")
                )


def takes_or_gives_tensors(node: Function) -> bool:
    every = node.args
    arguments = [*every.posonlyargs, *every.args, *every.kwonlyargs, every.vararg, every.kwarg]
    annotations = [argument.annotation for argument in arguments if argument is not None]
    return any(
        part.id == "Tensor" if isinstance(part, ast.Name) else isinstance(part, ast.Attribute) and part.attr == "Tensor"
        for annotation in (*annotations, node.returns)
        if annotation is not None
        for part in ast.walk(annotation)
    )


def raised(node: Function) -> set[str]:
    """Names of the classes that its own body raises; those of functions inside it are theirs."""
    names, waiting = set(), list[ast.AST](node.body)
    while waiting:
        part = waiting.pop()
        if isinstance(part, Function | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(part, ast.Raise) and part.exc is not None:
            called = part.exc.func if isinstance(part.exc, ast.Call) else part.exc
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name.lstrip("_")[:1].isupper():  # `raise fault` raises what was caught or made elsewhere
                names.add(name)
        waiting += ast.iter_child_nodes(part)
    return names


def faults(text: str) -> list[str]:
    """What the public names of a file leave out."""
    found = []
    for name, node in public(ast.parse(text)):
        told = ast.get_docstring(node) or ""
        place = f"line {node.lineno}: {name}"
        if not told:
            found.append(f"{place} has no docstring")
        elif isinstance(node, Function):
            if takes_or_gives_tensors(node) and not SHAPE.search(told):
                found.append(f"{place} has tensors and tells no shape")
            unnamed = sorted(error for error in raised(node) if error not in told)
            if unnamed or (raised(node) and not re.search(r"\b[Rr]ais(e|es|ing)\b", told)):
                found.append(f"{place} does not say that it raises {', '.join(unnamed or sorted(raised(node)))}")
    return found


def name_of(file: Path) -> str:
    """As `EXEMPT` has it, wherever `verify` lies."""
    name = file.relative_to(ROOT).as_posix()
    return name.removeprefix("ncl/") if name.startswith("ncl/verify/") else name


@pytest.mark.parametrize("file", held(), ids=name_of)
def test_public_names_say_what_they_are_with_shapes_and_errors(file):
    found = faults(file.read_text(encoding="utf-8"))
    allowed = EXEMPT.get(name_of(file), 0)
    assert len(found) == allowed, f"{allowed} faults are allowed here, found:\n" + "\n".join(found)


def test_no_file_is_exempt_that_is_not_held():
    assert set(EXEMPT) <= {name_of(file) for file in held()}
    assert all(EXEMPT.values())


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("def f():\n    pass", "line 1: f has no docstring"),
        ("class C:\n    '''C.'''\n    def f(self):\n        pass", "line 3: C.f has no docstring"),
        ("def f(x: Tensor):\n    '''F of x.'''", "line 1: f has tensors and tells no shape"),
        ("def f() -> list[torch.Tensor]:\n    '''F.'''", "line 1: f has tensors and tells no shape"),
        ("def f():\n    '''F.'''\n    raise ValueError", "line 1: f does not say that it raises ValueError"),
        (
            "def f():\n    '''F. ValueError.'''\n    raise ValueError",
            "line 1: f does not say that it raises ValueError",
        ),
    ],
)
def test_a_docstring_that_leaves_something_out_is_a_fault(text, fault):
    assert faults(text) == [fault]


@pytest.mark.parametrize(
    "text",
    [
        "def f(x: Tensor):\n    '''The sum of (B, T).'''",
        "def f(x: Tensor):\n    '''The sum of x_BT.'''",
        "def f(x: Tensor):\n    '''A scalar.'''",
        "def f(x: Tensor):\n    '''The last of (…, N).'''",
        "def f():\n    '''F. Raises ValueError.'''\n    raise ValueError('no')",
        "def f():\n    '''F.'''\n    def inner():\n        raise ValueError",
        "def _f():\n    raise ValueError",
    ],
)
def test_a_docstring_that_tells_all_of_it_is_none(text):
    assert faults(text) == []
