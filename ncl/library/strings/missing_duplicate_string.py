"""The symbol that is missing in one of two copies."""

from ncl.language.contract_words import ensures, invariant, requires, result
from ncl.language.declare import Array, Word, program

MISSING = 2


@program
def missing_duplicate_string(tokens: Array) -> Word:
    """The symbol in whose place there is a 2, in a string of 0 and 1 that stands there twice.

    An odd length has one more symbol behind both copies, a 3. Requires that at most one 2 stands in the copies; 0 when
    none does.

        missing_duplicate_string([]) -> 0
        missing_duplicate_string([2, 1]) -> 1
        missing_duplicate_string([0, 1, 1, 0, 0, 2, 1, 0]) -> 1
        missing_duplicate_string([1, 0, 1, 1, 2, 1, 3]) -> 0
        missing_duplicate_string([0, 2, 0, 1]) -> 1
    """
    requires(
        tokens[a] != MISSING or tokens[b] != MISSING
        for a in range(len(tokens) // 2 * 2)
        for b in range(a + 1, len(tokens) // 2 * 2)
    )
    ensures(tokens[k] != MISSING or result == tokens[len(tokens) // 2 + k] for k in range(len(tokens) // 2))
    ensures(tokens[len(tokens) // 2 + k] != MISSING or result == tokens[k] for k in range(len(tokens) // 2))
    ensures(result == 0 or any(tokens[k] == MISSING for k in range(len(tokens) // 2 * 2)))
    half = len(tokens) // 2
    for i in range(half):
        invariant(tokens[k] != MISSING and tokens[half + k] != MISSING for k in range(i))
        if tokens[i] == MISSING:
            return tokens[half + i]
        if tokens[half + i] == MISSING:
            return tokens[i]
    return 0
