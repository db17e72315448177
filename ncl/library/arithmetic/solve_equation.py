"""An equation with one unknown, modulo five."""

from ncl.language.contract_words import decreases, ensures, invariant, requires, result
from ncl.language.declare import Array, Word, program

MODULUS = 5
MINUS = 6
OPEN = 7
CLOSE = 8
UNKNOWN = 9
EQUALS = 10


@program
def solve_equation(tokens: Array) -> Word:
    """The x modulo 5 for which the left side is the digit on the right.

    Digits are 0-4, 5 is +, 6 is -, 7 is (, 8 is ), 9 is x and 10 is =; a minus may stand in front of a value too.
    Requires a well-formed equation with x on the left, once, and a digit alone on the right; and room for as many cells
    and one more. With fewer than three symbols the answer is 0. Nothing is multiplied, so a bracket is no more than the
    sign in front of it: whether a minus is in force stands in cells, one for each open bracket.

    The contract is what a solution is, for equations without brackets and without one minus behind another: what the
    digits on the left come to, with x or less x as it stands there, is the right side.

        solve_equation([]) -> 0
        solve_equation([9, 10]) -> 0
        solve_equation([9, 10, 3]) -> 3
        solve_equation([6, 9, 10, 2]) -> 3
        solve_equation([7, 4, 5, 9, 8, 10, 1]) -> 2
        solve_equation([7, 1, 6, 7, 6, 2, 6, 9, 8, 8, 10, 4]) -> 1
    """
    requires(len(tokens) < ~0)
    ensures(result < MODULUS)
    ensures(
        (
            sum(
                0 if tokens[k] >= MODULUS else tokens[k] if k == 0 or tokens[k - 1] != MINUS else 0 - tokens[k]
                for k in range(len(tokens) - 2)
            )
            + (result if x == 0 or tokens[x - 1] != MINUS else 0 - result)
        )
        % MODULUS
        == tokens[len(tokens) - 1]
        for x in range(len(tokens) - 2)
        if tokens[x] == UNKNOWN
        and all(tokens[k] != UNKNOWN or k == x for k in range(len(tokens)))
        and all(tokens[k] != EQUALS for k in range(len(tokens) - 2))
        and tokens[len(tokens) - 2] == EQUALS
        and tokens[len(tokens) - 1] < MODULUS
        and all(tokens[k] != OPEN and tokens[k] != CLOSE for k in range(len(tokens)))
        and all(tokens[k] != MINUS or tokens[k + 1] != MINUS for k in range(len(tokens) - 1))
    )
    if len(tokens) < 3:
        return 0
    outside = [0] * (len(tokens) + 1)
    depth = 0
    minus = 0  # whether the next value counts negative
    total = 0
    negative = 0  # whether the unknown does
    i = 0
    while i < len(tokens) and tokens[i] != EQUALS:
        invariant(i <= len(tokens) and depth <= i and minus <= 1 and total < MODULUS)
        invariant(outside[k] <= 1 for k in range(len(outside)))
        invariant(tokens[k] != EQUALS for k in range(i))
        invariant(
            any(tokens[k] == OPEN or tokens[k] == CLOSE for k in range(len(tokens))) or (depth == 0 and outside[0] == 0)
        )
        invariant(
            any(tokens[k] == OPEN or tokens[k] == CLOSE for k in range(len(tokens)))
            or any(tokens[k] == MINUS and tokens[k + 1] == MINUS for k in range(len(tokens) - 1))
            or minus == (i > 0 and tokens[i - 1] == MINUS)
        )
        invariant(
            any(tokens[k] == OPEN or tokens[k] == CLOSE for k in range(len(tokens)))
            or any(tokens[k] == MINUS and tokens[k + 1] == MINUS for k in range(len(tokens) - 1))
            or total
            == sum(
                0 if tokens[k] >= MODULUS else tokens[k] if k == 0 or tokens[k - 1] != MINUS else 0 - tokens[k]
                for k in range(i)
            )
            % MODULUS
        )
        invariant(
            any(tokens[k] == OPEN or tokens[k] == CLOSE for k in range(len(tokens)))
            or any(tokens[k] == MINUS and tokens[k + 1] == MINUS for k in range(len(tokens) - 1))
            or all(
                negative == (x > 0 and tokens[x - 1] == MINUS)
                for x in range(i)
                if tokens[x] == UNKNOWN and all(tokens[k] != UNKNOWN or k == x for k in range(len(tokens)))
            )
        )
        decreases(len(tokens) - i)
        token = tokens[i]
        if token == MINUS:
            minus = 1 - minus
        elif token == OPEN:
            depth += 1
            outside[depth] = minus
        elif token == CLOSE and depth > 0:
            depth -= 1
            minus = outside[depth]
        else:
            if token == UNKNOWN:
                negative = minus
            elif token < MODULUS:
                total = (total + (MODULUS - token if minus else token)) % MODULUS
            minus = outside[depth]
        i += 1
    right = (tokens[len(tokens) - 1] % MODULUS + MODULUS - total) % MODULUS
    return (MODULUS - right) % MODULUS if negative else right
