"""What a stack holds after a list of actions, top first."""

from ncl.language.declare import Array, program

POP = 2
PUSH_0 = 3
END = 2


@program
def stack_manipulation(tokens: Array) -> Array:
    """The final stack from top to bottom, then 2, then zeros: len(tokens) + 1 symbols in all.

    The tokens are a stack of 0 and 1 from bottom to top, then actions: 2 pops, 3 pushes 0, 4 pushes 1. A pop on the
    empty stack is ignored. Requires nothing else of the order; room for 3·len(tokens) + 1 cells of memory.

        stack_manipulation([]) -> [2]
        stack_manipulation([1]) -> [1, 2]
        stack_manipulation([0, 1, 1, 0, 4, 2, 2]) -> [1, 1, 0, 2, 0, 0, 0, 0]
        stack_manipulation([1, 1, 0, 2, 2, 2]) -> [2, 0, 0, 0, 0, 0, 0]
        stack_manipulation([0, 2, 2, 4, 3]) -> [0, 1, 2, 0, 0, 0]
    """
    n = len(tokens)
    stack = [0] * n
    height = 0
    for i in range(n):
        if tokens[i] != POP:
            stack[height] = tokens[i] - PUSH_0 if tokens[i] >= PUSH_0 else tokens[i]
            height += 1
        elif height > 0:
            height -= 1
    left = [0] * (n + 1)
    for i in range(height):
        left[i] = stack[height - 1 - i]
    left[height] = END
    return left
