"""Whether brackets match."""

from ncl.language.contract_words import ensures, invariant, requires, result
from ncl.language.declare import Array, Word, program


@program
def balanced_brackets(tokens: Array) -> Word:
    """1 when every bracket that opens is closed and none is closed that was not open, else 0; 0 is ( and 1 is ).

    Requires that every symbol is 0 or 1. The contract says it with sums: up to each place as many open as close, or
    more, and in all as many.

        balanced_brackets([]) -> 1
        balanced_brackets([0, 1]) -> 1
        balanced_brackets([1, 0]) -> 0
        balanced_brackets([0, 0, 1]) -> 0
        balanced_brackets([0, 0, 1, 0, 1, 1, 0, 1]) -> 1
        balanced_brackets([0, 1, 1, 0, 0, 1]) -> 0
    """
    requires(tokens[k] <= 1 for k in range(len(tokens)))
    ensures(result <= 1)
    ensures(
        (result == 1)
        == (
            sum(1 - 2 * tokens[k] for k in range(len(tokens))) == 0
            and all(sum(1 - 2 * tokens[j] for j in range(k)) >= 0 for k in range(len(tokens)))
        )
    )
    depth = 0
    for i in range(len(tokens)):
        invariant(depth <= i)
        invariant(depth == sum(1 - 2 * tokens[k] for k in range(i)))
        invariant(sum(1 - 2 * tokens[j] for j in range(k)) >= 0 for k in range(i + 1))
        if tokens[i] == 0:
            depth += 1
        elif depth == 0:
            return 0
        else:
            depth -= 1
    return depth == 0
