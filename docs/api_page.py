"""The page of the Python API, made from signatures and docstrings.

    python docs/api_page.py > docs/api.md

`SECTIONS` names what is public; everything else comes from the source. A test compares the page with what this makes.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator, Sequence
from importlib import import_module
from textwrap import dedent
from typing import Any

# Title, introduction, and each name as it is imported with the module that has it and, of a class, its public members.
Entry = tuple[str, str, Sequence[str]]
SECTIONS: tuple[tuple[str, str, tuple[Entry, ...]], ...] = (
    (
        "Compiling and running",
        "`target` is a library program's name, `FILE:FUNC`, or a function declared with `@ncl.program`.",
        (
            ("ncl.compile", "ncl.build", ()),
            ("ncl.Compiled", "ncl.build", ("run", "trace", "states", "module")),
            ("ncl.build.build_library", "ncl.build", ()),
            ("ncl.build.Artefact", "ncl.build", ("width", "save", "load")),
            ("ncl.language.trace.Result", "ncl.language.trace", ()),
        ),
    ),
    (
        "Proving",
        "`ncl.prove` is `ncl.verify.certification.prove.prove`, loaded when it is first used.",
        (
            ("ncl.verify.certification.prove.prove", "ncl.verify.certification.prove", ()),
            (
                "ncl.verify.certification.prove.Proof",
                "ncl.verify.certification.prove",
                ("ok", "exit_code", "check", "to_json"),
            ),
            ("ncl.verify.certification.obligations.obligations", "ncl.verify.certification.obligations", ()),
            ("ncl.verify.certification.certify.certify", "ncl.verify.certification.certify", ()),
        ),
    ),
    (
        "Checking a model",
        "`ncl.check_model` is `ncl.properties.conformance.check_model`, loaded when it is first used.",
        (
            ("ncl.properties.conformance.check_model", "ncl.properties.conformance", ()),
            (
                "ncl.properties.conformance_report.Conformance",
                "ncl.properties.conformance_report",
                ("verdict", "ok", "compared", "first_failing_length", "exhaustive_to", "check", "to_json"),
            ),
        ),
    ),
    (
        "The gate",
        "A policy says what is required; `require` lets an artefact through or raises.",
        (
            ("ncl.gate.read_policy", "ncl.gate", ()),
            ("ncl.gate.require", "ncl.gate", ()),
            ("ncl.gate.required_obligations", "ncl.gate", ()),
            ("ncl.gate.Permit", "ncl.gate", ("recheck", "standing")),
        ),
    ),
    (
        "The library",
        "Shipped programs are read as text and never imported to be compiled.",
        (
            ("ncl.library.names", "ncl.library", ()),
            ("ncl.library.get", "ncl.library", ()),
            ("ncl.library.examples", "ncl.library", ()),
        ),
    ),
    (
        "Models",
        "Importing `ncl.llama` registers the models with transformers' Auto classes. Loading passes the gate.",
        (
            ("ncl.llama.NCLLlamaForCausalLM", "ncl.llama", ("from_pretrained",)),
            ("ncl.llama.load_base", "ncl.llama", ()),
            ("ncl.llama.load_adapter", "ncl.llama", ()),
            ("ncl.llama.save_adapter", "ncl.llama", ()),
            ("ncl.llama.save_merged", "ncl.llama", ()),
        ),
    ),
)  # fmt: skip


INTRODUCTION = """Names under `ncl` that stand here without a module load their part when they are first used:
`import ncl` alone loads no torch and no solver. Errors are classes of `ncl.errors`; each says what, where, expected,
got and a remedy.
"""


def page() -> str:
    return "\n".join(lines()).rstrip() + "\n"


def lines() -> Iterator[str]:
    yield "# Python API\n"
    yield "*Made from signatures and docstrings by `python docs/api_page.py > docs/api.md`.*\n"
    yield INTRODUCTION
    for title, introduction, entries in SECTIONS:
        yield f"## {title}\n"
        yield f"{introduction}\n"
        for name, module, members in entries:
            thing = getattr(import_module(module), name.rpartition(".")[2])
            yield from described("###", name, thing)
            for member in members:
                yield from described(
                    "####", f"{name.rpartition('.')[2]}.{member}", inspect.getattr_static(thing, member)
                )


def described(level: str, name: str, thing: Any) -> Iterator[str]:
    """Heading, signature and docstring of one function, class, method or property."""
    yield f"{level} {name}\n"
    if isinstance(thing, property):
        yield "A property.\n"
        thing = thing.fget
    elif fields := class_fields(thing):
        yield f"```python\n{fields}\n```\n"
    elif isinstance(thing, staticmethod | classmethod) or (callable(thing) and not inspect.isclass(thing)):
        thing = getattr(thing, "__func__", thing)
        yield f"```python\n{signature(thing)}\n```\n"
    text = inspect.cleandoc(thing.__doc__ or "")  # its own, and none that it inherits
    if text and not text.startswith(f"{getattr(thing, '__name__', '')}("):
        yield f"{tidy(text)}\n"


def class_fields(thing: Any) -> str:
    """The public fields of a dataclass as they are declared; nothing for what is none."""
    if not (inspect.isclass(thing) and dataclasses.is_dataclass(thing)):
        return ""
    shown = [f"    {f.name}: {f.type}" for f in dataclasses.fields(thing) if not f.name.startswith("_")]
    return "\n".join([f"class {thing.__name__}:", *shown])


def signature(function: Any) -> str:
    """The signature as it is written, a parameter a line where it is long."""
    text = unquoted(str(inspect.signature(function)))
    head = f"def {function.__name__}"
    if len(head + text) <= 100:
        return head + text
    parameters = inspect.signature(function).parameters.values()
    rows, starred = [], False
    for parameter in parameters:
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            rows.append("    *,")
        starred = starred or parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL)
        rows.append(f"    {unquoted(str(parameter))},")
    result = inspect.signature(function).return_annotation
    return "\n".join([f"{head}(", *rows, f") -> {str(result).strip(chr(39))}"])


def unquoted(text: str) -> str:
    """Annotations as they are written; they are text, and shown in quotes."""
    return re.sub(r"(: |-> )'([^']*)'", r"\1\2", text)


def tidy(text: str) -> str:
    """A docstring as Markdown: signs that Markdown would take for its own are plain."""
    return dedent(text).replace("<", "&lt;")


if __name__ == "__main__":
    print(page(), end="")
