"""What is left on a stack."""

from ncl.language.contract_words import ensures, invariant, old, result
from ncl.language.declare import Array, program

POP = ~0  # the largest word of any width: N - 1


@program
def stack(ops: Array) -> Array:
    """The stack after all steps, bottom to top: the word POP takes the top off, any other word is pushed.

    POP is the largest word, N - 1 (65535 at width 16, 2047 at width 11). A pop on the empty stack is ignored.
    Requires that no value pushed is POP itself. The stack grows in the cells of the steps that it has already read.

        stack([]) -> []
        stack([5, 6]) -> [5, 6]
        stack([5, 6, 65535]) -> [5]
        stack([65535, 5, 6, 65535, 7]) -> [5, 7]
        stack([65535, 65535]) -> []
    """
    ensures(len(result) <= len(old(ops)))
    ensures(result[k] != POP for k in range(len(result)))
    ensures(
        len(result) + sum(old(ops)[k] == POP for k in range(len(ops)))
        >= sum(old(ops)[k] != POP for k in range(len(ops)))
    )
    ensures(result == old(ops) or any(old(ops)[k] == POP for k in range(len(ops))))
    height = 0
    for i in range(len(ops)):
        invariant(height <= i)
        invariant(ops[i:] == old(ops)[i:])
        invariant(ops[k] != POP for k in range(height))
        invariant(height + sum(old(ops)[k] == POP for k in range(i)) >= sum(old(ops)[k] != POP for k in range(i)))
        invariant((height == i and ops[:i] == old(ops)[:i]) or any(old(ops)[k] == POP for k in range(i)))
        if ops[i] != POP:
            ops[height] = ops[i]
            height += 1
        elif height > 0:
            height -= 1
    left = [0] * height
    for i in range(height):
        invariant(left[:i] == ops[:i])
        left[i] = ops[i]
    return left
