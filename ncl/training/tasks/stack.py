"""stack 5 6 pop 7 = 5 7: bottom to top; a pop on the empty stack is ignored."""

from random import Random

from ncl.training.tasks.example import Example, numbers, told

WORDS = ("stack",)


def sample(rng: Random, length: int) -> Example:
    chance = rng.choice((0.1, 0.3, 0.5, 0.7))
    steps = [None if rng.random() < chance else value for value in numbers(rng, length)]
    left: list[int] = []
    for step in steps:
        if step is not None:
            left.append(step)
        elif left:
            left.pop()
    shown = tuple("pop" if step is None else str(step) for step in steps)
    return Example(("stack", *shown, "="), told(left))
