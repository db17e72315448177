"""Shortest paths from one place."""

from ncl.language.declare import Array, Word, program

FAR = ~0  # the largest word of any width: N - 1


@program
def dijkstra(tails: Array, heads: Array, lengths: Array, n: Word, start: Word) -> Array:
    """How far each of the places 0 … n-1 is from `start`, by Dijkstra's algorithm; FAR where no path leads.

    Edge e leads from `tails[e]` to `heads[e]` and is `lengths[e]` long. FAR is the largest word (65535 at width 16).
    Requires as many heads and lengths as tails, all ends and the start below n, and all lengths together below FAR.

        dijkstra([], [], [], 2, 0) -> [0, 65535]
        dijkstra([0, 1], [1, 2], [4, 3], 3, 0) -> [0, 4, 7]
        dijkstra([0, 1, 0], [1, 2, 2], [4, 3, 9], 3, 0) -> [0, 4, 7]
        dijkstra([0, 1, 0], [1, 2, 2], [4, 3, 6], 3, 0) -> [0, 4, 6]
        dijkstra([0, 1, 0], [1, 2, 2], [4, 3, 6], 3, 1) -> [65535, 0, 3]
    """
    distances = [FAR] * n
    finished = [0] * n
    distances[start] = 0
    for _round in range(n):
        near = n
        for v in range(n):
            if not finished[v] and distances[v] != FAR and (near == n or distances[v] < distances[near]):
                near = v
        if near == n:
            return distances
        finished[near] = 1
        for e in range(len(tails)):
            if tails[e] == near:
                distances[heads[e]] = min(distances[heads[e]], distances[near] + lengths[e])
    return distances
