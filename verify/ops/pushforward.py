"""One-hot circuits on soft operands: the exact push-forward, in the full form and in those that pathwise uses.

That a circuit is multilinear (`multilinear`) makes its behaviour on hard operands its behaviour on all. Here it is
also run on *masses*: random whole numbers in place of probabilities, so small that every sum is exact in float64, and
the result must equal the op table's push-forward to the bit. One wrong place always shows, several hide each other in
one of 2^14 tries at most, and each row of masses is a try of its own. Called by `exhaustive` and `prove`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ncl.language.opcodes import UNARY, Opcode
from ncl.machine.circuits import onehot
from ncl.verify.engine.counterexample import SCHEMA, Replayed
from ncl.verify.engine.obligation import Outcome
from ncl.verify.ops.meaning import TRAPS, image
from ncl.verify.ops.multilinear import NotMultilinear, degree_of

Array = Any
METHOD = "multilinear by its operations"
PATHWISE_WIDTH = 4  # to which all supports and constants are enumerated
LARGEST_WIDTH = 16  # past it a support can be too large to hold
TRIES = 2
TOP = 1 << 15  # of a mass: with at most 2^22 pairs every sum stays below 2^53
# Supports of soft operands at the real width: words of one digit, tapes of a few hundred, truth values, one word.
SUPPORTS = ((1, 1), (2, 2), (2, 500), (500, 2), (17, 16), (128, 128), (300, 700), (1, 40), (40, 1))


@dataclass(frozen=True)
class Form:
    """One way in which a circuit is called.

    `kind`: full, trapped, apply, chunked (two rows at a time), left or right (that operand a constant).
    """

    kind: str
    opcode: Opcode
    width: int

    def run(self, operands: Sequence[Tensor], constants_P: Tensor | None = None) -> Tensor:
        match self.kind:
            case "full":
                return onehot.CIRCUITS[self.opcode](*operands)
            case "trapped":
                x_PN, y_PN = operands
                return onehot.trapped(self.opcode, x_PN, y_PN)[:, None]
            case "apply":
                x_PX, y_PY = operands
                return onehot.apply(self.opcode, x_PX, y_PY, self.width)
            case "chunked":
                x_PX, y_PY = operands
                return onehot.push(self.opcode, x_PX, y_PY, self.width, chunk=2 * x_PX.shape[1] * y_PY.shape[1])
        assert constants_P is not None
        return onehot.push_constant(self.opcode, operands[0], constants_P, self.width, swapped=self.kind == "left")

    def expected(self, masses: Sequence[Array], constants_P: Array | None = None) -> Array:
        """The op table's push-forward, row by row, on as many words as it reaches."""
        x_PX, y_PY = [*masses, np.ones((len(masses[0]), 1))][:2]
        line_1X = np.arange(x_PX.shape[1])[None, :]
        if constants_P is None:
            weights_PT = (x_PX[:, :, None] * y_PY[:, None, :]).reshape(len(x_PX), -1)
            left, right = np.repeat(line_1X, y_PY.shape[1], 1), np.tile(np.arange(y_PY.shape[1]), line_1X.shape)
        else:
            weights_PT = x_PX
            left, right = np.broadcast_arrays(line_1X, constants_P[:, None])
            left, right = (right, left) if self.kind == "left" else (left, right)
        words = np.broadcast_to(image(self.opcode, left, right, self.width), weights_PT.shape)
        if self.kind == "trapped":
            trapped: Array = (weights_PT * (words == TRAPS)).sum(1, keepdims=True)
            return trapped
        size = max(int(words.max()) + 1, 1)
        # What traps is counted in a column of its own, which is cut off again.
        places = np.arange(len(words))[:, None] * (size + 1) + np.where(words == TRAPS, size, words)
        counted = np.bincount(places.reshape(-1), weights_PT.reshape(-1), len(words) * (size + 1))
        return counted.reshape(len(words), size + 1)[:, :size]


def _same(got: Array, expected: Array) -> bool:
    """Equal, where whichever is shorter ends in zeros."""
    size = max(got.shape[1], expected.shape[1])
    return bool((_wide(got, size) == _wide(expected, size)).all())


def _wide(rows: Array, size: int) -> Array:
    return np.pad(rows, ((0, 0), (0, size - rows.shape[1])))


def _parted(form: Form, masses: Sequence[Array], constants_P: Array | None, dtype: torch.dtype) -> bool:
    return not _same(_got(form, masses, constants_P, dtype), form.expected(masses, constants_P))


def _got(form: Form, masses: Sequence[Array], constants_P: Array | None, dtype: torch.dtype = torch.float64) -> Array:
    known = None if constants_P is None else torch.from_numpy(constants_P)
    return form.run([torch.from_numpy(m).to(dtype) for m in masses], known).double().numpy()


def _refuted(form: Form, masses: Sequence[Array], constants_P: Array | None) -> Outcome:
    masses, constants_P = _narrowed(form, masses, constants_P)
    operands = [{"support": m.shape[1], "rows": [_sparse(row) for row in m]} for m in masses]
    case = {
        "schema": SCHEMA, "kind": "push", "opcode": form.opcode.mnemonic, "width": form.width, "form": form.kind,
        "operands": operands, "constants": None if constants_P is None else constants_P.tolist(),
    }  # fmt: skip
    told = " and ".join(f"{_sparse(m[0])} on 0 … {m.shape[1] - 1}" for m in masses)
    told += "" if constants_P is None else f" with {constants_P[0]}"
    told += "" if len(masses[0]) == 1 else f" and {len(masses[0]) - 1} more rows"
    where = f"{form.opcode.mnemonic}, form {form.kind}, at width {form.width}"
    detail = f"{where}: of {told} not the push-forward"
    return Outcome("refuted", "masses pushed forward", detail=detail, counterexample=case)


def _sparse(mass_X: Array) -> dict[str, float]:
    return {str(word): float(mass_X[word]) for word in np.flatnonzero(mass_X).tolist()}


def _narrowed(form: Form, masses: Sequence[Array], constants_P: Array | None) -> tuple[Sequence[Array], Array | None]:
    """One row that parts alone, with its masses halved away as long as it does; all rows when none does."""
    for row in range(len(masses[0])):
        alone = [m[row : row + 1] for m in masses]
        known = None if constants_P is None else constants_P[row : row + 1]
        if _parted(form, alone, known, torch.float64):
            break
    else:
        return masses, constants_P
    for place in range(len(alone)):
        there = np.flatnonzero(alone[place][0])
        while len(there) > 1:
            for half in (there[: len(there) // 2], there[len(there) // 2 :]):
                less = [m.copy() for m in alone]
                less[place][0, np.setdiff1d(there, half)] = 0
                if _parted(form, less, known, torch.float64):
                    alone, there = less, half
                    break
            else:
                break
    return alone, known


def _structure(form: Form, masses: Sequence[Array], constants_P: Array | None = None) -> str:
    """Why the form is not of degree 1 in each operand on these supports; empty when it is."""
    operands = [torch.ones(1, m.shape[1]) for m in masses]
    known = None if constants_P is None else torch.from_numpy(constants_P[:1])
    try:
        degree = degree_of(lambda *o: form.run(o, known), *operands)
    except NotMultilinear as fault:
        return str(fault)
    return "" if degree == (1,) * len(operands) else f"degree {degree}"


def _hard(supports: Sequence[int]) -> list[Array]:
    """Every combination of one-hot operands, one a row."""
    grids = np.meshgrid(*(np.arange(s) for s in supports), indexing="ij")
    return [np.eye(size)[grid.reshape(-1)] for size, grid in zip(supports, grids)]


def _masses(rng: np.random.Generator, supports: Sequence[int], rows: int) -> list[Array]:
    return [rng.integers(1, TOP, (rows, size)).astype(np.float64) for size in supports]


# --- obligations' own functions --------------------------------------------------------------------------------------


def check_full(opcode: Opcode, most: int) -> Outcome:
    """The full circuit, and its trap mass, at each width up to `most`: multilinear, and right on masses."""
    rng, samples = np.random.default_rng([int(opcode), most]), 0
    kinds = ("full", "trapped") if opcode in onehot.DIVISIONS else ("full",)
    count = 1 if opcode in UNARY else 2
    for width in range(1, most + 1):
        for kind in kinds:
            form = Form(kind, opcode, width)
            masses = _masses(rng, [1 << width] * count, TRIES)
            if _parted(form, masses, None, torch.float64):
                return _refuted(form, masses, None)
            if fault := _structure(form, masses):
                return Outcome("unknown", METHOD, detail=f"{opcode.mnemonic} at width {width}: {fault}")
            samples += TRIES
    what = "result and trap mass each equal" if len(kinds) > 1 else "equal"
    bound = f"{samples} soft operands, {TRIES} a width and form, W = 1 … {most}, {what} to the push-forward"
    return Outcome("tested", METHOD, bound, limits={"samples": samples})


def check_pathwise(mnemonic: str, width: int) -> Outcome:
    """The forms on partial supports: all of them at small widths, masses at the width asked for (16 at most)."""
    opcode = Opcode[mnemonic.upper()]
    width = min(width, LARGEST_WIDTH)
    method = f"enumeration of hard operands on every support; {METHOD}; masses pushed forward exactly"
    for form, masses, constants_P in _small_cases(opcode):
        if _parted(form, masses, constants_P, torch.float32):
            return _refuted(form, masses, constants_P)
    samples = 0
    for form, masses, constants_P in _large_cases(opcode, width):
        if _parted(form, masses, constants_P, torch.float64):
            return _refuted(form, masses, constants_P)
        if fault := _structure(form, masses, constants_P):
            return Outcome("unknown", method, detail=f"{mnemonic}, form {form.kind}, at width {width}: {fault}")
        samples += len(masses[0])
    bound = f"all supports and constants at W = 1 … {PATHWISE_WIDTH}, float32; {samples} soft operands at W = {width}"
    return Outcome("proved-bounded", method, bound, limits={"width": PATHWISE_WIDTH, "samples": samples})


Case = tuple[Form, list[Array], Array | None]


def _small_cases(opcode: Opcode) -> Iterator[Case]:
    for width in range(1, PATHWISE_WIDTH + 1):
        words = 1 << width
        if opcode not in UNARY:
            for x in range(1, words + 1):
                for y in range(1, words + 1):
                    yield Form("apply", opcode, width), _hard([x, y]), None
        for kind in ("right",) if opcode in UNARY else ("right", "left"):
            for x in range(1, words + 1):
                soft, known = _hard([x, words])
                yield Form(kind, opcode, width), [soft], known.argmax(1)


def _large_cases(opcode: Opcode, width: int) -> Iterator[Case]:
    rng = np.random.default_rng([int(opcode), width])
    words = 1 << width
    if opcode not in UNARY:
        for x, y in SUPPORTS:
            yield Form("apply", opcode, width), _masses(rng, [min(x, words), min(y, words)], TRIES), None
        yield Form("chunked", opcode, width), _masses(rng, [min(9, words), min(5, words)], 3 * TRIES), None
    constants = [0, 1, 2, 3, 7, width - 1, width, words // 2, words - 2, words - 1, *rng.integers(0, words, 6).tolist()]
    known: Array = np.repeat(np.unique(np.array(constants) % words), TRIES)
    for kind in ("right",) if opcode in UNARY else ("right", "left"):
        yield Form(kind, opcode, width), _masses(rng, [words], len(known)), known


# --- running again ---------------------------------------------------------------------------------------------------


def replay(case: Mapping[str, Any]) -> Replayed:
    """The masses of a counterexample through the circuit that is installed now."""
    form = Form(str(case["form"]), Opcode[str(case["opcode"]).upper()], int(case["width"]))
    if form.kind not in ("full", "trapped", "apply", "chunked", "left", "right"):
        raise ValueError(f"no form {form.kind!r}")
    if any(not 1 <= int(o["support"]) <= 1 << 16 for o in case["operands"]):
        raise ValueError("a support of more words than any circuit takes")
    rows = max(len(o["rows"]) for o in case["operands"])
    onehot.check_room("these masses", rows * prod(int(o["support"]) for o in case["operands"]))
    masses = [np.zeros((len(o["rows"]), int(o["support"]))) for o in case["operands"]]
    for mass_PX, operand in zip(masses, case["operands"]):
        for number, row in enumerate(operand["rows"]):
            for word, value in row.items():
                mass_PX[number, int(word)] = value
    known = None if case["constants"] is None else np.array(case["constants"], dtype=np.int64)
    got, expected = _got(form, masses, known), form.expected(masses, known)
    what = f"{form.opcode.mnemonic} of masses at width {form.width}, form {form.kind}"
    return Replayed(not _same(got, expected), what, [*map(_sparse, expected)], [*map(_sparse, got)])
