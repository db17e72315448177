"""The towers of Hanoi."""

from ncl.language.declare import Array, Word, program

TEN = 10


def carry(moves: Array, done: Word, disks: Word, source: Word, target: Word) -> Word:
    """Write the moves of the upper `disks` from one peg to another behind those `done`; how many there are then."""
    if disks == 0:
        return done
    spare = 6 - source - target  # the pegs are 1, 2 and 3
    done = carry(moves, done, disks - 1, source, spare)
    moves[done] = TEN * source + target
    return carry(moves, done + 1, disks - 1, spare, target)


@program
def hanoi(disks: Word) -> Array:
    """The moves that bring a tower of disks from peg 1 to peg 3: the word 12 is a move from peg 1 to peg 2.

    One disk at a time, never onto a smaller one: 2^disks - 1 moves, the fewest there are. Requires as many cells, so at
    most 12 disks in the usual memory, and width 6 or more.

        hanoi(0) -> []
        hanoi(1) -> [13]
        hanoi(2) -> [12, 13, 23]
        hanoi(3) -> [13, 12, 32, 13, 21, 23, 13]
    """
    moves = [0] * ((1 << disks) - 1)
    carry(moves, 0, disks, 1, 3)
    return moves
