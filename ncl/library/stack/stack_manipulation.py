"""What a stack holds after a list of actions, top first."""

from ncl.language.contract_words import ensures, invariant, requires, result
from ncl.language.declare import Array, program

POP = 2
PUSH_0 = 3
END = 2


@program
def stack_manipulation(tokens: Array) -> Array:
    """The final stack from top to bottom, then 2, then zeros: len(tokens) + 1 symbols in all.

    The tokens are a stack of 0 and 1 from bottom to top, then actions: 2 pops, 3 pushes 0, 4 pushes 1. A pop on the
    empty stack is ignored. Requires symbols up to 4, in any order, and room for 3·len(tokens) + 1 cells.

    The contract counts pushes less pops before each place. What is pushed at a place is left when that number is larger
    at all places behind it; then its place in the answer is told by how much larger the number at the end is, less one.
    The smallest of these numbers tells the place of the 2.

        stack_manipulation([]) -> [2]
        stack_manipulation([1]) -> [1, 2]
        stack_manipulation([0, 1, 1, 0, 4, 2, 2]) -> [1, 1, 0, 2, 0, 0, 0, 0]
        stack_manipulation([1, 1, 0, 2, 2, 2]) -> [2, 0, 0, 0, 0, 0, 0]
        stack_manipulation([0, 2, 2, 4, 3]) -> [0, 1, 2, 0, 0, 0]
    """
    requires(len(tokens) < ~0)
    requires(tokens[k] <= 4 for k in range(len(tokens)))
    ensures(len(result) == len(tokens) + 1)
    ensures(
        result[
            sum(1 - 2 * (tokens[k] == POP) for k in range(len(tokens)))
            - 1
            - sum(1 - 2 * (tokens[k] == POP) for k in range(i))
        ]
        == (tokens[i] - PUSH_0 if tokens[i] >= PUSH_0 else tokens[i])
        for i in range(len(tokens))
        if tokens[i] != POP
        and all(
            sum(1 - 2 * (tokens[k] == POP) for k in range(j)) > sum(1 - 2 * (tokens[k] == POP) for k in range(i))
            for j in range(i + 1, len(tokens) + 1)
        )
    )
    ensures(
        result[
            sum(1 - 2 * (tokens[k] == POP) for k in range(len(tokens)))
            - sum(1 - 2 * (tokens[k] == POP) for k in range(i))
        ]
        == END
        for i in range(len(tokens) + 1)
        if all(
            sum(1 - 2 * (tokens[k] == POP) for k in range(j)) >= sum(1 - 2 * (tokens[k] == POP) for k in range(i))
            for j in range(len(tokens) + 1)
        )
    )
    ensures(result[a] != END or result[b] == 0 for b in range(len(result)) for a in range(b))
    n = len(tokens)
    stack = [0] * n
    height = 0
    for i in range(n):
        invariant(height <= i)
        invariant(stack[k] <= 1 for k in range(n))
        invariant(
            height
            >= sum(1 - 2 * (tokens[k] == POP) for k in range(i)) - sum(1 - 2 * (tokens[k] == POP) for k in range(j))
            for j in range(i + 1)
        )
        invariant(
            any(
                height
                == sum(1 - 2 * (tokens[k] == POP) for k in range(i)) - sum(1 - 2 * (tokens[k] == POP) for k in range(j))
                for j in range(i + 1)
            )
        )
        invariant(
            stack[
                height
                - sum(1 - 2 * (tokens[k] == POP) for k in range(i))
                + sum(1 - 2 * (tokens[k] == POP) for k in range(e))
            ]
            == (tokens[e] - PUSH_0 if tokens[e] >= PUSH_0 else tokens[e])
            for e in range(i)
            if tokens[e] != POP
            and all(
                sum(1 - 2 * (tokens[k] == POP) for k in range(j)) > sum(1 - 2 * (tokens[k] == POP) for k in range(e))
                for j in range(e + 1, i + 1)
            )
        )
        if tokens[i] != POP:
            stack[height] = tokens[i] - PUSH_0 if tokens[i] >= PUSH_0 else tokens[i]
            height += 1
        elif height > 0:
            height -= 1
    left = [0] * (n + 1)
    for i in range(height):
        invariant(left[k] == stack[height - 1 - k] for k in range(i))
        invariant(left[k] == 0 for k in range(i, n + 1))
        left[i] = stack[height - 1 - i]
    left[height] = END
    return left
