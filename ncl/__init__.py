"""NCL, Neurally Compiled Libraries: compile an algorithm to a differentiable program, prove it, let a LLaMA use it.

The public names load their part of the package when first used: `import ncl` alone pulls in no torch and no solver.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ncl.language.opcodes import CALLED

if TYPE_CHECKING:
    from ncl.build import Compiled as Compiled
    from ncl.build import compile as compile
    from ncl.language.contract_words import decreases as decreases
    from ncl.language.contract_words import ensures as ensures
    from ncl.language.contract_words import invariant as invariant
    from ncl.language.contract_words import old as old
    from ncl.language.contract_words import permutation as permutation
    from ncl.language.contract_words import requires as requires
    from ncl.language.contract_words import result as result
    from ncl.language.declare import Array as Array
    from ncl.language.declare import Word as Word
    from ncl.language.declare import is_negative as is_negative
    from ncl.language.declare import magnitude as magnitude
    from ncl.language.declare import program as program
    from ncl.language.declare import signed_divide as signed_divide
    from ncl.language.declare import signed_less as signed_less
    from ncl.language.declare import signed_remainder as signed_remainder
    from ncl.properties.conformance import check_model as check_model
    from ncl.verify.certification.prove import prove as prove

_WHERE = {
    "Array": "ncl.language.declare",
    "Word": "ncl.language.declare",
    "is_negative": "ncl.language.declare",
    "magnitude": "ncl.language.declare",
    "program": "ncl.language.declare",
    "signed_divide": "ncl.language.declare",
    "signed_less": "ncl.language.declare",
    "signed_remainder": "ncl.language.declare",
    "compile": "ncl.build",
    "Compiled": "ncl.build",
    "check_model": "ncl.properties.conformance",
    "prove": "ncl.verify.certification.prove",
}
_CONTRACT_WORDS = ("requires", "ensures", "invariant", "decreases", "old", "result", "permutation")
_WHERE |= dict.fromkeys(_CONTRACT_WORDS, "ncl.language.contract_words")
_WHERE |= dict.fromkeys(CALLED, "ncl.language.declare")
_MODULES = ("library", "errors")

__all__ = [
    "Array", "Compiled", "Word", "check_model", "compile", "decreases", "ensures", "invariant", "is_negative",
    "library", "magnitude", "old", "permutation", "program", "prove", "requires", "result", "signed_divide",
    "signed_less", "signed_remainder", *CALLED,
]  # fmt: skip
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"ncl.{name}")
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'ncl' has no attribute {name!r}")
