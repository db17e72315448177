"""Two sorted lists made one."""

from ncl.language.contract_words import ensures, invariant, permutation, requires, result
from ncl.language.declare import Array, program


@program
def merge(xs: Array, ys: Array) -> Array:
    """A fresh ascending list of all elements of the ascending lists xs and ys.

    Requires both in ascending order, and room for the result: 2·(len(xs) + len(ys)) cells of memory.

        merge([], []) -> []
        merge([2, 9], []) -> [2, 9]
        merge([2, 9], [1, 2, 5]) -> [1, 2, 2, 5, 9]
        merge([7, 8], [1, 3]) -> [1, 3, 7, 8]
    """
    requires(sorted(xs))
    requires(sorted(ys))
    requires(len(xs) + len(ys) <= ~0)
    ensures(sorted(result))
    ensures(permutation(result, [*xs[:], *ys[:]]))
    zs = [0] * (len(xs) + len(ys))
    i = 0
    j = 0
    for k in range(len(zs)):
        invariant(i + j == k and i <= len(xs) and j <= len(ys))
        invariant(sorted(zs[:k]))
        invariant(zs[a] <= xs[b] for a in range(k) for b in range(i, len(xs)))
        invariant(zs[a] <= ys[b] for a in range(k) for b in range(j, len(ys)))
        invariant(permutation(zs[:k], [*xs[:i], *ys[:j]]))
        if j == len(ys) or (i < len(xs) and xs[i] <= ys[j]):
            zs[k] = xs[i]
            i += 1
        else:
            zs[k] = ys[j]
            j += 1
    return zs
