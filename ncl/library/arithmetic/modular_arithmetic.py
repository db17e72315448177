"""A sum of products, modulo five."""

from ncl.language.contract_words import ensures, invariant, requires, result
from ncl.language.declare import Array, Word, program

MODULUS = 5
MINUS = 6
TIMES = 7


@program
def modular_arithmetic(tokens: Array) -> Word:
    """The value modulo 5 of digits 0-4 with operators between them: 5 is +, 6 is -, 7 is ×, and × binds first.

    Requires digits in the 1st, 3rd, … place, operators in the 2nd, 4th, …, and width 5 or more, so that nothing wraps.
    An operator at the end counts for nothing; so does an empty string. The contract tells the value where nothing is
    multiplied.

        modular_arithmetic([]) -> 0
        modular_arithmetic([3]) -> 3
        modular_arithmetic([1, 5, 2, 7, 3]) -> 2
        modular_arithmetic([1, 6, 1, 6, 1]) -> 4
        modular_arithmetic([0, 7, 1, 5, 4, 7, 3, 6, 2]) -> 0
        modular_arithmetic([2, 6, 3, 7, 4, 7, 2]) -> 3
    """
    requires(~0 >= 16)
    requires(tokens[2 * k] < MODULUS for k in range((len(tokens) + 1) // 2))
    ensures(result < MODULUS)
    ensures(
        any(tokens[k] == TIMES for k in range(len(tokens)))
        or result
        == sum(
            tokens[2 * k] if k == 0 or tokens[2 * k - 1] != MINUS else 0 - tokens[2 * k]
            for k in range((len(tokens) + 1) // 2)
        )
        % MODULUS
    )
    total = 0
    term = 0  # the product that is being read, with its sign
    for i in range(0, len(tokens), 2):
        invariant(total < MODULUS and term < MODULUS)
        invariant(
            any(tokens[k] == TIMES for k in range(len(tokens)))
            or (total + term) % MODULUS
            == sum(tokens[2 * k] if k == 0 or tokens[2 * k - 1] != MINUS else 0 - tokens[2 * k] for k in range(i // 2))
            % MODULUS
        )
        if i > 0 and tokens[i - 1] == TIMES:
            term = term * tokens[i] % MODULUS
        else:
            total = (total + term) % MODULUS
            term = tokens[i]
            if i > 0 and tokens[i - 1] == MINUS:
                term = (MODULUS - tokens[i]) % MODULUS
    return (total + term) % MODULUS
