"""The numbers of Fibonacci, by recursion."""

from ncl.language.declare import Word, program


@program
def fibonacci(n: Word) -> Word:
    """The n-th number of Fibonacci, each the sum of the two before it; n is how deep the calls go.

    Requires that it is a word: n ≤ 24 at width 16, n ≤ 47 at width 32. It takes as many calls as the number is large.

        fibonacci(0) -> 0
        fibonacci(1) -> 1
        fibonacci(2) -> 1
        fibonacci(7) -> 13
        fibonacci(10) -> 55
    """
    if n < 2:
        return n
    return fibonacci(n - 1) + fibonacci(n - 2)
