"""The product of two numbers of any length, digit by digit."""

from ncl.language.declare import Array, program

SEPARATOR = 2
END = 2


@program
def binary_multiplication(tokens: Array) -> Array:
    """The product in binary, the lowest digit first, without zeros at its upper end; then 2, then zeros.

    The tokens are two numbers in binary, the lowest digit first, with a 2 between them; the answer is as long. Requires
    digits 0 and 1. Without a separator the second number is 0; a single symbol leaves room for the 2 alone.

        binary_multiplication([]) -> []
        binary_multiplication([1]) -> [2]
        binary_multiplication([1, 1]) -> [0, 2]
        binary_multiplication([1, 2, 1]) -> [1, 2, 0]
        binary_multiplication([1, 1, 2, 1, 1]) -> [1, 0, 0, 1, 2]
        binary_multiplication([0, 0, 1, 2, 0, 1, 1, 0, 1]) -> [0, 0, 0, 1, 1, 0, 1, 2, 0]
        binary_multiplication([1, 0, 0, 1, 2, 0, 0, 0, 0, 0, 1]) -> [0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 0]
    """
    n = len(tokens)
    first = 0  # where the first number ends
    while first < n and tokens[first] != SEPARATOR:
        first += 1
    product = [0] * n
    size = 1  # digits up to the highest 1
    carry = 0
    for i in range(n):
        column = carry
        for j in range(min(i + 1, first)):
            if first + 1 + i - j < n:
                column += tokens[j] * tokens[first + 1 + i - j]
        product[i] = column % 2
        carry = column // 2
        if product[i]:
            size = i + 1
    if n > 0:
        product[min(size, n - 1)] = END
    return product
