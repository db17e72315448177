"""The circuits of an op as functions of vectors of words, and a pair of operands on which one is not its row.

Integer circuits and one-hot ones go through torch, the compiled loop through numba: the code that runs. Called by the
checks of ops and by `ncl replay`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from ncl.language.opcodes import UNARY, Opcode
from ncl.language.ops import OPS
from ncl.machine.circuits import integer, onehot
from ncl.verify.engine.counterexample import SCHEMA, Replayed
from ncl.verify.engine.obligation import Outcome
from ncl.verify.ops.meaning import TRAPS, Array, spec

BY_MNEMONIC = {op.mnemonic: op for op in Opcode}


def run(circuit: str, opcode: Opcode, x_P: Array, y_P: Array, width: int) -> Array:
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


def run_one(circuit: str, opcode: Opcode, x: int, y: int, width: int) -> int:
    """One pair."""
    return int(run(circuit, opcode, np.array([x], np.int64), np.array([y], np.int64), width)[0])


def _run_integer(opcode: Opcode, x_P: Array, y_P: Array, width: int) -> Array:
    x, y = torch.from_numpy(x_P), torch.from_numpy(y_P)
    z_P = (integer.CIRCUITS[opcode](x, width) if opcode in UNARY else integer.CIRCUITS[opcode](x, y, width)).numpy()
    # Division by 0 never reaches a register: that the step traps there is the step's own proof.
    return np.where(y_P == 0, TRAPS, z_P) if OPS[opcode].traps_on_zero else z_P


def _run_onehot(opcode: Opcode, x_P: Array, y_P: Array, width: int) -> Array:
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


# --- a pair on which a circuit is wrong ------------------------------------------------------------------------------


def refuted(method: str, opcode: Opcode, circuit: str, width: int, x: int, y: int, got: int) -> Outcome:
    expected = spec(opcode, width, x, y)
    taken = [x] if opcode in UNARY else [x, y]
    case = {
        "schema": SCHEMA, "kind": "op", "opcode": opcode.mnemonic, "width": width, "operands": taken,
        "circuit": circuit, "expected": _shown_value(expected), "got": _shown_value(got),
    }  # fmt: skip
    values = f"spec {_shown_value(expected)}, {circuit} {_shown_value(got)}"
    detail = f"{opcode.mnemonic}{tuple(taken)} at width {width}: {values}"
    return Outcome("refuted", method, detail=detail, counterexample=case)


def _shown_value(value: int) -> int | str:
    return "trap" if value == TRAPS else "not one-hot" if value < 0 else value


def replay(case: Mapping[str, Any]) -> Replayed:
    """One pair of operands through the circuit that is installed now."""
    opcode, width, circuit = BY_MNEMONIC[case["opcode"]], int(case["width"]), str(case["circuit"])
    x, y = [*map(int, case["operands"]), 0][:2]
    got = run_one(circuit, opcode, x, y, width)
    expected = spec(opcode, width, x, y)
    what = f"{opcode.mnemonic} of {case['operands']} at width {width}, {circuit} circuit"
    return Replayed(expected != got, what, _shown_value(expected), _shown_value(got))
