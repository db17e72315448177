"""Sorting by filling one bucket after the other."""

from ncl.language.contract_words import ensures, invariant, old, permutation, requires, result
from ncl.language.declare import Array, program

LAST = 4


@program
def bucket_sort(tokens: Array) -> Array:
    """Symbols 0-4 in ascending order, in place: all 0 first, then all 1, and so on.

    Requires that every symbol is at most 4. The buckets lie behind each other in the array itself; what is not yet in
    one of them waits behind.

        bucket_sort([]) -> []
        bucket_sort([3]) -> [3]
        bucket_sort([4, 0, 2, 1, 3]) -> [0, 1, 2, 3, 4]
        bucket_sort([1, 4, 1, 0, 4, 0]) -> [0, 0, 1, 1, 4, 4]
    """
    requires(tokens[k] <= LAST for k in range(len(tokens)))
    ensures(sorted(result))
    ensures(permutation(result, old(tokens)))
    full = 0  # cells of the buckets so far
    for bucket in range(LAST):
        invariant(full <= len(tokens))
        invariant(permutation(tokens, old(tokens)))
        invariant(sorted(tokens[:full]))
        invariant(tokens[k] <= bucket for k in range(full))
        invariant(bucket <= tokens[k] <= LAST for k in range(full, len(tokens)))
        for i in range(full, len(tokens)):
            invariant(full <= i <= len(tokens))
            invariant(permutation(tokens, old(tokens)))
            invariant(sorted(tokens[:full]))
            invariant(tokens[k] <= bucket for k in range(full))
            invariant(bucket < tokens[k] <= LAST for k in range(full, i))
            invariant(bucket <= tokens[k] <= LAST for k in range(i, len(tokens)))
            if tokens[i] == bucket:
                tokens[i], tokens[full] = tokens[full], tokens[i]
                full += 1
    return tokens
