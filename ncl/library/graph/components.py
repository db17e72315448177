"""What hangs together, by union-find."""

from ncl.language.declare import Array, Word, program


def find_root(parents: Array, v: Word) -> Word:
    """The root above v; on the way, each place is hung under its grandparent."""
    while parents[v] != v:
        parents[v] = parents[parents[v]]
        v = parents[v]
    return v


@program
def components(tails: Array, heads: Array, n: Word) -> Array:
    """For each of the places 0 … n-1 the smallest place that it hangs together with.

    Edge e joins `tails[e]` and `heads[e]`. Requires as many heads as tails, all of them below n. Roots are joined
    under the smaller one.

        components([], [], 3) -> [0, 1, 2]
        components([2], [1], 3) -> [0, 1, 1]
        components([3, 0], [1, 2], 4) -> [0, 1, 0, 1]
        components([3, 0, 2], [1, 2, 3], 4) -> [0, 0, 0, 0]
    """
    parents = [0] * n
    for v in range(n):
        parents[v] = v
    for e in range(len(tails)):
        a = find_root(parents, tails[e])
        b = find_root(parents, heads[e])
        parents[max(a, b)] = min(a, b)
    for v in range(n):
        parents[v] = parents[parents[v]]
    return parents
