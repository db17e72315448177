"""Reads the head of a function: parameters and result with their sorts. Called by `parse` and `files`."""

from __future__ import annotations

import ast

from ncl.language.discover import Marks
from ncl.language.program import Parameter, Signature, Sort
from ncl.language.reader import Reader

_ANNOTATIONS: dict[str, Sort] = {"Word": "word", "Array": "array"}


def signature(reader: Reader, node: ast.FunctionDef, marks: Marks) -> Signature:
    """The signature of a function; what is wrong in its head is refused through the reader."""
    arguments = node.args
    for extra in (*arguments.kwonlyargs, arguments.vararg, arguments.kwarg, *arguments.posonlyargs):
        if extra is not None:
            reader.refuse(extra, "parameters are plain: no stars, no keyword-only or positional-only ones",
                          "write def f(xs: Array, n: Word)")  # fmt: skip
            reader.lost.add(extra.arg)
    for default in (*arguments.defaults, *(d for d in arguments.kw_defaults if d)):
        reader.refuse(default, "parameters have no defaults", "pass every argument")
    for decorator in node.decorator_list:
        if not marks.means_program(decorator) and not _unbound(reader, decorator):
            reader.refuse(decorator, f"this decorator may make another function of {node.name}",
                          "delete it; @program from ncl is the only one")  # fmt: skip
        elif isinstance(decorator, ast.Call):
            reader.refuse(decorator, "the decorator takes no arguments", "write @program")
    parameters = tuple(Parameter(a.arg, _sort(reader, a.annotation, a, f"parameter {a.arg}")) for a in arguments.args)
    for number, parameter in enumerate(arguments.args):
        if parameter.arg in reader.constants or parameter.arg in ("len", "range"):
            reader.refuse(parameter, f"{parameter.arg} already means something else here", "choose another name")
        if parameter.arg in [p.arg for p in arguments.args[:number]]:
            reader.refuse(parameter, f"{parameter.arg} is there twice", "choose another name")
    return Signature(parameters, _sort(reader, node.returns, node, "the result"))


def _unbound(reader: Reader, decorator: ast.expr) -> bool:
    """`@program` or `@ncl.program` in a piece of a file, without the import that says what it is."""
    match decorator:
        case ast.Name(id="program" as name) | ast.Attribute(value=ast.Name(id="ncl" as name), attr="program"):
            return name not in reader.bound
    return False


def signature_of(node: ast.FunctionDef) -> Signature:
    """For those that call it; what is wrong in it is reported where the function itself is read."""
    silent = Reader("", [])
    return Signature(
        tuple(Parameter(a.arg, _sort(silent, a.annotation, a, "")) for a in node.args.args),
        _sort(silent, node.returns, node, ""),
    )


def _sort(reader: Reader, annotation: ast.expr | None, node: ast.AST, what: str) -> Sort:
    match annotation:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Constant(value=str() as name) if name in _ANNOTATIONS:
            return _ANNOTATIONS[name]
    if annotation is None:
        line = getattr(node, "lineno", 1)
        if isinstance(node, ast.FunctionDef):
            reader.refuse_at(line, 1, len(reader.line(line)), f"{what} has no annotation", "write -> Word or -> Array")
        else:
            reader.refuse(node, f"{what} has no annotation", "write : Word or : Array")
    else:
        reader.refuse(annotation, f"{what} is neither Word nor Array", "annotate it with Word or Array")
    return "word"
