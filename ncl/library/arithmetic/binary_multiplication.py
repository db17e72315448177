"""The product of two numbers of any length, digit by digit."""

from ncl.language.contract_words import ensures, requires, result
from ncl.language.declare import Array, program

SEPARATOR = 2
END = 2


@program
def binary_multiplication(tokens: Array) -> Array:
    """The product in binary, the lowest digit first, without zeros at its upper end; then 2, then zeros.

    The tokens are two numbers in binary, the lowest digit first, with a 2 between them; the answer is as long. Requires
    digits 0 and 1, and one 2 at most. Without it the second number is 0; a single symbol leaves room for the 2 alone.

    The contract casts out fifteens and sevens, as one casts out nines: numbers and product fit modulo both, where the
    digits are worth 1, 2, 4, 8, 1, … and 1, 2, 4, 1, …

        binary_multiplication([]) -> []
        binary_multiplication([1]) -> [2]
        binary_multiplication([1, 1]) -> [0, 2]
        binary_multiplication([1, 2, 1]) -> [1, 2, 0]
        binary_multiplication([1, 1, 2, 1, 1]) -> [1, 0, 0, 1, 2]
        binary_multiplication([0, 0, 1, 2, 0, 1, 1, 0, 1]) -> [0, 0, 0, 1, 1, 0, 1, 2, 0]
        binary_multiplication([1, 0, 0, 1, 2, 0, 0, 0, 0, 0, 1]) -> [0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 0]
    """
    requires(2 * len(tokens) <= ~0)
    requires(
        tokens[k] <= 1 or (tokens[k] == SEPARATOR and all(tokens[j] != SEPARATOR for j in range(k)))
        for k in range(len(tokens))
    )
    ensures(len(result) == len(tokens))
    ensures(
        (
            sum(tokens[k] * (1 + (k % 4 > 0) + 2 * (k % 4 > 1) + 4 * (k % 4 > 2)) for k in range(p))
            * sum(
                tokens[p + 1 + k] * (1 + (k % 4 > 0) + 2 * (k % 4 > 1) + 4 * (k % 4 > 2))
                for k in range(len(tokens) - p - 1)
            )
            - sum((result[k] == 1) * (1 + (k % 4 > 0) + 2 * (k % 4 > 1) + 4 * (k % 4 > 2)) for k in range(len(tokens)))
        )
        % 15
        == 0
        for p in range(len(tokens))
        if tokens[p] == SEPARATOR
    )
    ensures(
        (
            sum(tokens[k] * (1 + (k % 3 > 0) + 2 * (k % 3 > 1)) for k in range(p))
            * sum(tokens[p + 1 + k] * (1 + (k % 3 > 0) + 2 * (k % 3 > 1)) for k in range(len(tokens) - p - 1))
            - sum((result[k] == 1) * (1 + (k % 3 > 0) + 2 * (k % 3 > 1)) for k in range(len(tokens)))
        )
        % 7
        == 0
        for p in range(len(tokens))
        if tokens[p] == SEPARATOR
    )
    ensures(result[k] != END or result[j] == 0 for j in range(len(result)) for k in range(j))
    ensures(result[k] != END or k <= 1 or result[k - 1] == 1 for k in range(len(result)))
    ensures(len(result) == 0 or any(result[k] == END for k in range(len(result))))
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
