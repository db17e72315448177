"""The sum of two numbers of any length, digit by digit."""

from ncl.language.declare import Array, Word, program

SEPARATOR = 2
END = 2


def separator(tokens: Array) -> Word:
    """Where the first number ends; at the end when nothing separates it from a second."""
    i = 0
    while i < len(tokens) and tokens[i] != SEPARATOR:
        i += 1
    return i


def digit(tokens: Array, i: Word, stop: Word) -> Word:
    return tokens[i] if i < stop else 0


@program
def binary_addition(tokens: Array) -> Array:
    """The sum in binary, the lowest digit first, without zeros at its upper end; then 2, then zeros.

    The tokens are two numbers in binary, the lowest digit first, with a 2 between them; the answer is as long. Requires
    digits 0 and 1. Without a separator the second number is 0, and the 2 stands only where there is room for it.

        binary_addition([]) -> []
        binary_addition([1]) -> [1]
        binary_addition([0, 2, 0]) -> [0, 2, 0]
        binary_addition([1, 2, 1]) -> [0, 1, 2]
        binary_addition([0, 0, 1, 2, 0, 1, 1, 0, 1]) -> [0, 1, 0, 1, 1, 2, 0, 0, 0]
        binary_addition([1, 0, 0, 1, 2, 0, 0, 0, 0, 0, 1]) -> [1, 0, 0, 1, 0, 1, 2, 0, 0, 0, 0]
    """
    n = len(tokens)
    first = separator(tokens)
    total = [0] * n
    carry = 0
    size = 1  # digits up to the highest 1
    for i in range(n):
        column = digit(tokens, i, first) + digit(tokens, first + 1 + i, n) + carry
        total[i] = column % 2
        carry = column // 2
        if total[i]:
            size = i + 1
    if size < n:
        total[size] = END
    return total
