"""Source files → functions of the language. Python's `ast` reads the text; nothing is ever executed.

A program is a top-level function decorated with `@program` or `@ncl.program` (import aliases are resolved), or one that
the caller names. Every violation of a file is reported at once. Called by the build, the doors and the library.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import textwrap
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ncl.errors import InputError, LanguageError, NotFoundError
from ncl.language.parse_statements import new_array, statements
from ncl.language.program import Parameter, Signature, Sort
from ncl.language.reader import Constant, Reader
from ncl.language.syntax import Function
from ncl.language.typecheck import typecheck

_ANNOTATIONS: dict[str, Sort] = {"Word": "word", "Array": "array"}


def of_callable(function: Callable[..., Any]) -> Function:
    """The program that a plain or decorated Python function is, read from its file."""
    raw = getattr(function, "python", function)
    try:
        file = inspect.getsourcefile(raw)
    except TypeError:
        file = None
    if file is None or not Path(file).is_file():
        raise NotFoundError(
            f"the source of {getattr(raw, '__name__', raw)!r} is in no file",
            remedy="write the function into a file: source is read, never executed",
        )
    return parse_text(read_source(Path(file)), file, raw.__name__)[0]


def read_source(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as fault:
        raise NotFoundError("no such file", where=str(path)) from fault
    except IsADirectoryError as fault:
        raise NotFoundError("this is a folder", where=str(path), remedy="name a .py file in it") from fault
    except OSError as fault:
        raise NotFoundError(f"cannot read: {fault.strerror}", where=str(path)) from fault
    except UnicodeDecodeError as fault:
        raise InputError("not UTF-8 text", where=str(path), remedy="save the file as UTF-8") from fault


def parse_text(text: str, file: str, name: str | None = None) -> tuple[Function, ...]:
    """All decorated functions of a text, or the one named (which needs no decorator), in order.

    Raises LanguageError with every violation of all of them, NotFoundError when the named one is not there.
    """
    reader = Reader(file, text.splitlines())
    tree = _tree(reader, text)
    chosen = _chosen(tree, name)
    if name is not None and not chosen:
        known = ", ".join(n.name for n in tree.body if isinstance(n, ast.FunctionDef)) or "none"
        raise NotFoundError(f"no function {name}", where=file, remedy=f"functions there: {known}")
    reader.constants = _constants(tree)
    found = []
    try:
        for node in chosen:
            found.append(_function(reader, node, text))
    except RecursionError:
        reader.refuse(chosen[len(found)], "the nesting is too deep", "split it into smaller statements")
    if reader.found:
        raise LanguageError(tuple(sorted(reader.found, key=lambda v: (v.line, v.column))))
    return tuple(found)


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


# --- discovery -------------------------------------------------------------------------------------------------------


def _chosen(tree: ast.Module, name: str | None) -> list[ast.FunctionDef]:
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    if name is not None:
        return [f for f in functions if f.name == name][-1:]  # the last definition is the one that stands
    direct, modules = _aliases(tree)
    return [f for f in functions if any(_is_program(d, direct, modules) for d in f.decorator_list)]


def _aliases(tree: ast.Module) -> tuple[set[str], set[str]]:
    """Names that mean `ncl.program`, and names that mean the module `ncl`."""
    direct, modules = set(), set()
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module in ("ncl", "ncl.language.declare"):
            direct |= {a.asname or a.name for a in node.names if a.name == "program"}
        elif isinstance(node, ast.Import):
            modules |= {a.asname or a.name for a in node.names if a.name == "ncl"}
    return direct, modules


def _is_program(decorator: ast.expr, direct: set[str], modules: set[str]) -> bool:
    match decorator:
        case ast.Name(id=name):
            return name in direct
        case ast.Attribute(value=ast.Name(id=module), attr="program"):
            return module in modules
    return False


def _constants(tree: ast.Module) -> dict[str, Constant]:
    """Module constants: `NAME = literal` or `NAME = ~literal`, assigned once at the top level."""
    found: dict[str, Constant] = {}
    spoiled: set[str] = set()
    for node in tree.body:
        targets = _targets(node)
        names = [t.id for t in targets if isinstance(t, ast.Name)]
        spoiled |= {n for n in names if n in found}
        value = _literal(node.value) if isinstance(node, ast.Assign | ast.AnnAssign) and node.value else None
        if value is None or len(names) != len(targets):
            spoiled.update(names)
        else:
            found |= dict.fromkeys(names, value)
    return {name: value for name, value in found.items() if name not in spoiled}


def _targets(node: ast.stmt) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AnnAssign | ast.AugAssign) else []


def _literal(node: ast.expr) -> Constant | None:
    match node:
        case ast.Constant(value=bool() | int() as value):
            return Constant(int(value), False)
        case ast.UnaryOp(op=ast.Invert(), operand=ast.Constant(value=int() as value)) if not isinstance(value, bool):
            return Constant(value, True)
    return None


# --- one function ----------------------------------------------------------------------------------------------------


def _function(reader: Reader, node: ast.FunctionDef, text: str) -> Function:
    reader.used = set()
    signature = _signature(reader, node)
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
            if isinstance(inner, ast.Assign) and new_array(inner.value)
            for target in inner.targets
            if isinstance(target, ast.Name)
        }
    )
    tree = statements(reader, body, arrays, False)
    source = _source(node, text)
    function = Function(
        node.name, signature, tree, reader.file, reader.position(node), _digest(reader, source), source, documentation
    )
    typecheck(function, reader)
    return function


def _source(node: ast.FunctionDef, text: str) -> str:
    first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
    lines = text.splitlines()[first - 1 : node.end_lineno]
    return textwrap.dedent("\n".join(lines)) + "\n"


def _digest(reader: Reader, source: str) -> str:
    """Of the source text and the constants it uses: what decides the meaning."""
    constants = [(n, reader.constants[n].value, reader.constants[n].inverted) for n in sorted(reader.used)]
    return hashlib.sha256(repr((source, constants)).encode()).hexdigest()


def _signature(reader: Reader, node: ast.FunctionDef) -> Signature:
    arguments = node.args
    for extra in (*arguments.kwonlyargs, arguments.vararg, arguments.kwarg, *arguments.posonlyargs):
        if extra is not None:
            reader.refuse(extra, "parameters are plain: no stars, no keyword-only or positional-only ones",
                          "write def f(xs: Array, n: Word)")  # fmt: skip
    for default in (*arguments.defaults, *(d for d in arguments.kw_defaults if d)):
        reader.refuse(default, "parameters have no defaults", "pass every argument")
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call):
            reader.refuse(decorator, "the decorator takes no arguments", "write @program")
    parameters = tuple(Parameter(a.arg, _sort(reader, a.annotation, a, f"parameter {a.arg}")) for a in arguments.args)
    for number, parameter in enumerate(arguments.args):
        if parameter.arg in reader.constants or parameter.arg in ("len", "range"):
            reader.refuse(parameter, f"{parameter.arg} already means something else here", "choose another name")
        if parameter.arg in [p.arg for p in arguments.args[:number]]:
            reader.refuse(parameter, f"{parameter.arg} is there twice", "choose another name")
    return Signature(parameters, _sort(reader, node.returns, node, "the result"))


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
