"""What a bound says was tried is what was tried: every printed number is counted again from the runs themselves.

Runs are recorded where they are made, and inputs are enumerated here a second time; nothing of what makes a bound is
used to check it. A kind of obligation that prints a bound of another form fails here until it is counted too.
"""

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pytest

from ncl.build import Compiled, sizes_for
from ncl.language.opcodes import UNARY, WORD_OPS, Opcode, Trap
from ncl.language.ops import OPS
from ncl.language.parse import parse_text
from ncl.verify.engine import executors
from ncl.verify.ops import exhaustive, pushforward
from ncl.verify.runs import compiled_loop, differential, golden, temperature
from ncl.verify.smt import algebra

SOURCES = {
    "last": "def f(xs: Array, d: Word) -> Word:\n    if len(xs) == 0:\n        return d\n    return xs[len(xs) - 1]\n",
    "double": "def f(n: Word) -> Word:\n    return n + n\n",
    "endless": "def f(n: Word, m: Word) -> Word:\n    while n > m:\n        m = m * 1\n    return m\n",
    "slow": "def f(xs: Array) -> Word:\n    n = 0\n    for i in range(len(xs)):\n        j = xs[i]\n"
    "        while j > 0:\n            j -= 1\n            n += 1\n    return n\n",
    "both": "def f(xs: Array, ys: Array) -> Word:\n    return len(xs) + len(ys)\n",
    "deep": "def f(n: Word) -> Word:\n    if n == 0:\n        return 0\n    return f(n - 1) + 1\n",
}
STOPPED = r"(?: \((?P<cut{0}>\d+) stopped after (?P<budget{0}>\d+) ticks\))?"
AGAIN = r"(?:, (?P<again{0}>\d+) of them again after (?P<budgets{0}>[\d /]+) ticks \((?P<cuts{0}>[\d /]+) stopped\))?"
RANDOM = (
    r"(?P<runs>\d+) random runs(?: of (?P<inputs>\d+) inputs)?(?: of words ≤ (?P<top>\d+))? at W = (?P<width>\d+)"
    r"(?:, lengths ≤ (?P<length>\d+))?"
)
EVERY = (
    r"every word(?: and every length ≤ (?P<reach>\d+))?(?:, (?P<cells>\d+) cells in all)? at W = (?P<small>\d+): "
    r"(?P<count>\d+) inputs through {way}" + STOPPED.format("_every") + r"(?P<calls>, with at most \d+ calls open)?"
)
WAY = (
    r"(?:(?P<all{0}>source, proved step, bytecode and the reference machine)"
    r"|source, bytecode and the reference machine, (?P<step{0}>\d+) of them through the proved step"
    r"|source and bytecode, (?P<ref{0}>\d+) of them through the reference machine, "
    r"(?P<stepped{0}>\d+) through the proved step)"
)


@dataclass(frozen=True)
class Call:
    executor: str
    width: int
    budget: int
    inputs: tuple[str, ...]
    batch: list
    cut: int


@pytest.fixture
def calls(monkeypatch):
    """Every call of `executors.run`, with what it was given and how many of its runs ended for want of ticks."""
    made, real = [], executors.run

    def run(name, program, function, batch, budget):
        given = [[list(v) if isinstance(v, list) else v for v in arguments] for arguments in batch]
        results = real(name, program, function, batch, budget)
        cut = sum(r.trap is not None and r.trap.kind is Trap.BUDGET for r in results)
        made.append(Call(name, program.sizes.width, budget, tuple(map(str, given)), given, cut))
        return results

    monkeypatch.setattr(executors, "run", run)
    return made


def of(name, width=16, **sizes):
    return Compiled.of(parse_text(SOURCES[name], f"{name}.py", "f")[0], replace(sizes_for(width), **sizes))


def read(pattern, bound):
    found = re.fullmatch(pattern, bound)
    assert found, f"a bound that is not counted again: {bound}"
    return {name: value for name, value in found.groupdict().items() if value is not None}


def check_random(said, main, tight):
    """Of a batch: runs, different inputs, largest word and length, and those stopped, apart for each budget."""
    batch = main.batch
    assert int(said["runs"]) == len(batch) and int(said["width"]) == main.width
    assert int(said.get("inputs", said["runs"])) == len(set(main.inputs))
    sizes = [len(v) for arguments in batch for v in arguments if isinstance(v, list)]
    assert int(said.get("length", -1)) == max(sizes, default=-1)
    words = [w for arguments in batch for v in arguments for w in (v if isinstance(v, list) else [v])]
    assert max(words) <= int(said.get("top", (1 << main.width) - 1))
    check_stopped(said, "", main)
    check_tight(said, "", tight, set(main.inputs))


def check_stopped(said, mark, call):
    assert int(said.get(f"cut{mark}", 0)) == call.cut
    assert not call.cut or int(said[f"budget{mark}"]) == call.budget


def check_tight(said, mark, tight, known):
    assert int(said.get(f"again{mark}", 0)) == (len(tight[0].batch) if tight else 0)
    budgets, cuts = (said.get(f"{name}{mark}") for name in ("budgets", "cuts"))
    assert [call.budget for call in tight] == [int(n) for n in budgets.split("/")] if tight else budgets is None
    assert [call.cut for call in tight] == [int(n) for n in cuts.split("/")] if tight else cuts is None
    assert all(set(call.inputs) <= known for call in tight)


@pytest.mark.parametrize("executor", ["integer", "pathwise", "dense"])
@pytest.mark.parametrize("name", ["last", "double", "endless", "slow"])
def test_executor_bounds_are_what_was_run(calls, executor, name):
    made = of(name)
    outcome = differential.check_executor(executor, made.function, made.program, 20, 0)
    mine = [call for call in calls if call.executor == executor]
    assert outcome.verdict == "tested"
    tight = 0
    for part in outcome.bound.split("; "):
        if part.startswith("none at"):
            continue
        said = read(RANDOM + STOPPED.format("") + AGAIN.format(""), part)
        tight = len(said["budgets"].split("/")) if "budgets" in said else 0
        check_random(said, mine[0], mine[1 : 1 + tight])
        assert int(said["runs"]) == outcome.limits["samples"]
        del mine[: 1 + tight]
    assert not mine, "runs that no bound tells of"
    referred = [call for call in calls if call.executor == "reference"]
    assert len(referred) == len(calls) / 2


def test_runs_of_different_budgets_are_never_one_number():
    with pytest.raises(ValueError, match="counted apart"):
        differential.Compared(None, 10, 50_000) + differential.Compared(None, 10, 5)


@pytest.mark.parametrize("name", SOURCES)
def test_cross_check_bounds_are_what_was_run(calls, name):
    made = of(name)
    outcome = differential.check_runs(made.function, made.program, 60, 0)
    assert outcome.verdict == "proved-bounded"
    pattern = EVERY.format(way=WAY.format("_every")) + AGAIN.format("_every") + "; " + RANDOM
    pattern += ", through source and bytecode" + STOPPED.format("") + r", (?P<few>\d+) short ones through "
    said = read(pattern + WAY.format("_few") + STOPPED.format("_few") + AGAIN.format(""), outcome.bound)
    small = [call for call in calls if call.width == int(said["small"])]
    large = [call for call in calls if call.width == made.program.sizes.width]
    assert len(small) + len(large) == len(calls)
    check_enumeration(said, made, small)
    by = defaultdict(list)
    for call in large:
        by[call.executor].append(call)
    main, few, *tight = by["integer"]
    check_random(said, main, tight)
    assert int(said["few"]) == len(few.batch) and set(few.inputs) <= set(main.inputs)
    check_stopped(said, "_few", few)
    check_way(said, "_few", few.batch, by["reference"][0].batch, by["step"][0].batch)


def check_enumeration(said, made, calls):
    """All words and lengths that it speaks of, and nothing else, each once; enumerated here anew."""
    by = defaultdict(list)
    for call in calls:
        by[call.executor].append(call)
    budget = by["integer"][0].budget
    whole = {name: [call for call in mine if call.budget == budget] for name, mine in by.items()}
    tried = [text for call in whole["integer"] for text in call.inputs]
    assert tried == [text for call in whole["source"] for text in call.inputs]
    words = range(1 << int(said["small"]))
    reach, most = int(said.get("reach", 0)), int(said.get("cells", 1 << 32))
    arrays = [list(cells) for n in range(reach + 1) for cells in product(words, repeat=n)]
    sorts = [p.sort for p in made.function.signature.parameters]
    every = product(*(arrays if sort == "array" else words for sort in sorts))
    wanted = {str(list(a)) for a in every if sum(len(v) for v in a if isinstance(v, list)) <= most}
    assert len(tried) == len(set(tried)) == int(said["count"]) and set(tried) == wanted
    cut = sum(call.cut for call in whole["integer"])
    assert int(said.get("cut_every", 0)) == cut and int(said.get("budget_every", budget)) == budget
    batches = ([a for call in whole[name] for a in call.batch] for name in ("integer", "reference", "step"))
    check_way(said, "_every", *batches)
    check_tight(said, "_every", [call for call in by["integer"] if call.budget != budget], set(tried))
    assert ("calls" in said) == ("return f(" in made.function.text)


def check_way(said, mark, every, referred, stepped):
    if f"all{mark}" in said:
        assert len(every) == len(referred) == len(stepped)
    elif f"step{mark}" in said:
        assert len(every) == len(referred) and int(said[f"step{mark}"]) == len(stepped)
    else:
        assert (int(said[f"ref{mark}"]), int(said[f"stepped{mark}"])) == (len(referred), len(stepped))


# --- ops -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opcode", [Opcode.ADD, Opcode.DIVIDE, Opcode.INVERT, Opcode.SHIFT_LEFT])
@pytest.mark.parametrize("circuit, check", [("kernel", "check_kernel"), ("onehot", "check_onehot")])
def test_circuit_bounds_are_what_was_computed(monkeypatch, opcode, circuit, check):
    """All pairs of words at each width, and the pairs beyond."""
    real, seen = exhaustive.run, defaultdict(set)

    def run(which, op, x_P, y_P, width):
        assert which == circuit and op == opcode
        pairs = zip(x_P.tolist(), y_P.tolist())
        seen[width].update(((x,) if op in UNARY else (x, y)) for x, y in pairs)
        return real(which, op, x_P, y_P, width)

    monkeypatch.setattr(exhaustive, "run", run)
    outcome = getattr(exhaustive, check)(opcode.mnemonic)
    most = int(re.match(r"W = 1 … (\d+) all (?:hard )?operands", outcome.bound).group(1))
    assert most == outcome.limits["width"]
    arity = 1 if opcode in UNARY else 2
    for width in range(1, most + 1):
        assert len(seen.pop(width)) == (1 << width) ** arity
    far = {int(w): int(n) for n, w in re.findall(r"(\d+) at W = (\d+)", outcome.bound)}
    assert far == {width: len(pairs) for width, pairs in seen.items()}


@pytest.mark.parametrize("opcode", [Opcode.ADD, Opcode.REMAINDER, Opcode.INVERT])
def test_soft_bounds_are_what_was_pushed_forward(monkeypatch, opcode):
    real, seen = pushforward._parted, defaultdict(set)

    def parted(form, masses, constants_P, dtype):
        for n, rows in enumerate(zip(*masses)):
            known = None if constants_P is None else int(constants_P[n])
            seen[form.width, dtype, form.kind].add((known, *(row.tobytes() for row in map(np.asarray, rows))))
        return real(form, masses, constants_P, dtype)

    monkeypatch.setattr(pushforward, "_parted", parted)
    full = pushforward.check_full(opcode, 3)
    count, most = map(int, re.match(r"(\d+) soft operands, .* W = 1 … (\d+),", full.bound).groups())
    assert {width for width, _, _ in seen} == set(range(1, most + 1))
    assert count == full.limits["samples"] == sum(map(len, seen.values()))
    seen.clear()
    outcome = pushforward.check_pathwise(opcode.mnemonic, 16)
    most, count, width = map(int, re.search(r"1 … (\d+), float32; (\d+) soft .* W = (\d+)", outcome.bound).groups())
    small = {at for at, dtype, _ in seen if dtype == pushforward.torch.float32}
    assert small == set(range(1, most + 1))
    for at in small:
        constants = {row[0] for (w, d, kind), rows in seen.items() if (w, kind) == (at, "right") for row in rows}
        assert constants == set(range(1 << at))
    large = [rows for (at, dtype, _), rows in seen.items() if (at, dtype) == (width, pushforward.torch.float64)]
    assert sum(map(len, large)) == count == outcome.limits["samples"]


@pytest.mark.parametrize("name", algebra.OPERANDS)
def test_algebra_bounds_are_the_terms_that_were_evaluated(monkeypatch, name):
    real, seen = algebra._difference, defaultdict(set)

    def difference(name, sorts, width, operands):
        seen[width].add((sorts, operands))
        return real(name, sorts, width, operands)

    monkeypatch.setattr(algebra, "_difference", difference)
    outcome = algebra.check_operation(name, 16)
    counts = re.fullmatch(
        r"(\d+) operands at width (\d+), with all words(?: and some naturals)?; (\d+) edge and random ones at width 16",
        outcome.bound,
    )
    small, width, large = map(int, counts.groups())
    assert (small, large) == (len(seen[width]), len(seen[16])) and outcome.limits["samples"] == small + large
    for sorts in {sorts for sorts, _ in seen[width] if set(sorts) <= {"w", "i"}}:
        assert {o for s, o in seen[width] if s == sorts} == set(product(range(1 << width), repeat=len(sorts)))


@pytest.mark.parametrize("opcode", [Opcode.ADD, Opcode.HALT, Opcode.CALL, Opcode.STORE])
def test_loop_bounds_are_the_states_that_were_run(monkeypatch, opcode):
    real, seen = compiled_loop.replay, set()

    def replay(case):
        seen.add((case["program"]["sizes"]["width"], str(case)))
        return real(case)

    monkeypatch.setattr(compiled_loop, "replay", replay)
    outcome = compiled_loop.check(int(opcode))
    count, machines, widths = re.fullmatch(r"(\d+) states on (\d+) machines, W = (.*)", outcome.bound).groups()
    assert int(count) == len(seen) == outcome.limits["samples"]
    assert {int(w) for w in widths.split(", ")} == {width for width, _ in seen} and int(machines) == len(
        compiled_loop.MACHINES
    )


@pytest.mark.parametrize("part", temperature.PARTS)
def test_temperature_bounds_are_the_rows_that_were_tried(monkeypatch, part):
    real, seen = temperature._trial, []

    def trial(name):
        return lambda row: (seen.append(tuple(row)), real(name)(row))[1]

    monkeypatch.setattr(temperature, "_trial", trial)
    outcome = temperature.check(part)
    count, least, most = map(int, re.fullmatch(r"(\d+) rows of (\d+) to (\d+) words", outcome.bound).groups())
    assert count == len(seen) == len(set(seen)) == outcome.limits["samples"]
    assert (least, most) == (min(map(len, seen)), max(map(len, seen)))


@pytest.mark.parametrize("opcode", list(Opcode))
def test_golden_bounds_are_examples_that_differ(opcode):
    outcome = golden.check(int(opcode))
    examples = OPS[opcode].examples if opcode in WORD_OPS else golden.CASES[opcode]
    assert int(outcome.bound.split()[0]) == len({repr(example) for example in examples}) == outcome.limits["examples"]
