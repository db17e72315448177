"""Random programs to write contracts for: functions that write, read or call themselves, and programs that call.

Every function says what it requires; what holds besides is found on runs, by `contract_cases`. Called by it and by
tests of a prover of contracts.
"""

from __future__ import annotations

import random
import re

from ncl.language.program import Parameter
from ncl.properties.contract_text import MARK, Loop, Written
from ncl.properties.contract_writer import Scope, Writer, leaves


def _marked(lines: list[str], loops: list[Loop]) -> tuple[tuple[str, ...], tuple[Loop, ...]]:
    """Lines and the loops that are left in them, numbered in the order of the text."""
    kept: list[Loop] = []
    numbered: list[str] = []
    for line in lines:
        if mark := MARK.match(line):
            line = f"{mark[1]}# loop {len(kept)}"
            kept.append(loops[int(mark[2])])
        numbered.append(line)
    return tuple(numbered), tuple(kept)


def callee(chance: random.Random, name: str) -> Written:
    """A small function that is called: it writes an array, reads one, or calls itself."""
    least = {"xs": chance.choice((1, 1, 1, 2))}
    fixed = frozenset({"xs"} if chance.random() < 0.6 else ())
    parameters = [Parameter("xs", "array")]
    kind = chance.choice(("bump", "bump", "bump", "set", "take", "read", "read", "swap", "recursion", "loop", "any"))
    if kind in ("read", "recursion") or chance.random() < 0.25:
        parameters.insert(chance.choice((0, 1)) if kind != "recursion" else 0, Parameter("n", "word"))
    words = [p.name for p in parameters if p.sort == "word"]
    writer = Writer(chance, (), dict(least))
    scope = Scope(words, ["xs"])
    requires = [f"len(xs) {'==' if 'xs' in fixed else '>='} {least['xs']}"]
    lines = _callee_lines(chance, kind, name, writer, scope, requires)
    shuffled = [p.name for p in parameters]
    return Written(
        name, tuple(parameters), least, fixed, *_marked(lines, writer.loops),
        frozenset(writer.kinds | ({"recursion"} if kind == "recursion" else set())), "word",
        frozenset(writer.writes), tuple(requires), decreases="n" if kind == "recursion" and "n" in shuffled else "",
    )  # fmt: skip


def _callee_lines(
    chance: random.Random, kind: str, name: str, writer: Writer, scope: Scope, requires: list[str]
) -> list[str]:
    cell, step = f"xs[{chance.randrange(writer.least['xs'])}]", chance.choice(("1", "1", "1", "2"))
    gives = chance.choice((cell, cell, cell, "0", "1", f"{cell} < 3", *scope.words))
    match kind:
        case "bump":
            writer.writes.add("xs")
            rises = chance.random() < 0.7
            if chance.random() < 0.7:
                requires.append(f"{cell} < ~{int(step) - 1}" if rises else f"{cell} >= {step}")
            return [f"{cell} {'+' if rises else '-'}= {step}", f"return {gives}"]
        case "set":
            writer.writes.add("xs")
            return [f"{cell} = {writer.expression(scope, 1)}", f"return {gives}"]
        case "take":
            writer.writes.add("xs")
            return [f"if {cell} > 0:", f"    {cell} -= 1", f"    return {chance.choice(('1', cell))}", "return 0"]
        case "swap":
            writer.writes.add("xs")
            return [f"{cell}, xs[{writer.least['xs'] - 1}] = xs[{writer.least['xs'] - 1}], {cell}", f"return {gives}"]
        case "recursion":
            inner = [f"{cell} {chance.choice(('+= 1', '-= 1', '= n', '= 0'))}"] if chance.random() < 0.7 else []
            if inner:
                writer.writes.add("xs")
            more = chance.choice(("", " + 1", f" + {cell}"))
            return ["if n == 0:", f"    return {gives}", *inner, f"return {name}(n - 1, xs){more}"]
        case "loop":
            return [*writer.for_loop(scope), f"return {gives}"]
        case "any":
            return [*writer.block(scope, 2), f"return {gives}"]
    return [f"return {writer.expression(scope, 2)}"]


SHAPES = ("straight", "nested", "spread", "head", "moving", "any")


def entry(chance: random.Random, pool: tuple[Written, ...], shape: str = "any") -> Written:
    """A program that calls some of the pool.

    By `shape`: straight has no loop; nested neither, and a call among the arguments of a call; spread requires
    something of all elements; head has a loop whose condition calls; moving one whose body moves what its condition
    moves; any is anything.
    """
    parameters, requires, least, fixed, positive = _given(chance, shape)
    words = [p.name for p in parameters if p.sort == "word"]
    arrays = [p.name for p in parameters if p.sort == "array"]
    chosen = _some(chance, pool, shape)
    writer = Writer(chance, chosen, dict(least), positive, straight=shape in ("straight", "nested", "spread"))
    if shape == "spread" or (shape == "any" and chance.random() < 0.15):
        requires.append(_spread(chance, arrays, words, positive))
        writer.kinds.add("quantified requires")
    lines, scope = _lines(chance, writer, words, arrays, shape)
    gives = "array" if chance.random() < 0.12 else "word"
    writer.calling = 0
    last = f"return {chance.choice(arrays)}" if gives == "array" else writer.returned(scope)
    last = "return v" if shape == "nested" and gives == "word" and chance.random() < 0.7 else last
    lines = [re.sub(r"\breturn .*", last, line) if gives == "array" else line for line in lines]
    kinds = writer.kinds | ({"several arrays"} if len(arrays) > 1 else set())
    return Written(
        "f", parameters, least, fixed, *_marked([*lines, last], writer.loops), frozenset(kinds), gives,
        frozenset(writer.writes), tuple(requires), callees=tuple(writer.used.values()),
    )  # fmt: skip


def _given(
    chance: random.Random, shape: str
) -> tuple[tuple[Parameter, ...], list[str], dict[str, int], frozenset[str], tuple[str, ...]]:
    """Parameters, what is required of each, lengths of arrays, and words that are not 0."""
    spread = shape == "spread"
    arrays = ["xs", "ys"] if chance.random() < (0.75 if spread else 0.25) else ["xs"]
    words = [w for w in "kd" if chance.random() < (0.9 if spread and w == "d" else 0.15 if spread else 0.3)]
    least = {a: chance.choice((2, 2, 2, 1) if spread else (1, 1, 2)) for a in arrays}
    if len(arrays) == 2 and chance.random() < 0.7:
        least["ys"] = least["xs"]
    fixed = frozenset(a for a in arrays if chance.random() < 0.85)
    positive = ("d",) if "d" in words and chance.random() < 0.85 else ()
    requires = [f"len({a}) {'==' if a in fixed else '>='} {least[a]}" for a in arrays]
    requires += [f"d > {chance.choice((0, 0, 1))}"] if positive else []
    if not spread:
        bounds = ("== 0", "== 0", "< 3", "< ~0", "< ~1", "> 0", "< 2")
        requires += [f"{a}[0] {chance.choice(bounds)}" for a in arrays if chance.random() < 0.55]
    parameters = (*(Parameter(a, "array") for a in arrays), *(Parameter(w, "word") for w in words))
    return parameters, requires, least, fixed, positive


def _lines(
    chance: random.Random, writer: Writer, words: list[str], arrays: list[str], shape: str
) -> tuple[list[str], Scope]:
    scope = Scope(list(words), list(arrays))
    match shape:
        case "straight" | "spread":
            lines = writer.block(scope, 2) if chance.random() < (0.75 if shape == "straight" else 0.4) else []
        case "nested":
            scope.words.append("v")
            lines = [f"v = {writer.nested(Scope(list(words), list(arrays)))}"]
        case "head" | "moving":
            before = [writer.assign(scope)] if chance.random() < 0.2 else []
            lines = [*before, *writer.while_loop(scope, "n" if shape == "head" else "")]
        case _:
            lines = writer.block(scope, 3)
    return (lines, scope) if not leaves(lines[-1:]) else _lines(chance, writer, words, arrays, shape)


def _some(chance: random.Random, pool: tuple[Written, ...], shape: str) -> tuple[Written, ...]:
    """A few of the pool; a loop that calls needs one that writes."""
    few = chance.choice((0, 1, 1, 2) if shape == "spread" else (1, 2, 2, 3))
    chosen = chance.sample(pool, min(few, len(pool)))
    writing = [one for one in pool if one.writes and one not in chosen]
    if shape == "nested":
        return pool
    if shape in ("head", "moving") and writing and not any(one.writes for one in chosen):
        chosen.append(chance.choice(writing))
    return tuple(chosen)


def _spread(chance: random.Random, arrays: list[str], words: list[str], positive: tuple[str, ...]) -> str:
    """Something that is required of every element, or of a sum of them."""
    a, b = chance.choice(arrays), chance.choice(arrays)
    low = chance.choice(("0", "1", "1", "2", *words))
    chosen = chance.choice((
        f"max({a}[p], {low})", f"min({a}[p], {low})", f"({a}[p] if {a}[p] > {low} else {low})", f"{a}[p]",
        f"({a}[p] if p > 0 else {low})",
    ))  # fmt: skip
    divisor = chance.choice(("2", "3", *positive * 8))
    value = f"{chosen} {chance.choice(('%', '%', '//'))} {divisor}"
    if chance.random() < 0.25:
        return f"sum({value} for p in range(len({a}))) == {chance.choice(('1', '1', '2', '3', *words))}"
    other = f"{b}[p]" if b != a or chance.random() < 0.4 else chance.choice(("0", "1", *words))
    reach = f"len({a})" if a == b or "[p]" not in other else f"min(len({a}), len({b}))"
    return f"{value} {chance.choice(('==', '==', '==', '<='))} {other} for p in range({reach})"
