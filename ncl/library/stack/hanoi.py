"""The towers of Hanoi."""

from ncl.language.contract_words import decreases, ensures, invariant, old, requires, result
from ncl.language.declare import Array, Word, program

TEN = 10


def carry(moves: Array, done: Word, room: Word, source: Word, target: Word) -> Word:
    """Write, behind those done, the moves of as many disks as `room` moves are enough for; how many are done then."""
    requires(~0 >= 33 and done + room <= len(moves))
    requires(1 <= source <= 3 and 1 <= target <= 3 and source != target)
    ensures(done <= result <= done + room)
    ensures(result == done if room == 0 else (result - done) % 2 == 1)
    ensures(moves[:done] == old(moves)[:done])
    ensures(result == done or (moves[done] // TEN == source and moves[result - 1] % TEN == target))
    ensures(
        1 <= moves[k] // TEN <= 3 and 1 <= moves[k] % TEN <= 3 and moves[k] // TEN != moves[k] % TEN
        for k in range(done, result)
    )
    ensures(
        moves[j] // TEN + moves[j] % TEN + moves[k] % TEN == 6
        for k in range(done, result - 1)
        if (k - done) % 2 == 0
        for j in range(k + 1, k + 2)
    )
    ensures(
        moves[j] // TEN == moves[k] % TEN
        for k in range(done, result - 2)
        if (k - done) % 2 == 0
        for j in range(k + 2, k + 3)
    )
    decreases(room)
    if room == 0:
        return done
    spare = 6 - source - target  # the pegs are 1, 2 and 3
    half = (room - 1) // 2
    done = carry(moves, done, half, source, spare)
    moves[done] = TEN * source + target
    return carry(moves, done + 1, half, spare, target)


@program
def hanoi(disks: Word) -> Array:
    """The moves that bring a tower of disks from peg 1 to peg 3: the word 12 is a move from peg 1 to peg 2.

    One disk at a time, never onto a smaller one: 2^disks - 1 moves, the fewest there are. Requires width 6 or more, and
    twice as many cells as moves: at most 11 disks in the usual memory.

    The contract is how the puzzle is solved: every other move, the first and the last among them, is of the smallest
    disk, which goes on from where it was; and the moves between are from one to the other of the pegs where it is not.

        hanoi(0) -> []
        hanoi(1) -> [13]
        hanoi(2) -> [12, 13, 23]
        hanoi(3) -> [13, 12, 32, 13, 21, 23, 13]
    """
    requires(~0 >= 33)
    ensures(len(result) == 0 or len(result) % 2 == 1)
    ensures(len(result) == 0 or (result[0] // TEN == 1 and result[len(result) - 1] % TEN == 3))
    ensures(
        1 <= result[k] // TEN <= 3 and 1 <= result[k] % TEN <= 3 and result[k] // TEN != result[k] % TEN
        for k in range(len(result))
    )
    ensures(
        result[j] // TEN + result[j] % TEN + result[k] % TEN == 6
        for k in range(len(result) - 1)
        if k % 2 == 0
        for j in range(k + 1, k + 2)
    )
    ensures(
        result[j] // TEN == result[k] % TEN for k in range(len(result) - 2) if k % 2 == 0 for j in range(k + 2, k + 3)
    )
    moves = [0] * ((1 << disks) - 1)
    count = carry(moves, 0, len(moves), 1, 3)
    made = [0] * count
    for i in range(count):
        invariant(made[:i] == moves[:i])
        made[i] = moves[i]
    return made
