"""A number of any length in another base."""

from ncl.language.declare import Array, Word, program


def divide(digits: Array, base: Word, divisor: Word) -> Word:
    """Divide the number by a word, in place, from the highest digit down; what is left."""
    left = 0
    for i in range(len(digits)):
        dividend = left * base + digits[i]
        digits[i] = dividend // divisor
        left = dividend % divisor
    return left


def is_zero(digits: Array) -> Word:
    for i in range(len(digits)):
        if digits[i]:
            return 0
    return 1


def size(digits: Array, base: Word, target: Word) -> Word:
    """How many digits the number has in the other base, 0 for the number 0."""
    rest = [0] * len(digits)
    for i in range(len(digits)):
        rest[i] = digits[i]
    count = 0
    while not is_zero(rest):
        divide(rest, base, target)
        count += 1
    return count


@program
def base_conversion(digits: Array, base: Word, target: Word) -> Array:
    """The digits of the same number in base `target`, the highest first, without zeros in front; [] for 0.

    Requires digits below `base`, target ≥ 2, and target · base ≤ N, so that nothing wraps.

        base_conversion([], 10, 2) -> []
        base_conversion([0, 0], 10, 2) -> []
        base_conversion([1, 3], 10, 2) -> [1, 1, 0, 1]
        base_conversion([1, 1, 1, 1, 0, 1, 1, 0], 2, 16) -> [15, 6]
        base_conversion([2, 5, 6], 10, 16) -> [1, 0, 0]
    """
    count = size(digits, base, target)
    converted = [0] * count
    for i in range(count - 1, -1, -1):
        converted[i] = divide(digits, base, target)
    return converted
