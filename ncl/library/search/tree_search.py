"""A walk down a binary search tree."""

from ncl.language.contract_words import decreases, ensures, invariant, requires, result
from ncl.language.declare import Array, Word, program


@program
def tree_search(keys: Array, lefts: Array, rights: Array, root: Word, s: Word) -> Word:
    """The node whose key is s, or len(keys) when the tree has none.

    Node p holds `keys[p]`; smaller keys lie under node `lefts[p]`, larger ones under node `rights[p]`, and a word that
    is no node stands for an empty tree. Requires as many lefts and rights as keys. What is no tree, because a node lies
    under itself, is left after len(keys) nodes.

        tree_search([], [], [], 0, 5) -> 0
        tree_search([5, 2, 8], [1, 9, 9], [2, 9, 9], 0, 5) -> 0
        tree_search([5, 2, 8], [1, 9, 9], [2, 9, 9], 0, 8) -> 2
        tree_search([5, 2, 8], [1, 9, 9], [2, 9, 9], 0, 3) -> 3
        tree_search([5, 2, 8, 3], [1, 9, 9, 9], [2, 3, 9, 9], 0, 3) -> 3
        tree_search([5, 2, 8, 3], [1, 9, 9, 9], [2, 3, 9, 9], 1, 8) -> 4
    """
    requires(len(lefts) == len(keys) and len(rights) == len(keys))
    ensures(result == len(keys) or keys[result] == s)
    ensures(
        result == len(keys) or result == root
        or any((lefts[q] == result and s < keys[q]) or (rights[q] == result and s > keys[q]) for q in range(len(keys)))
    )  # fmt: skip
    # What can be said of the way there without saying "and so on": its first two nodes.
    ensures(root >= len(keys) or keys[root] != s or result == root)
    ensures(
        root >= len(keys) or lefts[root] >= len(keys)
        or s >= keys[root] or keys[lefts[root]] != s or result == lefts[root]
    )  # fmt: skip
    ensures(
        root >= len(keys) or rights[root] >= len(keys)
        or s <= keys[root] or keys[rights[root]] != s or result == rights[root]
    )  # fmt: skip
    p = root
    left = len(keys)
    while p < len(keys) and left > 0:
        invariant(left <= len(keys))
        invariant(
            p == root
            or any((lefts[q] == p and s < keys[q]) or (rights[q] == p and s > keys[q]) for q in range(len(keys)))
        )  # fmt: skip
        invariant(left == len(keys) or (root < len(keys) and keys[root] != s))
        invariant(left < len(keys) or p == root)
        invariant(left != len(keys) - 1 or p == (lefts[root] if s < keys[root] else rights[root]))
        invariant(left >= len(keys) - 1 or s >= keys[root] or lefts[root] >= len(keys) or keys[lefts[root]] != s)
        invariant(left >= len(keys) - 1 or s <= keys[root] or rights[root] >= len(keys) or keys[rights[root]] != s)
        decreases(left)
        if keys[p] == s:
            return p
        if s < keys[p]:
            p = lefts[p]
        else:
            p = rights[p]
        left -= 1
    return len(keys)
