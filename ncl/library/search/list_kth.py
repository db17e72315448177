"""An element of a linked list, counted from its head."""

from ncl.language.contract_words import ensures, invariant, requires, result
from ncl.language.declare import Array, Word, program


@program
def list_kth(values: Array, nexts: Array, head: Word, k: Word) -> Word:
    """The value of the node that is reached from `head` in k steps.

    Node p holds `values[p]` and is followed by node `nexts[p]`. Requires that the list has more than k nodes: a word
    that is no node ends it, and going on from there traps `index`. The contract is about lists without an end.

        list_kth([8, 5, 6], [1, 9, 0], 2, 0) -> 6
        list_kth([8, 5, 6], [1, 9, 0], 2, 2) -> 5
        list_kth([8, 5, 6], [1, 2, 2], 0, 7) -> 6
        list_kth([8, 5, 6], [1, 9, 0], 0, 2) -> trap index
        list_kth([], [], 0, 0) -> trap index
    """
    requires(len(nexts) == len(values) and head < len(values))
    requires(nexts[q] < len(values) for q in range(len(nexts)))
    ensures(k == 0 or any(result == values[nexts[q]] for q in range(len(nexts))))
    # What can be said of the way there without saying "and so on": its first three nodes.
    ensures(k != 0 or result == values[head])
    ensures(k != 1 or result == values[nexts[head]])
    ensures(k != 2 or result == values[nexts[nexts[head]]])
    p = head
    for i in range(k):
        invariant(p < len(values))
        invariant(i == 0 or any(p == nexts[q] for q in range(len(nexts))))
        invariant(i != 0 or p == head)
        invariant(i != 1 or p == nexts[head])
        invariant(i != 2 or p == nexts[nexts[head]])
        p = nexts[p]
    return values[p]
