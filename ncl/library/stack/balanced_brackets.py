"""Whether brackets match."""

from ncl.language.declare import Array, Word, program


@program
def balanced_brackets(tokens: Array) -> Word:
    """1 when every bracket that opens is closed by one of its kind, in the right order, else 0.

    Even words open, the odd word one above closes: 0 is (, 1 is ), 2 is [, 3 is ], and so on. Requires room for the
    brackets that are open: len(tokens) cells.

        balanced_brackets([]) -> 1
        balanced_brackets([0, 1]) -> 1
        balanced_brackets([1, 0]) -> 0
        balanced_brackets([0, 2, 3, 0, 1, 1]) -> 1
        balanced_brackets([0, 2, 1, 3]) -> 0
        balanced_brackets([0, 0, 1]) -> 0
    """
    waiting = [0] * len(tokens)
    depth = 0
    for i in range(len(tokens)):
        if tokens[i] % 2 == 0:
            waiting[depth] = tokens[i] + 1
            depth += 1
        elif depth == 0 or waiting[depth - 1] != tokens[i]:
            return 0
        else:
            depth -= 1
    return depth == 0
