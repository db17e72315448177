"""What hangs together, by union-find."""

from ncl.language.contract_words import ensures, invariant, requires, result
from ncl.language.declare import Array, Word, program


@program
def components(tails: Array, heads: Array, n: Word) -> Array:
    """For each of the places 0 … n-1 the smallest place that it hangs together with.

    Edge e joins `tails[e]` and `heads[e]`. Requires as many heads as tails, all of them below n. Each place
    knows its root; an edge hangs one root under the other, and each place under its root's root: to find is a look, to
    join takes n rounds. The contract: what an edge joins has one root, and each edge takes away one root at most.

        components([], [], 3) -> [0, 1, 2]
        components([2], [1], 3) -> [0, 1, 1]
        components([3, 0], [1, 2], 4) -> [0, 1, 0, 1]
        components([3, 0, 2], [1, 2, 3], 4) -> [0, 0, 0, 0]
    """
    requires(len(heads) == len(tails))
    requires(tails[e] < n and heads[e] < n for e in range(len(tails)))
    ensures(len(result) == n)
    ensures(result[v] <= v and result[result[v]] == result[v] for v in range(n))
    ensures(result[tails[e]] == result[heads[e]] for e in range(len(tails)))
    ensures(sum(result[v] == v for v in range(n)) + len(tails) >= n)
    root = [0] * n
    for v in range(n):
        invariant(root[u] == u for u in range(v))
        invariant(sum(root[u] == u for u in range(v)) == v)
        root[v] = v
    for e in range(len(tails)):
        invariant(root[v] <= v and root[root[v]] == root[v] for v in range(n))
        invariant(root[tails[d]] == root[heads[d]] for d in range(e))
        invariant(sum(root[v] == v for v in range(n)) + e >= n)
        upper = min(root[tails[e]], root[heads[e]])
        lower = max(root[tails[e]], root[heads[e]])
        root[lower] = upper
        for v in range(n):
            invariant(root[u] <= u for u in range(n))
            invariant(root[upper] == upper and root[lower] == upper)
            invariant(root[root[u]] == root[u] for u in range(v))
            invariant(root[u] == lower or root[root[u]] == root[u] for u in range(v, n))
            invariant(
                root[tails[d]] == root[heads[d]]
                or (root[tails[d]] == upper and root[heads[d]] == lower)
                or (root[tails[d]] == lower and root[heads[d]] == upper)
                for d in range(e + 1)
            )
            invariant(lower == upper or root[u] != lower for u in range(v))
            invariant(sum(root[u] == u for u in range(n)) + e + 1 >= n)
            root[v] = root[root[v]]
    return root
