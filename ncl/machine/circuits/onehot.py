"""One-hot circuits: what each word op makes of two independent distributions over words.

The exact push-forward: z[w] is the mass of all pairs (x, y) that the op takes to w. Every circuit only adds products
of entries, all of them ≥ 0, so on one-hot vectors the result is one-hot to the bit, in whatever order it is summed.
Nothing is normalised: mass that traps (division by 0) is missing from z.

Kernels follow the structure of the op: shifted sums for addition, prefix sums for comparisons, a flip for inversion;
the others push through an index table of the op's values on the two supports (`push`), chunked so that no tensor passes
`CHUNK` entries. Both the full circuits here and the pathwise executor, whose distributions carry only the support they
need, are built from these.

Legend: P pairs of distributions (any batch), N words, X and Y supports 0 … X-1 and 0 … Y-1.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import pad

from ncl.errors import CapacityError
from ncl.language.opcodes import UNARY, WORD_OPS, Opcode
from ncl.machine.circuits.integer import CIRCUITS as INTEGER
from ncl.machine.circuits.integer import DIVISIONS as DIVISIONS

CHUNK = 1 << 24  # entries of the largest tensor of products
LARGEST_TABLE = 1 << 24  # pairs of words: two operands of 12 bits
LARGEST = 1 << 27  # entries of a batch of distributions

COMPARISONS = (Opcode.EQUAL, Opcode.NOT_EQUAL, Opcode.LESS, Opcode.LESS_EQUAL)


def check_room(what: str, entries: int, most: int = LARGEST) -> None:
    """Raise CapacityError for more entries than any machine should hold."""
    if entries > most:
        raise CapacityError(
            f"{what} would hold {entries:.1e} numbers, at most {most:.1e}",
            remedy="a smaller width, smaller words or a smaller batch; or the integer executor",
        )


def compare(opcode: Opcode, x_PX: Tensor, y_PY: Tensor) -> Tensor:
    """Mass of (0, 1), shape (P, 2), from how much of x lies below, on and above y. O(X + Y) a pair."""
    size = max(x_PX.shape[-1], y_PY.shape[-1])
    x_PS, y_PS = pad(x_PX, (0, size - x_PX.shape[-1])), pad(y_PY, (0, size - y_PY.shape[-1]))
    upto_PS = y_PS.cumsum(-1)
    before_PS = pad(upto_PS, (1, 0))[..., :-1]
    # Counted from the other end, and not as the rest of the whole: a difference could round below 0.
    from_PS = y_PS.flip(-1).cumsum(-1).flip(-1)
    after_PS = pad(from_PS, (0, 1))[..., 1:]
    below_P, on_P, above_P = (x_PS * after_PS).sum(-1), (x_PS * y_PS).sum(-1), (x_PS * before_PS).sum(-1)
    match opcode:
        case Opcode.EQUAL:
            parts = (below_P + above_P, on_P)
        case Opcode.NOT_EQUAL:
            parts = (on_P, below_P + above_P)
        case Opcode.LESS:
            parts = (on_P + above_P, below_P)
        case _:
            parts = (above_P, below_P + on_P)
    return torch.stack(parts, -1)


def add(x_PX: Tensor, y_PY: Tensor, width: int) -> Tensor:
    """Shifted copies of the longer distribution, one for each entry of the shorter; wraps modulo N.

    Shapes (P, X) and (P, Y) give (P, Z), where Z is X + Y - 1 or N, whichever is less.
    """
    long_PX, short_PY = (x_PX, y_PY) if x_PX.shape[-1] >= y_PY.shape[-1] else (y_PY, x_PX)
    size = long_PX.shape[-1] + short_PY.shape[-1] - 1
    z_PZ = torch.zeros(*long_PX.shape[:-1], size, dtype=long_PX.dtype, device=long_PX.device)
    for shift in range(short_PY.shape[-1]):
        z_PZ = z_PZ + pad(long_PX * short_PY[..., shift : shift + 1], (shift, size - long_PX.shape[-1] - shift))
    top = 1 << width
    if size > top:
        z_PZ = z_PZ[..., :top] + pad(z_PZ[..., top:], (0, 2 * top - size))
    return z_PZ


def push(opcode: Opcode, x_PX: Tensor, y_PY: Tensor, width: int, chunk: int = CHUNK) -> Tensor:
    """Any op, through the table of its values on the two supports: (P, X) and (P, Y) give (P, Z).

    The result's support ends at the table's largest value.
    """
    table_XY = _table(opcode, x_PX.shape[-1], y_PY.shape[-1], width).to(x_PX.device)
    size = int(table_XY.max()) + 1
    flat_T = table_XY.reshape(-1)
    rows = max(1, chunk // len(flat_T))
    parts = []
    for begin in range(0, len(x_PX), rows):
        product_RT = x_PX[begin : begin + rows, :, None] * _divisors(opcode, y_PY[begin : begin + rows])[:, None, :]
        product_RT = product_RT.reshape(len(product_RT), -1)
        z_RZ = torch.zeros(len(product_RT), size, dtype=x_PX.dtype, device=x_PX.device)
        parts.append(z_RZ.index_add(1, flat_T, product_RT))
    return torch.cat(parts) if parts else x_PX.new_zeros(0, size)


def _divisors(opcode: Opcode, y_PY: Tensor) -> Tensor:
    """Without the mass on 0 where that would be divided by: it traps."""
    if opcode not in DIVISIONS:
        return y_PY
    return torch.cat([torch.zeros_like(y_PY[..., :1]), y_PY[..., 1:]], -1)


@lru_cache(maxsize=16)
def _table(opcode: Opcode, x: int, y: int, width: int) -> Tensor:
    """The words that the integer circuit gives on 0 … x-1 × 0 … y-1."""
    check_room(f"{opcode.mnemonic} of {x} by {y} words", x * y, LARGEST_TABLE)
    one_X1, other_1Y = torch.arange(x)[:, None], torch.arange(y)[None, :]
    return INTEGER[opcode](one_X1, other_1Y, width).expand(x, y).contiguous()


def push_constant(opcode: Opcode, x_PX: Tensor, y_P: Tensor, width: int, swapped: bool = False) -> Tensor:
    """An op of a distribution and a known word a row (the left operand when `swapped`); y_P: int64.

    Ops of one operand ignore y. A row that divides by the known word 0 has no mass left.
    """
    words_1X, known_P1 = torch.arange(x_PX.shape[-1], device=x_PX.device)[None, :], y_P[:, None]
    if opcode in UNARY:
        image_PX = INTEGER[opcode](words_1X, width).expand_as(x_PX)
    else:
        first, second = (known_P1, words_1X) if swapped else (words_1X, known_P1)
        image_PX = INTEGER[opcode](first, second, width).expand_as(x_PX)
        if opcode in DIVISIONS:
            x_PX = x_PX * (second != 0)
    size = int(image_PX.max()) + 1 if image_PX.numel() else 1
    check_room(f"{opcode.mnemonic} of {len(x_PX)} distributions", len(x_PX) * size)
    z_PZ = torch.zeros(len(x_PX), size, dtype=x_PX.dtype, device=x_PX.device)
    return z_PZ.scatter_add(1, image_PX.contiguous(), x_PX)


def apply(opcode: Opcode, x_PX: Tensor, y_PY: Tensor, width: int) -> Tensor:
    """z on the support that the operands' supports can reach; two operands. Shapes (P, X) and (P, Y) give (P, Z).

    Raises CapacityError where that is too large.
    """
    if opcode in COMPARISONS:
        return compare(opcode, x_PX, y_PY)
    if opcode == Opcode.ADD and min(x_PX.shape[-1], y_PY.shape[-1]) <= 16:
        return add(x_PX, y_PY, width)
    return push(opcode, x_PX, y_PY, width)


# --- full circuits: N words in, N words out --------------------------------------------------------------------------


def _inverted(x_PN: Tensor) -> Tensor:
    return x_PN.flip(-1)


def _zero(x_PN: Tensor) -> Tensor:
    return _widen(torch.stack([x_PN[..., 1:].sum(-1), x_PN[..., 0]], -1), x_PN.shape[-1])


def _added(x_PN: Tensor, y_PN: Tensor) -> Tensor:
    return _widen(add(x_PN, y_PN, _width(x_PN)), x_PN.shape[-1])


def _subtracted(x_PN: Tensor, y_PN: Tensor) -> Tensor:
    # x - y = x + (N - y), and y ↦ N - y turns all words but 0 round.
    width = _width(x_PN)
    negated_PN = torch.cat([y_PN[..., :1], y_PN[..., 1:].flip(-1)], -1)
    return _widen(add(x_PN, negated_PN, width), x_PN.shape[-1])


def general(opcode: Opcode) -> Callable[..., Tensor]:
    """The form of any op on shapes (P, N): the mass of every pair of words, or word, is put where the op takes it.

    Costs N² products a pair of distributions, N for ops of one operand, and a table of N² words that is kept; so from
    width 13 on an op of two operands raises CapacityError. A form that knows the op's structure stands in `FAST`.
    """

    def unary(x_PN: Tensor) -> Tensor:
        rows_PN = x_PN.reshape(-1, x_PN.shape[-1])
        nothing_P = torch.zeros(len(rows_PN), dtype=torch.int64, device=x_PN.device)
        return _widen(push_constant(opcode, rows_PN, nothing_P, _width(x_PN)), x_PN.shape[-1]).reshape(x_PN.shape)

    def binary(x_PN: Tensor, y_PN: Tensor) -> Tensor:
        return _widen(apply(opcode, x_PN, y_PN, _width(x_PN)), x_PN.shape[-1])

    return unary if opcode in UNARY else binary


def _width(x_PN: Tensor) -> int:
    return x_PN.shape[-1].bit_length() - 1


def _widen(z_PZ: Tensor, words: int) -> Tensor:
    # At width 1 a truth value already fills all words.
    return pad(z_PZ, (0, words - z_PZ.shape[-1]))


# Forms that know how an op is built; comparisons are told apart in `apply` already.
FAST: dict[Opcode, Callable[..., Tensor]] = {
    Opcode.ADD: _added,
    Opcode.SUBTRACT: _subtracted,
    Opcode.INVERT: _inverted,
    Opcode.IS_ZERO: _zero,
}

# x_PN (and y_PN) → z_PN; N a power of two at least 2.
CIRCUITS: dict[Opcode, Callable[..., Tensor]] = {opcode: FAST.get(opcode) or general(opcode) for opcode in WORD_OPS}


def trapped(opcode: Opcode, x_PN: Tensor, y_PN: Tensor) -> Tensor:
    """The mass on which the op traps: shapes (P, N) give (P,)."""
    if opcode in DIVISIONS:
        return x_PN.sum(-1) * y_PN[..., 0]
    return torch.zeros_like(x_PN[..., 0])
