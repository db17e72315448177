"""Checkers that are named by text, so that workers and copies import them: each text names a function that is there."""

import ast
import importlib
import re
from pathlib import Path

import pytest

import ncl
from ncl import verify
from ncl.verify.certification.prove import obligations
from ncl.verify.engine import counterexample
from ncl.verify.mutation.catalogue import EQUIVALENT, FAULTS, RIGHT

NAME = re.compile(r"ncl(\.\w+)+:\w+")


def written():
    """Those that stand whole in a source."""
    for file in (f for package in (ncl, verify) for f in Path(package.__path__[0]).rglob("*.py")):
        nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
        parts = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in (n for n in nodes if id(n) not in parts):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and NAME.fullmatch(node.value):
                yield node.value


def listed():
    """Those that the tables hold, however their texts are put together."""
    yield from (o.function for o in obligations(ncl.compile("binary_search")))
    yield from counterexample._REPLAYS.values()
    yield from (fault.checker for fault in (*FAULTS, *RIGHT, *(row.fault for row in EQUIVALENT)))


@pytest.mark.parametrize("names", [written, listed], ids=["in the sources", "in the tables"])
def test_every_checker_that_is_named_by_text_is_there(names):
    found = set(names())
    assert len(found) > 20
    for name in found:
        module, _, function = name.partition(":")
        assert callable(getattr(importlib.import_module(module), function, None)), name
