"""The square root of a number of any length, digit by digit, as on paper."""

from ncl.language.declare import Array, Word, program


def trial_digit(root: Array, j: Word, i: Word) -> Word:
    """Digit i of what is tried: the j digits of the root so far, then 0, 1."""
    return root[i] if i < j else i - j


def fits(rest: Array, root: Array, j: Word) -> Word:
    """Whether the trial number can be taken from the rest, whose digits that count begin at cell j."""
    if rest[j]:
        return 1
    for i in range(j + 2):
        trial = trial_digit(root, j, i)
        if rest[j + 1 + i] != trial:
            return rest[j + 1 + i] > trial
    return 1


def take(rest: Array, root: Array, j: Word) -> Array:
    """Take the trial number from the rest, from the lowest digit up."""
    borrow = 0
    for i in range(j + 1, -1, -1):
        less = trial_digit(root, j, i) + borrow
        borrow = rest[j + 1 + i] < less
        rest[j + 1 + i] += 2 * borrow - less
    rest[j] -= borrow
    return rest


@program
def compute_sqrt(tokens: Array) -> Array:
    """The integer square root of a number in binary, the highest digit first: ⌈len(tokens)/2⌉ digits.

    Requires digits 0 and 1, and about 2·len(tokens) cells of memory. For each two digits of the number one digit of the
    root is found: it is 1 when (root, 0, 1), read as one number, can be taken from what is left.

        compute_sqrt([]) -> []
        compute_sqrt([1]) -> [1]
        compute_sqrt([1, 1, 1]) -> [1, 0]
        compute_sqrt([1, 0, 0, 1, 0, 1]) -> [1, 1, 0]
        compute_sqrt([0, 0, 0, 0, 1]) -> [0, 0, 1]
        compute_sqrt([1, 1, 1, 0, 0, 0, 0]) -> [1, 0, 1, 0]
    """
    n = len(tokens)
    size = (n + 1) // 2
    root = [0] * size
    rest = [0] * (2 * size + 1)  # of the number, with one more 0 or two in front
    for i in range(n):
        rest[2 * size + 1 - n + i] = tokens[i]
    for j in range(size):
        if fits(rest, root, j):
            take(rest, root, j)
            root[j] = 1
    return root
