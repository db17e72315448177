"""The sum of two numbers of any length, digit by digit."""

from ncl.language.contract_words import decreases, ensures, invariant, old, requires, result
from ncl.language.declare import Array, Word, program

SEPARATOR = 2
END = 2


def separator(tokens: Array) -> Word:
    """Where the first number ends; at the end when nothing separates it from a second."""
    requires(
        tokens[k] <= 1 or (tokens[k] == SEPARATOR and all(tokens[j] != SEPARATOR for j in range(k)))
        for k in range(len(tokens))
    )
    ensures(result <= len(tokens))
    ensures(tokens[k] <= 1 or k == result for k in range(len(tokens)))
    i = 0
    while i < len(tokens) and tokens[i] != SEPARATOR:
        invariant(i <= len(tokens))
        invariant(tokens[k] != SEPARATOR for k in range(i))
        decreases(len(tokens) - i)
        i += 1
    return i


def columns(tokens: Array, first: Word) -> Array:
    """For each place the sum of the digits that the two numbers have there."""
    requires(first <= len(tokens) and 2 * len(tokens) <= ~0)
    requires(tokens[k] <= 1 for k in range(len(tokens)) if k != first)
    ensures(len(result) == len(tokens))
    ensures(
        result[k] == (tokens[k] if k < first else 0) + (tokens[first + 1 + k] if first + 1 + k < len(tokens) else 0)
        for k in range(len(tokens))
    )
    ensures(result[k] <= 2 for k in range(len(tokens)))
    n = len(tokens)
    sums = [0] * n
    for i in range(n):
        invariant(
            sums[k] == (tokens[k] if k < first else 0) + (tokens[first + 1 + k] if first + 1 + k < n else 0)
            for k in range(i)
        )
        invariant(sums[k] <= 2 for k in range(n))
        sums[i] = (tokens[i] if i < first else 0) + (tokens[first + 1 + i] if first + 1 + i < n else 0)
    return sums


def carried(sums: Array) -> Array:
    """The digits of a number whose places hold 0, 1 or 2, up to the highest 1 (one at least); then 2, then zeros."""
    requires(sums[k] <= 2 for k in range(len(sums)))
    ensures(len(result) == len(sums))
    ensures(len(sums) == 0 or (result[0] == 1) == (sums[0] == 1))
    ensures(
        (result[k] == 1) == ((sums[k] == 1) != (sums[j] + (result[j] != 1) >= 2))
        for j in range(len(sums) - 1)
        for k in range(j + 1, j + 2)
    )
    ensures(result[k] != END or result[j] == 0 for j in range(len(sums)) for k in range(j))
    ensures(result[k] != END or k == 1 or (k > 0 and result[k - 1] == 1) for k in range(len(sums)))
    ensures(len(sums) < 2 or result[len(sums) - 1] == 1 or any(result[k] == END for k in range(len(sums))))
    n = len(sums)
    digits = [0] * n
    carry = 0
    size = 1
    for i in range(n):
        invariant(1 <= size <= max(i, 1))
        invariant(carry == (0 if i == 0 else sums[i - 1] + (digits[i - 1] != 1) >= 2))
        invariant(digits[k] <= 1 for k in range(n))
        invariant(digits[k] == 0 for k in range(size, n))
        invariant(size == 1 or digits[size - 1] == 1)
        invariant(i == 0 or (digits[0] == 1) == (sums[0] == 1))
        invariant(
            (digits[k] == 1) == ((sums[k] == 1) != (sums[j] + (digits[j] != 1) >= 2))
            for j in range(i - 1)
            for k in range(j + 1, j + 2)
        )
        column = sums[i] + carry
        digits[i] = column % 2
        carry = column // 2
        if digits[i]:
            size = i + 1
    if size < n:
        digits[size] = END
    return digits


@program
def binary_addition(tokens: Array) -> Array:
    """The sum in binary, the lowest digit first, without zeros at its upper end; then 2, then zeros.

    The tokens are two numbers in binary, the lowest digit first, with a 2 between them; the answer is as long. Requires
    digits 0 and 1, and one 2 at most. Without it the second number is 0, and the 2 of the answer stands only where it
    finds room.

    The contract is addition on paper. With a 2 in place p, column k holds tokens[k] and tokens[p + 1 + k]. Column j
    carries when it holds two ones, or one and the digit below it is not 1; the digit below the next, k = j + 1, is 1
    when either that one holds a single 1 or something is carried into it, and not both.

        binary_addition([]) -> []
        binary_addition([1]) -> [1]
        binary_addition([0, 2, 0]) -> [0, 2, 0]
        binary_addition([1, 2, 1]) -> [0, 1, 2]
        binary_addition([0, 0, 1, 2, 0, 1, 1, 0, 1]) -> [0, 1, 0, 1, 1, 2, 0, 0, 0]
        binary_addition([1, 0, 0, 1, 2, 0, 0, 0, 0, 0, 1]) -> [1, 0, 0, 1, 0, 1, 2, 0, 0, 0, 0]
    """
    requires(2 * len(tokens) <= ~0)
    requires(
        tokens[k] <= 1 or (tokens[k] == SEPARATOR and all(tokens[j] != SEPARATOR for j in range(k)))
        for k in range(len(tokens))
    )
    ensures(len(result) == len(old(tokens)))
    ensures(
        (result[0] == 1) == ((tokens[0] if p > 0 else 0) + (tokens[p + 1] if p + 1 < len(tokens) else 0) == 1)
        for p in range(len(tokens))
        if tokens[p] == SEPARATOR
    )
    ensures(
        (result[k] == 1)
        == (
            ((tokens[k] if k < p else 0) + (tokens[p + 1 + k] if p + 1 + k < len(tokens) else 0) == 1)
            != (
                (tokens[j] if j < p else 0) + (tokens[p + 1 + j] if p + 1 + j < len(tokens) else 0) + (result[j] != 1)
                >= 2
            )
        )
        for p in range(len(tokens))
        if tokens[p] == SEPARATOR
        for j in range(len(tokens) - 1)
        for k in range(j + 1, j + 2)
    )
    ensures(result[k] != END or result[j] == 0 for j in range(len(result)) for k in range(j))
    ensures(result[k] != END or k == 1 or (k > 0 and result[k - 1] == 1) for k in range(len(result)))
    ensures(len(result) < 2 or result[len(result) - 1] == 1 or any(result[k] == END for k in range(len(result))))
    first = separator(tokens)
    sums = columns(tokens, first)
    digits = carried(sums)
    return digits
