"""Source files → functions of the language. Python's `ast` reads the text; nothing is ever executed.

A program is a top-level function decorated with `@program` or `@ncl.program` (import aliases are resolved), or one that
the caller names. Every violation of a file is reported at once. Called by the build, the doors and the library.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import unicodedata
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ncl.errors import InputError, LanguageError, NotFoundError
from ncl.language.discover import (
    AnyFunction,
    Marks,
    bound,
    builtins,
    callable_functions,
    constants,
    contract_words,
    functions,
    marks_of,
    programs,
)  # fmt: skip
from ncl.language.parse_contracts import function_contract
from ncl.language.parse_statements import gives_array, new_array, statements
from ncl.language.program import Parameter, Signature, Sort
from ncl.language.reach import reached, results
from ncl.language.reader import Reader, lines_of
from ncl.language.syntax import Function
from ncl.language.typecheck import typecheck

DEEPEST = 100  # levels of statements and expressions in each other; every pass after this one recurses over them

_ANNOTATIONS: dict[str, Sort] = {"Word": "word", "Array": "array"}


def of_callable(function: Callable[..., Any]) -> Function:
    """The program that a plain or decorated Python function is, read from its file."""
    raw = inspect.unwrap(getattr(function, "raw", function))
    try:
        file = inspect.getsourcefile(raw)
    except TypeError:
        file = None
    if file is None or not Path(file).is_file():
        raise NotFoundError(
            f"the source of {getattr(raw, '__name__', raw)!r} is in no file",
            remedy="write the function into a file: source is read, never executed",
        )
    text = read_source(Path(file))
    if getattr(raw, "__qualname__", raw.__name__) != raw.__name__:
        raise NotFoundError(
            f"{raw.__qualname__} stands inside another function or a class",
            where=file,
            remedy="move it to the top level of its file",
        )
    code = getattr(raw, "__code__", None)
    return parse_text(text, file, raw.__name__, code.co_firstlineno if code else None)[0]


def read_source(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # a byte order mark is no text
    except FileNotFoundError as fault:
        raise NotFoundError("no such file", where=str(path)) from fault
    except IsADirectoryError as fault:
        raise NotFoundError("this is a folder", where=str(path), remedy="name a .py file in it") from fault
    except OSError as fault:
        raise NotFoundError(f"cannot read: {fault.strerror}", where=str(path)) from fault
    except UnicodeDecodeError as fault:
        raise InputError("not UTF-8 text", where=str(path), remedy="save the file as UTF-8") from fault
    except ValueError as fault:  # a null byte in the name
        raise NotFoundError(f"cannot read: {fault}", where=repr(str(path))) from fault


def parse_text(text: str, file: str, name: str | None = None, line: int | None = None) -> tuple[Function, ...]:
    """All decorated functions of a text, or the one named (which needs no decorator), in order; each with the functions
    of the text that it reaches by calls, decorated or not.

    `line`, where a definition of that name may begin, chooses among several; else the last one stands. Raises
    LanguageError with every violation of all of them, NotFoundError when the named one is not there.
    """
    reader = Reader(file, lines_of(text))
    tree = _tree(reader, text)
    marks = marks_of(tree)
    chosen = programs(tree, marks) if name is None else _named(tree, name, line)
    if name is not None and not chosen:
        known = ", ".join(dict.fromkeys(f.name for f in functions(tree))) or "none"
        raise NotFoundError(f"no function {name}", where=file, remedy=f"functions there: {known}")
    reader.constants, reader.bound, reader.builtin = constants(tree), bound(tree), builtins(tree)
    reader.words = contract_words(tree)
    others = callable_functions(tree)
    reader.callable = {name: _signature_of(node) for name, node in others.items()}
    read: dict[AnyFunction, Function | None] = {}
    waiting = list(chosen)
    while waiting:
        node = waiting.pop(0)
        if node not in read:
            read[node] = _function(reader, node, marks)
            waiting += [others[callee] for callee in sorted(reader.called)]
    found = [_program(read, read[node], others) for node in chosen]
    for program in found:
        results(program, reader)
    if reader.found:
        raise LanguageError(tuple(sorted(reader.found, key=lambda v: (v.line, v.column))))
    return tuple(f for f in found if f is not None)


def _program(
    read: Mapping[AnyFunction, Function | None], entry: Function | None, nodes: Mapping[str, ast.FunctionDef]
) -> Function | None:
    """The function with all that it reaches; None when one of them could not be read."""
    by_name = {name: read.get(node) for name, node in nodes.items()}
    names = reached(entry, by_name) if entry else ()
    others = tuple(f for name in names if (f := by_name[name]) is not None)
    if entry is None or len(others) < len(names):
        return None
    texts = [entry.digest, *(f.digest for f in others if f != entry)]
    digest = entry.digest if len(texts) == 1 else hashlib.sha256("\n".join(texts).encode()).hexdigest()
    return replace(entry, others=tuple(f for f in others if f != entry), digest=digest)


def _named(tree: ast.Module, name: str, line: int | None) -> list[AnyFunction]:
    """The definition that stands: Python normalises identifiers, so the name is too."""
    wanted = unicodedata.normalize("NFKC", name)
    alike = [f for f in functions(tree) if f.name == wanted]
    return [f for f in alike if _first_line(f) == line] or alike[-1:]


def _tree(reader: Reader, text: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # e.g. "invalid escape sequence" in a stranger's file
            return ast.parse(text, filename=reader.file)
    except SyntaxError as fault:
        reader.refuse_at(fault.lineno or 1, fault.offset or 1, 1, f"not Python: {fault.msg}", "mend the syntax")
    except (ValueError, RecursionError, MemoryError) as fault:
        reason = "the nesting is too deep" if not isinstance(fault, ValueError) else f"not Python: {fault}"
        reader.refuse_at(1, 1, 1, reason, "mend the text")
    raise LanguageError(tuple(reader.found))


# --- one function ----------------------------------------------------------------------------------------------------


def _function(reader: Reader, node: AnyFunction, marks: Marks) -> Function | None:
    """The typed function; None when it cannot even be read."""
    reader.begin()
    if isinstance(node, ast.AsyncFunctionDef):
        reader.refuse(node, "a program is not asynchronous", "write `def`")
        return None
    if (deep := _too_deep(node)) is not None:
        reader.refuse(deep, f"this nests more than {DEEPEST} levels deep", "split it into smaller statements")
        return None
    signature = _signature(reader, node, marks)
    body, documentation = node.body, ""
    if (
        isinstance(body[0], ast.Expr)
        and isinstance(body[0].value, ast.Constant)
        and isinstance(body[0].value.value, str)
    ):
        documentation, body = inspect.cleandoc(body[0].value.value), body[1:]
    arrays = frozenset(
        {p.name for p in signature.parameters if p.sort == "array"}
        | {
            target.id
            for inner in ast.walk(node)
            if isinstance(inner, ast.Assign) and (new_array(inner.value) or gives_array(reader, inner.value))
            for target in inner.targets
            if isinstance(target, ast.Name)
        }
    )
    reader.parameters = frozenset(p.name for p in signature.parameters)
    contract, body = function_contract(reader, body, arrays, signature)
    tree = statements(reader, body, arrays, False)
    source = "\n".join(reader.lines[_first_line(node) - 1 : node.end_lineno]) + "\n"
    function = Function(
        node.name, signature, tree, reader.file, reader.position(node), _digest(reader, source), source, documentation,
        _written(reader), contract=contract,
    )  # fmt: skip
    typecheck(function, reader)
    return function


def _first_line(node: AnyFunction) -> int:
    return min([node.lineno, *(d.lineno for d in node.decorator_list)])


def _too_deep(node: ast.FunctionDef) -> ast.stmt | ast.expr | None:
    """A statement or expression that nests too deep. The n-th side of one `and` or `or` counts as n levels deep."""
    waiting: list[tuple[ast.AST, int]] = [(node, 0)]
    while waiting:
        here, depth = waiting.pop()
        if depth > DEEPEST and isinstance(here, ast.stmt | ast.expr):
            return here
        step = isinstance(here, ast.BoolOp)
        waiting.extend((child, depth + 1 + step * n) for n, child in enumerate(ast.iter_child_nodes(here)))
    return None


def _digest(reader: Reader, source: str) -> str:
    """Of the source text and the constants it uses: what decides the meaning."""
    named = [(n, hex(reader.constants[n].value), reader.constants[n].inverted) for n in sorted(reader.used)]
    borrowed = [(name, reader.builtin[name]) for name in sorted(reader.borrowed)]
    return hashlib.sha256(repr((source, named, *borrowed)).encode()).hexdigest()


def _written(reader: Reader) -> str:
    """What the function uses of its module: imports from `ncl`, and constants as the module might assign them."""
    borrowed = "".join(f"from ncl import {reader.builtin[name]} as {name}\n" for name in sorted(reader.borrowed))
    named = ((name, reader.constants[name]) for name in sorted(reader.used))
    return borrowed + "".join(f"{name} = {'~' * constant.inverted}{hex(constant.value)}\n" for name, constant in named)


def _signature(reader: Reader, node: ast.FunctionDef, marks: Marks) -> Signature:
    arguments = node.args
    for extra in (*arguments.kwonlyargs, arguments.vararg, arguments.kwarg, *arguments.posonlyargs):
        if extra is not None:
            reader.refuse(extra, "parameters are plain: no stars, no keyword-only or positional-only ones",
                          "write def f(xs: Array, n: Word)")  # fmt: skip
            reader.lost.add(extra.arg)
    for default in (*arguments.defaults, *(d for d in arguments.kw_defaults if d)):
        reader.refuse(default, "parameters have no defaults", "pass every argument")
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and marks.means_program(decorator):
            reader.refuse(decorator, "the decorator takes no arguments", "write @program")
    parameters = tuple(Parameter(a.arg, _sort(reader, a.annotation, a, f"parameter {a.arg}")) for a in arguments.args)
    for number, parameter in enumerate(arguments.args):
        if parameter.arg in reader.constants or parameter.arg in ("len", "range"):
            reader.refuse(parameter, f"{parameter.arg} already means something else here", "choose another name")
        if parameter.arg in [p.arg for p in arguments.args[:number]]:
            reader.refuse(parameter, f"{parameter.arg} is there twice", "choose another name")
    return Signature(parameters, _sort(reader, node.returns, node, "the result"))


def _signature_of(node: ast.FunctionDef) -> Signature:
    """For those that call it; what is wrong in it is told where the function itself is read."""
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
