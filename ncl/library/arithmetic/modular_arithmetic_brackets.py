"""An expression with brackets, modulo five."""

from ncl.language.declare import Array, Word, program

MODULUS = 5
PLUS = 5
MINUS = 6
TIMES = 7
OPEN = 8
CLOSE = 9
MINUS_ONE = 4  # modulo five


@program
def modular_arithmetic_brackets(tokens: Array) -> Word:
    """The value modulo 5 of digits 0-4 with operators and brackets: 5 is +, 6 is -, 7 is ×, 8 is (, 9 is ).

    A minus may stand in front of a value too. Where brackets leave a choice, × binds first. Requires a well-formed
    expression, and width 5 or more, so that nothing wraps; the empty one is 0. Brackets may be nested to any depth:
    what waits outside of them stands in cells, two for each.

        modular_arithmetic_brackets([]) -> 0
        modular_arithmetic_brackets([6, 3]) -> 2
        modular_arithmetic_brackets([8, 6, 1, 9]) -> 4
        modular_arithmetic_brackets([8, 4, 7, 8, 2, 5, 4, 9, 9]) -> 4
        modular_arithmetic_brackets([8, 8, 1, 6, 3, 9, 6, 6, 2, 9]) -> 0
        modular_arithmetic_brackets([1, 5, 2, 7, 3]) -> 2
    """
    totals = [0] * len(tokens)
    terms = [0] * len(tokens)
    depth = 0
    total = 0
    term = 1  # the product that is being read, with its sign
    read = 0  # 1 behind a value
    for i in range(len(tokens)):
        token = tokens[i]
        if token < MODULUS:
            term = term * token % MODULUS
            read = 1
        elif token == OPEN:
            totals[depth], terms[depth] = total, term
            depth += 1
            total, term, read = 0, 1, 0
        elif token == CLOSE and depth > 0:
            depth -= 1
            inside = (total + read * term) % MODULUS
            term = terms[depth] * inside % MODULUS
            total, read = totals[depth], 1
        else:
            if read and token != TIMES:
                total = (total + term) % MODULUS
                term = 1
            if token == MINUS:
                term = term * MINUS_ONE % MODULUS
            read = 0
    return (total + read * term) % MODULUS
