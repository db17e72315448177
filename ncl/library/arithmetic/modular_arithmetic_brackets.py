"""An expression with brackets, modulo five."""

from ncl.language.contract_words import ensures, invariant, requires, result
from ncl.language.declare import Array, Word, program

MODULUS = 5
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

    The contract tells the value of sums and differences without brackets, digits and operators in turn.

        modular_arithmetic_brackets([]) -> 0
        modular_arithmetic_brackets([6, 3]) -> 2
        modular_arithmetic_brackets([8, 6, 1, 9]) -> 4
        modular_arithmetic_brackets([8, 4, 7, 8, 2, 5, 4, 9, 9]) -> 4
        modular_arithmetic_brackets([8, 8, 1, 6, 3, 9, 6, 6, 2, 9]) -> 0
        modular_arithmetic_brackets([1, 5, 2, 7, 3]) -> 2
    """
    requires(~0 >= 16)
    ensures(result < MODULUS)
    ensures(
        any(tokens[k] > MINUS for k in range(len(tokens)))
        or any((tokens[k] < MODULUS) == (tokens[k + 1] < MODULUS) for k in range(len(tokens) - 1))
        or result
        == sum(
            0 if tokens[k] >= MODULUS else tokens[k] if k == 0 or tokens[k - 1] != MINUS else 0 - tokens[k]
            for k in range(len(tokens))
        )
        % MODULUS
    )
    totals = [0] * len(tokens)
    terms = [0] * len(tokens)
    depth = 0
    total = 0
    term = 1  # the product that is being read, with its sign
    read = 0  # 1 behind a value
    for i in range(len(tokens)):
        invariant(depth <= i and total < MODULUS and term < MODULUS)
        invariant(totals[k] < MODULUS for k in range(len(tokens)))
        invariant(terms[k] < MODULUS for k in range(len(tokens)))
        invariant(
            any(tokens[k] > MINUS for k in range(len(tokens)))
            or any((tokens[k] < MODULUS) == (tokens[k + 1] < MODULUS) for k in range(len(tokens) - 1))
            or (read != 0) == (i > 0 and tokens[i - 1] < MODULUS)
        )
        invariant(
            any(tokens[k] > MINUS for k in range(len(tokens)))
            or any((tokens[k] < MODULUS) == (tokens[k + 1] < MODULUS) for k in range(len(tokens) - 1))
            or read != 0
            or term == (MINUS_ONE if i > 0 and tokens[i - 1] == MINUS else 1)
        )
        invariant(
            any(tokens[k] > MINUS for k in range(len(tokens)))
            or any((tokens[k] < MODULUS) == (tokens[k + 1] < MODULUS) for k in range(len(tokens) - 1))
            or (total + (term if read != 0 else 0)) % MODULUS
            == sum(
                0 if tokens[k] >= MODULUS else tokens[k] if k == 0 or tokens[k - 1] != MINUS else 0 - tokens[k]
                for k in range(i)
            )
            % MODULUS
        )
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
            inside = (total + (term if read else 0)) % MODULUS
            term = terms[depth] * inside % MODULUS
            total, read = totals[depth], 1
        else:
            if read and token != TIMES:
                total = (total + term) % MODULUS
                term = 1
            if token == MINUS:
                term = term * MINUS_ONE % MODULUS
            read = 0
    return (total + (term if read else 0)) % MODULUS
