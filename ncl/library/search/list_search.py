"""The node of a linked list that holds a value."""

from ncl.language.contract_words import decreases, ensures, invariant, requires, result
from ncl.language.declare import Array, Word, program


@program
def list_search(values: Array, nexts: Array, head: Word, s: Word) -> Word:
    """The first node, from `head` on, whose value is s; len(values) when there is none.

    Node p holds `values[p]` and is followed by node `nexts[p]`; any word that is no node ends the list. Requires as
    many nexts as values. A list that runs in a circle without s is left after len(values) nodes.

        list_search([], [], 0, 5) -> 0
        list_search([8, 5, 6], [1, 9, 0], 2, 6) -> 2
        list_search([8, 5, 6], [1, 9, 0], 2, 5) -> 1
        list_search([8, 5, 6], [1, 9, 0], 0, 6) -> 3
        list_search([8, 5], [1, 0], 0, 6) -> 2
    """
    requires(len(nexts) == len(values))
    ensures(result == len(values) or values[result] == s)
    ensures(result == len(values) or result == head or any(nexts[q] == result for q in range(len(nexts))))
    # What can be said of the way there without saying "and so on": its first two nodes.
    ensures(head >= len(values) or values[head] != s or result == head)
    ensures(
        head >= len(values) or nexts[head] >= len(values)
        or values[head] == s or values[nexts[head]] != s or result == nexts[head]
    )  # fmt: skip
    p = head
    left = len(values)
    while p < len(values) and left > 0:
        invariant(left <= len(values))
        invariant(p == head or any(nexts[q] == p for q in range(len(nexts))))
        invariant(left == len(values) or (head < len(values) and values[head] != s))
        invariant(left < len(values) or p == head)
        invariant(left != len(values) - 1 or p == nexts[head])
        invariant(left >= len(values) - 1 or nexts[head] >= len(values) or values[nexts[head]] != s)
        decreases(left)
        if values[p] == s:
            return p
        p = nexts[p]
        left -= 1
    return len(values)
