"""Integer circuits: the same word on torch, numba and Python, at every width, and free of the op table."""

import random
import subprocess
import sys

import numpy as np
import pytest
import torch

from ncl.language.opcodes import BINARY, UNARY, WORD_OPS, Opcode
from ncl.machine.circuits.integer import CIRCUITS
from ncl.machine.executors import integer

# Worked by hand: (opcode, width, operands, word)
EXAMPLES = [
    (Opcode.ADD, 4, (15, 1), 0),
    (Opcode.ADD, 32, (4294967295, 4294967295), 4294967294),
    (Opcode.SUBTRACT, 4, (0, 1), 15),
    (Opcode.SUBTRACT, 1, (0, 1), 1),
    (Opcode.MULTIPLY, 32, (4294967295, 4294967295), 1),
    (Opcode.MULTIPLY, 32, (65537, 65537), 131073),
    (Opcode.MULTIPLY, 8, (16, 17), 16),
    (Opcode.DIVIDE, 8, (255, 2), 127),
    (Opcode.DIVIDE, 32, (4294967295, 4294967295), 1),
    (Opcode.REMAINDER, 8, (255, 16), 15),
    (Opcode.AND, 4, (12, 10), 8),
    (Opcode.OR, 4, (12, 10), 14),
    (Opcode.XOR, 4, (12, 10), 6),
    (Opcode.INVERT, 4, (10,), 5),
    (Opcode.INVERT, 32, (0,), 4294967295),
    (Opcode.SHIFT_LEFT, 32, (3, 31), 2147483648),
    (Opcode.SHIFT_LEFT, 32, (4294967295, 32), 0),
    (Opcode.SHIFT_LEFT, 32, (4294967295, 4294967295), 0),
    (Opcode.SHIFT_RIGHT, 4, (8, 3), 1),
    (Opcode.SHIFT_RIGHT, 4, (15, 4), 0),
    (Opcode.SHIFT_RIGHT, 32, (4294967295, 64), 0),
    (Opcode.EQUAL, 4, (7, 7), 1),
    (Opcode.NOT_EQUAL, 4, (7, 7), 0),
    (Opcode.LESS, 32, (1, 2147483648), 1),
    (Opcode.LESS, 4, (5, 5), 0),
    (Opcode.LESS_EQUAL, 4, (5, 5), 1),
    (Opcode.LESS_EQUAL, 32, (2147483648, 1), 0),
    (Opcode.IS_ZERO, 4, (0,), 1),
    (Opcode.IS_ZERO, 4, (8,), 0),
]

MEANING = {
    Opcode.ADD: lambda x, y, n: (x + y) % n,
    Opcode.SUBTRACT: lambda x, y, n: (x - y) % n,
    Opcode.MULTIPLY: lambda x, y, n: x * y % n,
    Opcode.DIVIDE: lambda x, y, n: x // y if y else None,
    Opcode.REMAINDER: lambda x, y, n: x % y if y else None,
    Opcode.AND: lambda x, y, n: x & y,
    Opcode.OR: lambda x, y, n: x | y,
    Opcode.XOR: lambda x, y, n: x ^ y,
    Opcode.INVERT: lambda x, y, n: n - 1 - x,
    Opcode.SHIFT_LEFT: lambda x, y, n: (x << y) % n if y < 64 else 0,
    Opcode.SHIFT_RIGHT: lambda x, y, n: x >> y if y < 64 else 0,
    Opcode.EQUAL: lambda x, y, n: int(x == y),
    Opcode.NOT_EQUAL: lambda x, y, n: int(x != y),
    Opcode.LESS: lambda x, y, n: int(x < y),
    Opcode.LESS_EQUAL: lambda x, y, n: int(x <= y),
    Opcode.IS_ZERO: lambda x, y, n: int(x == 0),
}


def on_torch(opcode: Opcode, x: list[int], y: list[int], width: int) -> torch.Tensor:
    words = (torch.tensor(x), torch.tensor(y)) if opcode in BINARY else (torch.tensor(x),)
    return CIRCUITS[opcode](*words, width)


def pairs(width: int, number: int, seed: int) -> tuple[list[int], list[int]]:
    """Random words, with the edges 0, 1, W - 1, W, W + 1, N - 1 among them."""
    dice, top = random.Random(seed), (1 << width) - 1
    edges = sorted({0, 1, 2, width - 1, width, width + 1, top - 1, top} & set(range(min(top + 1, 64))) | {0, top})
    x = [dice.choice([dice.randint(0, top), dice.choice(edges)]) for _ in range(number)]
    y = [dice.choice([dice.randint(0, top), dice.choice(edges)]) for _ in range(number)]
    return x + [a for a in edges for _ in edges], y + edges * len(edges)


def test_every_word_op_has_one_circuit():
    assert tuple(sorted(CIRCUITS)) == WORD_OPS


@pytest.mark.parametrize(("opcode", "width", "operands", "word"), EXAMPLES)
def test_a_hand_worked_example_holds_on_torch_numba_and_python(opcode, width, operands, word):
    x, y = operands[0], operands[-1]
    assert CIRCUITS[opcode](*operands, width) == word
    assert on_torch(opcode, [x], [y], width).tolist() == [word]
    assert integer.apply_kernel(opcode, np.array([x]), np.array([y]), width).tolist() == [word]


@pytest.mark.parametrize("opcode", WORD_OPS, ids=lambda op: op.mnemonic)
def test_torch_and_the_compiled_loop_agree_with_python_at_every_width(opcode):
    for width in range(1, 33):
        x, y = pairs(width, 100, seed=width)
        expected = [MEANING[opcode](a, b, 1 << width) for a, b in zip(x, y, strict=True)]
        torched = on_torch(opcode, x, y, width)
        assert torched.dtype == torch.int64
        assert all(e is None or e == t for e, t in zip(expected, torched.tolist(), strict=True))
        compiled = integer.apply_kernel(opcode, np.array(x), np.array(y), width).tolist()
        assert compiled == [-1 if e is None else e for e in expected]


def test_no_intermediate_value_of_a_circuit_needs_more_than_63_bits():
    class Watched(int):
        """An int whose operations fail where int64 would wrap or torch and numba could differ."""

        def __new__(cls, value):
            assert -(1 << 63) <= value < 1 << 63, f"{value} does not fit"
            return super().__new__(cls, value)

    def watched(name):
        plain = getattr(int, name)

        def operation(self, other):
            if "shift" in name:
                assert 0 <= other < 63
            if name in ("__floordiv__", "__mod__"):
                assert other > 0
            return Watched(plain(self, other))

        return operation

    for name in ("add", "sub", "mul", "floordiv", "mod", "and", "or", "xor", "lshift", "rshift"):
        setattr(Watched, f"__{name}__", watched(f"__{name}__"))
    for width in (1, 2, 16, 31, 32):
        x, y = pairs(width, 200, seed=width)
        for opcode, circuit in CIRCUITS.items():
            for a, b in zip(x, y, strict=True):
                operands = (Watched(a),) if opcode in UNARY else (Watched(a), Watched(b))
                assert 0 <= circuit(*operands, width) < 1 << width


def test_a_circuit_never_sees_the_op_table():
    code = (
        "import sys, ncl.machine.step, ncl.machine.executors.integer, ncl.machine.dataflow;"
        "print([m for m in sys.modules if m.startswith(('ncl.language.ops', 'ncl.language.interpret'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_apply_kernel_refuses_what_is_no_pair_of_words():
    from ncl.errors import InputError

    one = np.array([1])
    for opcode, x, y, width in [
        (Opcode.LOAD, one, one, 8),
        (Opcode.ADD, np.array([16]), one, 4),
        (Opcode.ADD, np.array([-1]), one, 4),
        (Opcode.ADD, np.array([1, 2]), one, 4),
        (Opcode.ADD, one, one, 33),
    ]:
        with pytest.raises(InputError):
            integer.apply_kernel(opcode, x, y, width)
