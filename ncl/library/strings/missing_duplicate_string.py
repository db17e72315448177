"""The symbol that is missing in one of two copies."""

from ncl.language.declare import Array, Word, program

MISSING = 2


@program
def missing_duplicate_string(tokens: Array) -> Word:
    """The symbol in whose place there is a 2, in a string of 0 and 1 that stands there twice.

    An odd length has one more symbol behind both copies, a 3. Requires such a string; 0 when nothing is missing.

        missing_duplicate_string([]) -> 0
        missing_duplicate_string([2, 1]) -> 1
        missing_duplicate_string([0, 1, 1, 0, 0, 2, 1, 0]) -> 1
        missing_duplicate_string([1, 0, 1, 1, 2, 1, 3]) -> 0
        missing_duplicate_string([0, 2, 0, 1]) -> 1
    """
    half = len(tokens) // 2
    for i in range(half):
        if tokens[i] == MISSING:
            return tokens[half + i]
        if tokens[half + i] == MISSING:
            return tokens[i]
    return 0
