"""An equation with one unknown, modulo five."""

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
    Requires a well-formed equation with x on the left, once, and a digit alone on the right; and width 5 or more, so
    that nothing wraps. With fewer than three symbols the answer is 0. Nothing is multiplied, so a bracket is no more
    than the sign in front of it: the signs in force stand in cells, one for each open bracket.

        solve_equation([]) -> 0
        solve_equation([9, 10]) -> 0
        solve_equation([9, 10, 3]) -> 3
        solve_equation([6, 9, 10, 2]) -> 3
        solve_equation([7, 4, 5, 9, 8, 10, 1]) -> 2
        solve_equation([7, 1, 6, 7, 6, 2, 6, 9, 8, 8, 10, 4]) -> 1
    """
    if len(tokens) < 3:
        return 0
    signs = [1] * len(tokens)
    depth = 0
    sign = 1  # of the next value: 1, or 4 for -1
    total = 0
    factor = 0  # of the unknown: 1 or 4 as well, its own inverse
    i = 0
    while i < len(tokens) and tokens[i] != EQUALS:
        token = tokens[i]
        if token == MINUS:
            sign = MODULUS - sign
        elif token == OPEN:
            depth += 1
            signs[depth] = sign
        elif token == CLOSE and depth > 0:
            depth -= 1
            sign = signs[depth]
        elif token == UNKNOWN:
            factor = sign
            sign = signs[depth]
        elif token < MODULUS:
            total = (total + sign * token) % MODULUS
            sign = signs[depth]
        i += 1
    right = (tokens[len(tokens) - 1] + MODULUS - total) % MODULUS
    return factor * right % MODULUS
