"""The additions that the tests make: each edit is what docs/extending.md tells a reader to write."""

OPS, CIRCUITS = "ncl/language/ops.py", "ncl/machine/circuits/integer.py"

ROW = (
    OPS,
    """)  # fmt: skip

_COMPARISONS = (""",
    """    _word_op(
        32, "popcount",
        "Register a becomes the number of bits set in register b.",
        lambda k, x: reduce(k.add, [k.conjoin(k.shift_right(x, k.word(i)), k.word(1)) for i in range(k.width)]),
        (4, (0,), 0), (4, (8,), 1), (4, (10,), 2), (4, (15,), 4), (8, (129,), 2), (32, (4294967295,), 32),
        python=lambda x: x.bit_count() if x >= 0 else -1,
    ),
)  # fmt: skip

_COMPARISONS = (""",
)
REDUCE = (
    OPS,
    "from dataclasses import dataclass\n",
    "from dataclasses import dataclass\nfrom functools import reduce\n",
)

CIRCUIT = (
    CIRCUITS,
    "# (x, y, width) → word for ops of two operands",
    """def popcount(x: Words, width: int) -> Words:
    # Sums of neighbours: of bits, of pairs, of fours; then the four bytes into the highest of them.
    pairs = x - ((x >> 1) & 0x55555555)
    fours = (pairs & 0x33333333) + ((pairs >> 2) & 0x33333333)
    bytes_ = (fours + (fours >> 4)) & 0x0F0F0F0F
    return ((bytes_ * 0x01010101) >> 24) & 63


# (x, y, width) → word for ops of two operands""",
)
ENTRY = (CIRCUITS, '        "is_zero": is_zero,\n', '        "is_zero": is_zero,\n        "popcount": popcount,\n')
EXAMPLES = (
    "        (4, (0,), 0), (4, (8,), 1), (4, (10,), 2), (4, (15,), 4), (8, (129,), 2), (32, (4294967295,), 32),\n"
)

POPCOUNT = (REDUCE, ROW, CIRCUIT, ENTRY)
