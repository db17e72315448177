"""Shortest paths from one place."""

from ncl.language.contract_words import decreases, ensures, invariant, requires, result
from ncl.language.declare import Array, Word, program

FAR = ~0  # the largest word of any width: N - 1


@program
def dijkstra(tails: Array, heads: Array, lengths: Array, n: Word, start: Word) -> Array:
    """How far each of the places 0 … n-1 is from `start`, by Dijkstra's algorithm; FAR where no path leads.

    Edge e leads from `tails[e]` to `heads[e]` and is `lengths[e]` long. FAR is the largest word (65535 at width 16): a
    path of that length or more is as good as none. Requires as many heads and lengths as tails, and all ends and the
    start below n. The contract says of each place that no edge leads there on a shorter way, and that one does on this.

        dijkstra([], [], [], 2, 0) -> [0, 65535]
        dijkstra([0, 1], [1, 2], [4, 3], 3, 0) -> [0, 4, 7]
        dijkstra([0, 1, 0], [1, 2, 2], [4, 3, 9], 3, 0) -> [0, 4, 7]
        dijkstra([0, 1, 0], [1, 2, 2], [4, 3, 6], 3, 0) -> [0, 4, 6]
        dijkstra([0, 1, 0], [1, 2, 2], [4, 3, 6], 3, 1) -> [65535, 0, 3]
    """
    requires(len(heads) == len(tails) and len(lengths) == len(tails) and start < n)
    requires(tails[e] < n and heads[e] < n for e in range(len(tails)))
    ensures(len(result) == n and result[start] == 0)
    ensures(result[heads[e]] <= result[tails[e]] + lengths[e] for e in range(len(tails)))
    ensures(
        any(heads[e] == v and result[tails[e]] + lengths[e] == result[v] for e in range(len(tails)))
        for v in range(n) if v != start and result[v] != FAR
    )  # fmt: skip
    distances = [FAR] * n
    finished = [0] * n
    distances[start] = 0
    near = start
    while near < n:
        invariant(near == n or (near < n and not finished[near] and distances[near] != FAR))
        invariant(near == n or finished[v] or distances[near] <= distances[v] for v in range(n))
        invariant(near < n or finished[v] or distances[v] == FAR for v in range(n))
        invariant(distances[start] == 0)
        invariant(distances[u] <= distances[v] for u in range(n) for v in range(n) if finished[u] and not finished[v])
        invariant(
            distances[heads[e]] <= distances[tails[e]] + lengths[e] for e in range(len(tails)) if finished[tails[e]]
        )
        invariant(
            any(
                heads[e] == v and finished[tails[e]] and distances[tails[e]] + lengths[e] == distances[v]
                for e in range(len(tails))
            )
            for v in range(n) if v != start and distances[v] != FAR
        )  # fmt: skip
        decreases(sum(finished[v] == 0 for v in range(n)))
        finished[near] = 1
        for e in range(len(tails)):
            invariant(distances[start] == 0)
            invariant(distances[near] != FAR)
            invariant(distances[u] <= distances[near] for u in range(n) if finished[u])
            invariant(distances[near] <= distances[v] for v in range(n) if not finished[v])
            invariant(
                distances[heads[d]] <= distances[tails[d]] + lengths[d]
                for d in range(len(tails)) if finished[tails[d]] and (tails[d] != near or d < e)
            )  # fmt: skip
            invariant(
                any(
                    heads[d] == v and finished[tails[d]] and distances[tails[d]] + lengths[d] == distances[v]
                    for d in range(len(tails))
                )
                for v in range(n) if v != start and distances[v] != FAR
            )  # fmt: skip
            if tails[e] == near and lengths[e] < FAR - distances[near]:
                distances[heads[e]] = min(distances[heads[e]], distances[near] + lengths[e])
        near = n
        for v in range(n):
            invariant(near == n or (near < v and not finished[near] and distances[near] != FAR))
            invariant(near == n or finished[u] or distances[near] <= distances[u] for u in range(v))
            invariant(near < n or finished[u] or distances[u] == FAR for u in range(v))
            if not finished[v] and distances[v] != FAR and (near == n or distances[v] < distances[near]):
                near = v
    return distances
