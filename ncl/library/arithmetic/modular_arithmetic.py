"""A sum of products, modulo five."""

from ncl.language.declare import Array, Word, program

MODULUS = 5
PLUS = 5
MINUS = 6
TIMES = 7
MINUS_ONE = 4  # modulo five


@program
def modular_arithmetic(tokens: Array) -> Word:
    """The value modulo 5 of digits 0-4 with operators between them: 5 is +, 6 is -, 7 is ×, and × binds first.

    Requires digits in the 1st, 3rd, … place, operators in the 2nd, 4th, …, and width 5 or more, so that nothing wraps.
    An operator at the end counts for nothing; so does an empty string.

        modular_arithmetic([]) -> 0
        modular_arithmetic([3]) -> 3
        modular_arithmetic([1, 5, 2, 7, 3]) -> 2
        modular_arithmetic([1, 6, 1, 6, 1]) -> 4
        modular_arithmetic([0, 7, 1, 5, 4, 7, 3, 6, 2]) -> 0
        modular_arithmetic([2, 6, 3, 7, 4, 7, 2]) -> 3
    """
    total = 0
    term = 0  # the product that is being read, with its sign
    for i in range(0, len(tokens), 2):
        if i == 0 or tokens[i - 1] != TIMES:
            total = (total + term) % MODULUS
            term = MINUS_ONE if i > 0 and tokens[i - 1] == MINUS else 1
        term = term * tokens[i] % MODULUS
    return (total + term) % MODULUS
