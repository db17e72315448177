"""Circuit = spec: every op on all its operands, through the real torch and numba code.

The spec's table of an op comes from its row, evaluated over numpy arrays (`Arrays`, an algebra of its own whose
agreement with `Integers` on each row is enumerated too), so a million pairs take milliseconds. Integer circuits are
enumerated through torch to W = 10 and lifted to the solver at the width asked for; the compiled loop likewise to
W = 10; one-hot circuits on all hard inputs to W = 6, bit-exact, and through their structure (`multilinear`) on all
distributions; the forms that pathwise uses in `pushforward`. Called by `prove`, through obligations.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
import torch

from ncl.language.opcodes import UNARY, WORD_OPS, Opcode
from ncl.language.ops import OPS
from ncl.language.word import Integers
from ncl.verify.counterexample import SCHEMA, Replayed
from ncl.verify.obligation import Obligation, Outcome

Array = Any
INTEGER_WIDTH = 10
ONEHOT_WIDTH = 6
AGREEMENT_WIDTH = 5
WIDE, EDGES = (16, 32), 1000  # where the compiled loop is tried on some pairs
TRAPS = -1  # stands where an op traps
_BY_MNEMONIC = {op.mnemonic: op for op in Opcode}


@dataclass(frozen=True)
class Arrays:
    """The algebra on numpy arrays of int64 words, for the few operations that a word op's row uses."""

    width: int

    def word(self, value: int) -> Array:
        return np.int64(value % (1 << self.width))

    def _wrap(self, value: Array) -> Array:
        return np.mod(value, np.int64(1 << self.width))

    def add(self, x: Array, y: Array) -> Array:
        return self._wrap(x + y)

    def subtract(self, x: Array, y: Array) -> Array:
        return self._wrap(x - y)

    def multiply(self, x: Array, y: Array) -> Array:
        return self._wrap(x * y)  # enumerated widths are small: no product passes 2^63

    def divide(self, x: Array, y: Array) -> Array:
        return np.where(y == 0, 0, np.floor_divide(x, np.maximum(y, 1)))

    def remainder(self, x: Array, y: Array) -> Array:
        return np.where(y == 0, 0, x - y * np.floor_divide(x, np.maximum(y, 1)))

    def conjoin(self, x: Array, y: Array) -> Array:
        return np.bitwise_and(x, y)

    def disjoin(self, x: Array, y: Array) -> Array:
        return np.bitwise_or(x, y)

    def differ(self, x: Array, y: Array) -> Array:
        return np.bitwise_xor(x, y)

    def invert(self, x: Array) -> Array:
        return np.int64((1 << self.width) - 1) - x

    def shift_left(self, x: Array, y: Array) -> Array:
        return np.where(y < self.width, self._wrap(x * np.left_shift(1, np.minimum(y, self.width))), 0)

    def shift_right(self, x: Array, y: Array) -> Array:
        return np.where(y < self.width, np.floor_divide(x, np.left_shift(1, np.minimum(y, self.width))), 0)

    def equal(self, x: Array, y: Array) -> Array:
        return np.equal(x, y)

    def less(self, x: Array, y: Array) -> Array:
        return np.less(x, y)

    def either(self, p: Array, q: Array) -> Array:
        return np.logical_or(p, q)

    def negate(self, p: Array) -> Array:
        return np.logical_not(p)

    def choose(self, p: Array, x: Array, y: Array) -> Array:
        return np.where(p, x, y)


# --- the spec's table ------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4)
def words(width: int) -> tuple[Array, Array]:
    """All pairs of words, as two vectors."""
    line: Array = np.arange(1 << width, dtype=np.int64)
    return np.repeat(line, 1 << width), np.tile(line, 1 << width)


def operands(opcode: Opcode, width: int) -> tuple[Array, Array]:
    """All operands of an op; an op of one operand has each word once, beside zeros."""
    if opcode in UNARY:
        line: Array = np.arange(1 << width, dtype=np.int64)
        return line, np.zeros_like(line)
    return words(width)


@lru_cache(maxsize=8)
def table(opcode: Opcode, width: int) -> Array:
    """What the row says of all operands, `TRAPS` where it traps."""
    return image(opcode, *operands(opcode, width), width)


def image(opcode: Opcode, x_P: Array, y_P: Array, width: int) -> Array:
    """What the row says of pairs of words, `TRAPS` where it traps."""
    row, algebra = OPS[opcode], Arrays(width)
    assert row.word is not None
    z_P = row.word(algebra, x_P) if opcode in UNARY else row.word(algebra, x_P, y_P)
    z_P = np.broadcast_to(z_P, x_P.shape).astype(np.int64)
    return np.where(y_P == 0, TRAPS, z_P) if row.traps_on_zero else z_P


def spec(opcode: Opcode, width: int, x: int, y: int) -> int:
    """What the row says over Python's ints, the reference of everything."""
    row, algebra = OPS[opcode], Integers(width)
    assert row.word is not None
    if row.traps_on_zero and y == 0:
        return TRAPS
    return int(row.word(algebra, x) if opcode in UNARY else row.word(algebra, x, y))


@cache
def _misread(opcode: Opcode) -> str:
    """Where the row over arrays parts from the row over ints at small widths; empty when nowhere."""
    for width in range(1, AGREEMENT_WIDTH + 1):
        x_P, y_P = operands(opcode, width)
        for x, y, z in zip(x_P.tolist(), y_P.tolist(), table(opcode, width).tolist()):
            if spec(opcode, width, x, y) != z:
                return f"width {width}, ({x}, {y}): arrays {z}, ints {spec(opcode, width, x, y)}"
    return ""


# --- what has to be shown --------------------------------------------------------------------------------------------


def obligations(width: int) -> tuple[Obligation, ...]:
    """Integer circuits, one-hot circuits in both forms, and the compiled loop's ops."""
    found = []
    for opcode in WORD_OPS:
        name = opcode.mnemonic
        for kind, check, arguments in (
            ("circuit-integer", "check_integer", (name, width)),
            ("circuit-onehot", "check_onehot", (name,)),
            ("kernel", "check_kernel", (name,)),
        ):
            found.append(Obligation(f"{kind}/{name}", name, kind, f"ncl.verify.enumerate:{check}", arguments))
        forms = "ncl.verify.pushforward:check_pathwise"
        found.append(Obligation(f"circuit-pathwise/{name}", name, "circuit-pathwise", forms, (name, width)))
    return tuple(found)


_METHOD = f"enumeration through {{}}; table from the row over numpy, which agrees with ints to W = {AGREEMENT_WIDTH}"


def check_integer(mnemonic: str, width: int) -> Outcome:
    """Enumerated to W = 10 and, at the width asked for, lifted to the solver."""
    opcode = _BY_MNEMONIC[mnemonic]
    method = _METHOD.format("torch")
    for at in range(1, INTEGER_WIDTH + 1):
        if bad := _wrong(method, opcode, "integer", at):
            return bad
    from ncl.verify import lifted_circuits

    lifted = lifted_circuits.check(opcode, width)
    if not lifted.green:
        return lifted
    bound = f"W = 1 … {INTEGER_WIDTH} all operands; W = {width} lifted to the solver"
    return Outcome(
        "proved-bounded", f"{method}; {lifted.method}", bound, lifted.solver, cross_check=lifted.cross_check,
        vacuity=lifted.vacuity, limits={"width": max(INTEGER_WIDTH, width), "enumerated_width": INTEGER_WIDTH},
    )  # fmt: skip


def check_kernel(mnemonic: str) -> Outcome:
    opcode = _BY_MNEMONIC[mnemonic]
    method = _METHOD.format("the compiled loop")
    for at in range(1, INTEGER_WIDTH + 1):
        if bad := _wrong(method, opcode, "kernel", at):
            return bad
    for at in WIDE:
        if bad := _wrong_at_edges(method, opcode, at):
            return bad
    far = " and ".join(f"{_different(opcode, at)} at W = {at}" for at in WIDE)
    bound = f"W = 1 … {INTEGER_WIDTH} all operands; edge and random ones beyond: {far}"
    return Outcome("proved-bounded", method, bound, limits={"width": INTEGER_WIDTH})


def _edges(width: int) -> tuple[Array, Array]:
    """Pairs at which machine arithmetic is apt to go wrong, and as many random ones."""
    top = (1 << width) - 1
    near = {0, 1, 2, 3, width - 1, width, width + 1, top, top - 1, *(top >> k for k in (1, 2, width // 2))}
    edges: Array = np.array(sorted({w & top for k in (0, 1) for w in (n + k for n in near)}), np.int64)
    rng, count = np.random.default_rng(width), EDGES - len(edges) ** 2
    x_P, y_P = rng.integers(0, top, (2, count), np.int64, endpoint=True)
    return np.append(np.repeat(edges, len(edges)), x_P), np.append(np.tile(edges, len(edges)), y_P)


def _different(opcode: Opcode, width: int) -> int:
    """Of those pairs, each once; of their first halves where there is one operand."""
    x_P, y_P = _edges(width)
    return len(set(x_P.tolist())) if opcode in UNARY else len(set(zip(x_P.tolist(), y_P.tolist())))


def _wrong_at_edges(method: str, opcode: Opcode, width: int) -> Outcome | None:
    """The first of those pairs where the compiled loop parts from the row over ints."""
    x_P, y_P = _edges(width)
    for x, y, got in zip(x_P.tolist(), y_P.tolist(), _run("kernel", opcode, x_P, y_P, width).tolist()):
        if got != spec(opcode, width, x, y):
            return refuted(method, opcode, "kernel", width, x, y, got)
    return None


def check_onehot(mnemonic: str) -> Outcome:
    from ncl.verify import pushforward

    opcode = _BY_MNEMONIC[mnemonic]
    method = _METHOD.format("torch on all hard inputs, bit-exact")
    if bad := _not_finite():
        return Outcome("refuted", "scan of the circuits' constants", detail=bad)
    for at in range(1, ONEHOT_WIDTH + 1):
        if bad_outcome := _wrong(method, opcode, "onehot", at):
            return bad_outcome
    soft = pushforward.check_full(opcode, ONEHOT_WIDTH)
    if not soft.green:
        return soft
    bound = f"W = 1 … {ONEHOT_WIDTH} all hard operands, float32; by multilinearity all distributions there"
    return Outcome(
        "proved-bounded", f"{method}; {soft.method}", bound, cross_check=soft.bound, limits={"width": ONEHOT_WIDTH}
    )


def _wrong(method: str, opcode: Opcode, circuit: str, width: int) -> Outcome | None:
    """The first operands at this width where a circuit parts from the row."""
    if misread := _misread(opcode):
        return Outcome("unknown", method, detail=f"the row reads differently over arrays: {misread}")
    x_P, y_P = operands(opcode, width)
    expected_P, got_P = table(opcode, width), _run(circuit, opcode, x_P, y_P, width)
    if np.array_equal(expected_P, got_P):
        return None
    place = int(np.flatnonzero(expected_P != got_P)[0])
    x, y = int(x_P[place]), int(y_P[place])
    return refuted(method, opcode, circuit, width, x, y, int(got_P[place]))


def refuted(method: str, opcode: Opcode, circuit: str, width: int, x: int, y: int, got: int) -> Outcome:
    expected = spec(opcode, width, x, y)
    taken = [x] if opcode in UNARY else [x, y]
    case = {
        "schema": SCHEMA, "kind": "op", "opcode": opcode.mnemonic, "width": width, "operands": taken,
        "circuit": circuit, "expected": _said(expected), "got": _said(got),
    }  # fmt: skip
    detail = f"{opcode.mnemonic}{tuple(taken)} at width {width}: spec {_said(expected)}, {circuit} {_said(got)}"
    return Outcome("refuted", method, detail=detail, counterexample=case)


def _said(value: int) -> int | str:
    return "trap" if value == TRAPS else "not one-hot" if value < 0 else value


# --- the circuits, each as a function of vectors of words ------------------------------------------------------------


def _run(circuit: str, opcode: Opcode, x_P: Array, y_P: Array, width: int) -> Array:
    """What a circuit gives for every pair: a word, `TRAPS`, or -2 for a one-hot result that is no single word."""
    match circuit:
        case "integer":
            return _run_integer(opcode, x_P, y_P, width)
        case "kernel":
            from ncl.machine.executors.integer import apply_kernel

            return apply_kernel(opcode, x_P, y_P, width)
        case "onehot":
            return _run_onehot(opcode, x_P, y_P, width)
    raise ValueError(f"no circuit {circuit!r}")


def run(circuit: str, opcode: Opcode, x: int, y: int, width: int) -> int:
    """One pair."""
    return int(_run(circuit, opcode, np.array([x], np.int64), np.array([y], np.int64), width)[0])


def _run_integer(opcode: Opcode, x_P: Array, y_P: Array, width: int) -> Array:
    from ncl.machine.circuits.integer import CIRCUITS

    x, y = torch.from_numpy(x_P), torch.from_numpy(y_P)
    z_P = (CIRCUITS[opcode](x, width) if opcode in UNARY else CIRCUITS[opcode](x, y, width)).numpy()
    # Division by 0 never reaches a register: that the step traps there is the step's own proof.
    return np.where(y_P == 0, TRAPS, z_P) if OPS[opcode].traps_on_zero else z_P


def _run_onehot(opcode: Opcode, x_P: Array, y_P: Array, width: int) -> Array:
    onehot = importlib.import_module("ncl.machine.circuits.onehot")
    size = 1 << width
    onehot.check_room(f"one-hot words of width {width}", size * size)
    eye_NN = torch.eye(size)
    rows = max(1, (1 << 22) // size)
    parts = []
    for begin in range(0, len(x_P), rows):
        x_BN = eye_NN[torch.from_numpy(x_P[begin : begin + rows])]
        if opcode in UNARY:
            z_BN, trap_B = onehot.CIRCUITS[opcode](x_BN), torch.zeros(len(x_BN))
        else:
            y_BN = eye_NN[torch.from_numpy(y_P[begin : begin + rows])]
            z_BN, trap_B = onehot.CIRCUITS[opcode](x_BN, y_BN), onehot.trapped(opcode, x_BN, y_BN)
        parts.append(_harden(z_BN, trap_B))
    return np.concatenate(parts)


def _harden(z_BN: torch.Tensor, trap_B: torch.Tensor) -> Array:
    """The word of a bit-exact one-hot row, `TRAPS` for none with trap mass exactly 1, -2 for anything else."""
    one_B, word_B = z_BN.max(-1)
    single_B = (one_B == 1) & ((z_BN == 0).sum(-1) == z_BN.shape[-1] - 1)
    trapped_B = (z_BN == 0).all(-1) & (trap_B == 1)
    found_B = torch.where(single_B & (trap_B == 0), word_B, torch.where(trapped_B, TRAPS, -2))
    return found_B.numpy()


def _not_finite() -> str:
    """Constant tensors of the one-hot circuits' modules that hold an Inf or a NaN."""
    onehot = importlib.import_module("ncl.machine.circuits.onehot")
    bad = [n for n, v in vars(onehot).items() if isinstance(v, torch.Tensor) and not bool(torch.isfinite(v).all())]
    return ", ".join(bad)


# --- running again ---------------------------------------------------------------------------------------------------


def replay(case: Mapping[str, Any]) -> Replayed:
    """One pair of operands through the circuit that is installed now."""
    opcode, width, circuit = _BY_MNEMONIC[case["opcode"]], int(case["width"]), str(case["circuit"])
    x, y = [*map(int, case["operands"]), 0][:2]
    got = run(circuit, opcode, x, y, width)
    expected = spec(opcode, width, x, y)
    what = f"{opcode.mnemonic} of {case['operands']} at width {width}, {circuit} circuit"
    return Replayed(expected != got, what, _said(expected), _said(got))
