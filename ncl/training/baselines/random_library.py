"""The system `random-library`: the same reader, fitted to random programs that bear the shipped ones' signatures.

Each is written as source, so it compiles, is proved equal to what it compiles to, and is certified as what it is; only
what it computes means nothing. What the reader learns then shows how much the library itself is worth.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

from ncl import library
from ncl.build import Artefact, build_library
from ncl.language.program import Signature
from ncl.llama.pretrained.base_model import Base
from ncl.llama.pretrained.number_lexer import lexer_tables
from ncl.training.tasks.natural_prompts import PROGRAMS

FILE = "random_library.py"
HEAD = '"""Random programs with the signatures of the shipped ones. They compute nothing that anybody asked for."""\n\n'
IMPORTS = "from ncl import Array, Word, program\n"
OPERATORS = ("+", "-", "&", "|", "^")
COMPARISONS = ("<", ">", "==", "!=")
LITERALS = 8  # literals are below: any width of three bits and more takes them


def random_library(base: Base, width: int, seed: int, folder: Path) -> Artefact:
    """Write the source into the folder and build the artefact that `natural_library` builds of the shipped programs."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / FILE
    file.write_text(source(seed), encoding="utf-8")
    tables = lexer_tables(base.tokenizer, base.model.config.vocab_size)
    return build_library([str(file)], width=width, weights=tables)


def source(seed: int) -> str:
    """All programs, as the text of one file; the same seed gives the same."""
    rng = Random(f"random-library/{seed}")
    signatures = {name: library.get(name).signature for name in PROGRAMS}
    return HEAD + IMPORTS + "".join(_program(rng, name, signature) for name, signature in signatures.items())


def _program(rng: Random, name: str, signature: Signature) -> str:
    """One or two loops over the array that mix elements, words and counters, then the array or one of the words."""
    (xs, *words) = (p.name for p in signature.parameters)
    head = ", ".join(f"{p.name}: {p.sort.capitalize()}" for p in signature.parameters)
    lines = [f"def {name}({head}) -> {signature.result.capitalize()}:"]
    known = [*words, "a", "b"]
    lines += [
        f"    a = {rng.randrange(LITERALS)}",
        f"    b = {rng.choice([f'len({xs})', str(rng.randrange(LITERALS))])}",
    ]
    for _ in range(rng.randint(1, 2)):
        lines.append(f"    for i in range(len({xs})):")
        lines += [f"        {line}" for _ in range(rng.randint(2, 4)) for line in _statement(rng, xs, known)]
    lines.append(f"    return {xs if signature.result == 'array' else rng.choice(('a', 'b'))}")
    return "\n\n@program\n" + "\n".join(lines) + "\n"


def _statement(rng: Random, xs: str, known: list[str]) -> list[str]:
    target = rng.choice(("a", "b", f"{xs}[i]", f"{xs}[{_term(rng, xs, known)} % len({xs})]"))
    plain = f"{target} = {_term(rng, xs, known)} {rng.choice(OPERATORS)} {_term(rng, xs, known)}"
    if rng.random() < 0.7:
        return [plain]
    return [f"if {_term(rng, xs, known)} {rng.choice(COMPARISONS)} {_term(rng, xs, known)}:", f"    {plain}"]


def _term(rng: Random, xs: str, known: list[str]) -> str:
    return rng.choice([*known, "i", f"{xs}[i]", str(rng.randrange(LITERALS))])
