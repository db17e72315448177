"""How far an input is from what a contract requires: 0 where it holds, and less the nearer it comes.

A comparison is as far off as its two sides lie apart, `and` is the sum of its parts, `or` the least of them; so small
changes of an input can be judged one by one. Called by `inputs`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import pairwise, zip_longest
from typing import Any

from ncl.language.contracts import (
    Choice,
    Comparison,
    Expression,
    Junction,
    Not,
    Permutation,
    Quantified,
    Same,
    Sorted,
)  # fmt: skip
from ncl.language.interpret.checked_clauses import CALLED, Clauses, Meaningless
from ncl.language.program import Sizes, Value
from ncl.language.syntax import Function

_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_OVER = {"<": "{0} - {1} + 1", "<=": "{0} - {1}", ">": "{1} - {0} + 1", ">=": "{1} - {0}", "==": "abs({0} - {1})"}
FAR = 3.0  # of a clause that has no meaning
MOST = 1500  # elements of one quantifier

Distance = Callable[[list[Value]], float]


def distance_of(function: Function, sizes: Sizes) -> Distance | None:
    """From what the function requires, of arguments of one machine; None where it requires nothing."""
    if not function.contract.requires:
        return None
    names = [f"v{n}" for n, _ in enumerate(function.signature.parameters)]
    sorts = list(zip(function.signature.parameters, names, strict=True))
    times = ("now", "old")
    terms = Clauses(
        {(p.name, time): v for p, v in sorts if p.sort == "word" for time in times},
        {(p.name, time): v for p, v in sorts if p.sort == "array" for time in times},
    )
    parts = [
        f"lambda {', '.join(names)}: {_far(clause.expression, terms, True)}" for clause in function.contract.requires
    ]
    called = {**CALLED, **_CALLED, "M": (1 << sizes.width) - 1}
    try:
        clauses = [eval(compile(part, "<distance>", "eval"), called) for part in parts]
    except (SyntaxError, RecursionError, MemoryError):
        return None

    def distance(arguments: list[Value]) -> float:
        whole = 0.0
        for clause in clauses:
            try:
                whole += clause(*arguments)
            except (IndexError, Meaningless):
                whole += FAR
        return whole

    return distance


def _far(node: Expression, terms: Clauses, wanted: bool) -> str:
    """The distance from its being true, or false when that is wanted."""
    match node:
        case Comparison(operator=operator, left=left, right=right):
            x, y = terms.number(left), terms.number(right)
            operator = operator if wanted else _OPPOSITE[operator]
            return f"({x} == {y})" if operator == "!=" else f"over({_OVER[operator].format(x, y)})"
        case Not(operand=operand):
            return _far(operand, terms, not wanted)
        case Junction(operator=operator, parts=parts):
            parts_text = ", ".join(f"lambda: {_far(part, terms, wanted)}" for part in parts)
            return f"{'every' if (operator == 'and') is wanted else 'least'}({parts_text})"
        case Choice(condition=condition, then=then, otherwise=otherwise):
            yes, no = _far(then, terms, wanted), _far(otherwise, terms, wanted)
            return f"({yes} if {terms.number(condition)} else {no})"
        case Quantified(kind="all" | "any" as kind):
            inner, variable, span = terms.within(node)
            chosen = "" if node.condition is None else f" if {inner.number(node.condition)}"
            each = f"{_far(node.body, inner, wanted)} for {variable} in {span}{chosen}"
            return f"sum({each})" if (kind == "all") is wanted else f"min(({each}), default=1)"
        case Sorted(sequence=sequence) if wanted:
            return f"descents({terms.sequence(sequence)})"
        case Permutation(left=left, right=right) if wanted:
            return f"odd({terms.sequence(left)}, {terms.sequence(right)})"
        case Same(left=left, right=right) if wanted:
            return f"different({terms.sequence(left)}, {terms.sequence(right)})"
    return f"(not {terms.number(node)})" if wanted else f"(not not {terms.number(node)})"


# --- what the text calls ---------------------------------------------------------------------------------------------


def over(number: int) -> float:
    """0 up to 0, and from there up to 1."""
    return 1 - 1 / (number + 1) if number > 0 else 0


def every(*parts: Callable[[], float]) -> float:
    whole = 0.0
    for part in parts:
        try:
            whole += part()
        except (IndexError, Meaningless):
            whole += 1
    return whole


def least(*parts: Callable[[], float]) -> float:
    best = 1.0
    for part in parts:
        try:
            best = min(best, part())
        except (IndexError, Meaningless):
            continue
        if not best:
            break
    return best


def span(start: int, stop: int) -> range:
    if stop - start > MOST:
        raise Meaningless
    return range(start, stop)


def descents(cells: list[int]) -> float:
    return sum(over(x - y) for x, y in pairwise(cells))


def odd(left: Iterable[int], right: Iterable[int]) -> float:
    mine, theirs = Counter(left), Counter(right)
    return float((mine - theirs).total() + (theirs - mine).total())


def different(left: list[int], right: list[int]) -> float:
    return float(sum(x != y for x, y in zip_longest(left, right)))


_CALLED: dict[str, Any] = {
    "over": over, "every": every, "least": least, "span": span, "descents": descents, "odd": odd,
    "different": different, "len": len, "max": max, "min": min, "sum": sum, "sorted": sorted, "abs": abs,
}  # fmt: skip
