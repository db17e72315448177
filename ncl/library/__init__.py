"""The shipped programs: one readable file each, found by name, read as text and never imported to be compiled.

`get` gives the typed function of a program, `names` all of them in order, `examples` the hand-worked examples of its
docstring, `find` the functions that a user means by a name or a file.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ncl.errors import NotFoundError

if TYPE_CHECKING:
    from ncl.language.program import Value
    from ncl.language.syntax import Function

_HERE = Path(__file__).resolve().parent

# Where each program stands; the file has the program's name.
ROOMS: dict[str, str] = {
    "reverse": "sequence",
    "copy": "sequence",
    "count": "sequence",
    "running_count": "sequence",
    "stack": "sequence",
    "insertion_sort": "sort",
    "modsum": "arithmetic",
    "fibonacci": "arithmetic",
    "access": "sequence",
    "increment": "sequence",
    "swap": "sequence",
    "permute": "sequence",
    "find": "search",
    "list_search": "search",
    "list_kth": "search",
    "tree_search": "search",
    "merge": "sort",
    "bubble_sort": "sort",
    "dijkstra": "graph",
    "add_by_steps": "arithmetic",
    "gcd": "arithmetic",
    "extended_gcd": "arithmetic",
    "mod_power": "arithmetic",
    "is_prime": "arithmetic",
    "sieve": "arithmetic",
    "binary_search": "search",
    "quicksort": "sort",
    "heapsort": "sort",
    "mergesort": "sort",
    "components": "graph",
    # the fifteen tasks of Delétang et al., Neural Networks and the Chomsky Hierarchy (arXiv 2207.02098)
    "even_pairs": "strings",
    "parity_check": "strings",
    "cycle_navigation": "strings",
    "modular_arithmetic": "arithmetic",
    "modular_arithmetic_brackets": "arithmetic",
    "solve_equation": "arithmetic",
    "reverse_string": "strings",
    "stack_manipulation": "stack",
    "binary_addition": "arithmetic",
    "binary_multiplication": "arithmetic",
    "compute_sqrt": "arithmetic",
    "duplicate_string": "strings",
    "missing_duplicate_string": "strings",
    "odds_first": "strings",
    "bucket_sort": "sort",
    # textbook ones
    "ackermann": "arithmetic",
    "hanoi": "stack",
    "catalan": "arithmetic",
    "n_queens": "search",
    "collatz": "arithmetic",
    "base_conversion": "arithmetic",
    "run_length": "strings",
    "balanced_brackets": "stack",
    "matrix_product": "arithmetic",
    "longest_common_subsequence": "dynamic",
    "edit_distance": "dynamic",
    "knapsack": "dynamic",
}


def names() -> tuple[str, ...]:
    """The names of all shipped programs, in order."""
    return tuple(ROOMS)


@cache
def get(name: str) -> Function:
    """The program of that name. Raises NotFoundError with the names there are."""
    from ncl.language.parse import parse_text
    from ncl.language.reader import read_source
    from ncl.language.remedies import near

    if name not in ROOMS:
        other = near(name, ROOMS)
        raise NotFoundError(
            f"no library program is called {name!r}",
            remedy=f"write {other}"
            if other
            else f"`ncl library` lists them; a file is named with its ending: {name}.py",
        )
    path = _HERE / ROOMS[name] / f"{name}.py"
    # Named from the package's root, so that messages and digests are the same on every machine.
    (function,) = parse_text(read_source(path), f"ncl/library/{ROOMS[name]}/{name}.py", name, at=path)
    return function


def find(target: str) -> tuple[Function, ...]:
    """The programs that `FILE`, `FILE:FUNC` or the name of a library program means.

    Raises NotFoundError when there is no such file, function or program, LanguageError for what the language lacks.
    """
    from ncl.language.parse import parse_text
    from ncl.language.reader import read_source

    file, colon, name = target.rpartition(":")
    if colon and file and name.isidentifier():
        return parse_text(read_source(Path(file)), file, name)
    if target.endswith(".py") or "/" in target or os.path.isfile(target):
        found = parse_text(read_source(Path(target)), target)
        if not found:
            raise NotFoundError(
                "no function is decorated with @program", where=target,
                remedy=f"decorate one, or name one: {target}:FUNC",
            )  # fmt: skip
        return found
    return (get(target),)


def examples(name: str) -> tuple[tuple[list[Value], Value | None], ...]:
    """(arguments, result) of each line `name(arguments) -> result` of the docstring; the result of a trap is None."""
    from ncl.language import examples as reader

    return tuple((e.arguments, e.expected) for e in reader.examples(get(name)))
