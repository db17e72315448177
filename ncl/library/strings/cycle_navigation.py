"""Where a walk on a circle ends."""

from ncl.language.contract_words import ensures, invariant, requires, result
from ncl.language.declare import Array, Word, program

PLACES = 5
BACK = 4  # one step back on a circle of five


@program
def cycle_navigation(tokens: Array) -> Word:
    """The place on a circle of five, from place 0 on: 0 is a step back, 1 stays, 2 is a step ahead.

    Requires that every symbol is 0, 1 or 2, and width 4 or more, so that nothing wraps. Without a branch on the data.

        cycle_navigation([]) -> 0
        cycle_navigation([0]) -> 4
        cycle_navigation([2, 0, 1, 0, 0]) -> 3
        cycle_navigation([2, 2, 2, 0]) -> 2
        cycle_navigation([2, 2, 2, 2, 2, 2]) -> 1
    """
    requires(~0 >= 10)
    requires(tokens[k] <= 2 for k in range(len(tokens)))
    ensures(result == sum(tokens[k] - 1 for k in range(len(tokens))) % PLACES)
    place = 0
    for i in range(len(tokens)):
        invariant(place == sum(tokens[k] - 1 for k in range(i)) % PLACES)
        place = (place + tokens[i] + BACK) % PLACES
    return place
