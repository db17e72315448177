"""Circuit = spec: every op on all its operands, through the real torch and numba code.

The spec's table of an op comes from its row, evaluated over numpy arrays (`meaning`). Integer circuits are
enumerated through torch to W = 10 and lifted to the solver at the width asked for; the compiled loop likewise to
W = 10; one-hot circuits on all hard inputs to W = 6, bit-exact, and through their structure (`multilinear`) on all
distributions; the forms that pathwise uses in `pushforward`. Called by `prove`, through obligations.
"""

from __future__ import annotations

import numpy as np
import torch

from ncl.language.opcodes import UNARY, WORD_OPS, Opcode
from ncl.machine.circuits import onehot
from ncl.verify.engine.obligation import Obligation, Outcome
from ncl.verify.ops import pushforward, symbolic
from ncl.verify.ops.circuits import BY_MNEMONIC, refuted, run
from ncl.verify.ops.meaning import AGREEMENT_WIDTH, Array, misread, operands, spec, table

INTEGER_WIDTH = 10
ONEHOT_WIDTH = 6
WIDE, EDGES = (16, 32), 1000  # where the compiled loop is tried on some pairs


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
            found.append(Obligation(f"{kind}/{name}", name, kind, f"ncl.verify.ops.exhaustive:{check}", arguments))
        forms = "ncl.verify.ops.pushforward:check_pathwise"
        found.append(Obligation(f"circuit-pathwise/{name}", name, "circuit-pathwise", forms, (name, width)))
    return tuple(found)


_METHOD = f"enumeration through {{}}; table from the row over numpy, which agrees with ints to W = {AGREEMENT_WIDTH}"


def check_integer(mnemonic: str, width: int) -> Outcome:
    """Enumerated to W = 10 and, at the width asked for, lifted to the solver."""
    opcode = BY_MNEMONIC[mnemonic]
    method = _METHOD.format("torch")
    for at in range(1, INTEGER_WIDTH + 1):
        if bad := _wrong(method, opcode, "integer", at):
            return bad
    lifted = symbolic.check(opcode, width)
    if not lifted.green:
        return lifted
    bound = f"W = 1 … {INTEGER_WIDTH} all operands; W = {width} lifted to the solver"
    return Outcome(
        "proved-bounded", f"{method}; {lifted.method}", bound, lifted.solver, cross_check=lifted.cross_check,
        vacuity=lifted.vacuity, limits={"width": max(INTEGER_WIDTH, width), "enumerated_width": INTEGER_WIDTH},
    )  # fmt: skip


def check_kernel(mnemonic: str) -> Outcome:
    opcode = BY_MNEMONIC[mnemonic]
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
    for x, y, got in zip(x_P.tolist(), y_P.tolist(), run("kernel", opcode, x_P, y_P, width).tolist()):
        if got != spec(opcode, width, x, y):
            return refuted(method, opcode, "kernel", width, x, y, got)
    return None


def check_onehot(mnemonic: str) -> Outcome:
    opcode = BY_MNEMONIC[mnemonic]
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
    if told := misread(opcode):
        return Outcome("unknown", method, detail=f"the row reads differently over arrays: {told}")
    x_P, y_P = operands(opcode, width)
    expected_P, got_P = table(opcode, width), run(circuit, opcode, x_P, y_P, width)
    if np.array_equal(expected_P, got_P):
        return None
    place = int(np.flatnonzero(expected_P != got_P)[0])
    x, y = int(x_P[place]), int(y_P[place])
    return refuted(method, opcode, circuit, width, x, y, int(got_P[place]))


def _not_finite() -> str:
    """Constant tensors of the one-hot circuits' modules that hold an Inf or a NaN."""
    bad = [n for n, v in vars(onehot).items() if isinstance(v, torch.Tensor) and not bool(torch.isfinite(v).all())]
    return ", ".join(bad)
