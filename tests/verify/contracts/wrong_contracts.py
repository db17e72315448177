"""Programs that do not keep their contracts, each for a reason of its own: none of them may ever be proved.

The name says what a careless prover would overlook. The last function of a text is the one asked about.
"""

from ncl.verify.mutation.contract_faults import FALSE, HEAD

WRONG = {
    "a loop that stands first": """
def f(n: Word) -> Word:
    ensures(result == old(n))
    while n > 5:
        decreases(n)
        n -= 1
    return n
""",
    "a sum that wraps": """
def f(n: Word) -> Word:
    ensures(result > n)
    return n + 1
""",
    "a difference that wraps": """
def f(n: Word) -> Word:
    ensures(result <= n)
    return n - 1
""",
    "a product that wraps": """
def f(n: Word) -> Word:
    ensures(result == n * n)
    return n * n
""",
    "an invariant that does not hold at first": """
def f(n: Word) -> Word:
    ensures(result == n)
    i = 1
    for k in range(n):
        invariant(i == k)
        i += 1
    return i
""",
    "an invariant that is not carried over": """
def f(n: Word) -> Word:
    ensures(result == 0)
    total = 0
    for i in range(n):
        invariant(total == 0)
        total += i
    return total
""",
    "what a loop stores": """
def f(xs: Array) -> Array:
    ensures(result == old(xs))
    for i in range(len(xs)):
        xs[i] = 0
    return xs
""",
    "an index": """
def f(xs: Array, n: Word) -> Word:
    ensures(result == xs[n] if n < len(xs) else result >= 0)
    return xs[n]
""",
    "a division": """
def f(n: Word) -> Word:
    ensures(result <= n)
    return n // n
""",
    "an assert": """
def f(n: Word) -> Word:
    ensures(result == n)
    assert n < 5
    return n
""",
    "what a callee requires": """
def half(n: Word) -> Word:
    requires(n % 2 == 0)
    ensures(2 * result == n)
    return n // 2


def f(n: Word) -> Word:
    ensures(2 * result == n)
    return half(n)
""",
    "a callee that does not keep its own": """
def zero(n: Word) -> Word:
    ensures(result == 0)
    return n


def f(n: Word) -> Word:
    ensures(result == 0)
    return zero(n)
""",
    "what a callee stores": """
def clear(xs: Array) -> Word:
    ensures(result == len(xs))
    for i in range(len(xs)):
        xs[i] = 0
    return len(xs)


def f(xs: Array) -> Array:
    ensures(result == old(xs))
    clear(xs)
    return xs
""",
    "a measure that rises": """
def f(n: Word) -> Word:
    ensures(result == 3)
    while n != 3:
        decreases(n)
        n += 1
    return n
""",
    "a measure below 0": """
def f(n: Word) -> Word:
    ensures(result == 3)
    while n != 3:
        decreases(3 - n)
        n += 1
    return n
""",
    "a recursion that does not fall": """
def f(n: Word) -> Word:
    decreases(n)
    ensures(result == 0)
    if n == 0:
        return 0
    return f(n // 1)
""",
    "one element for all": """
def f(xs: Array) -> Word:
    requires(len(xs) > 0 and xs[0] >= 0)
    ensures(any(all(xs[a] == xs[b] for a in range(len(xs))) for b in range(len(xs))))
    return 0
""",
    "an element that is what the one before it is": """
def f(xs: Array) -> Array:
    requires(xs[k] == xs[k - 1] for k in range(1, len(xs)))
    ensures(result[k] == 7 for k in range(1, len(xs)))
    return xs
""",
    "an element that is nothing in particular": """
def f(xs: Array) -> Array:
    ensures(result[k] != 7 for k in range(len(xs)))
    return xs
""",
    "a quotient that is no divisor": """
def f(m: Word, n: Word) -> Word:
    requires(0 < m <= n)
    ensures(result > 0 and n % result == 0)
    return n // m
""",
    "an element lost": """
def f(xs: Array) -> Array:
    requires(len(xs) > 1)
    ensures(permutation(result, old(xs)))
    xs[0] = xs[1]
    return xs
""",
    "a sum that a store changes": """
def f(xs: Array) -> Array:
    requires(len(xs) > 1 and xs[0] < 3)
    ensures(sum(xs) == sum(old(xs)))
    xs[0] += 1
    return xs
""",
    "a way out by break": """
def f(xs: Array, s: Word) -> Word:
    ensures(result == len(xs))
    i = 0
    while i < len(xs):
        invariant(i <= len(xs))
        decreases(len(xs) - i)
        if xs[i] == s:
            break
        i += 1
    return i
""",
    "a way back by continue": """
def f(n: Word) -> Word:
    ensures(result == n)
    total = 0
    for i in range(n):
        invariant(total == i)
        if i == 3:
            continue
        total += 1
    return total
""",
    "what has no meaning": """
def f(xs: Array) -> Word:
    ensures(xs[0] == xs[0])
    return 0
""",
    "the last round of a loop that counts down": """
def f(n: Word) -> Word:
    requires(n > 0)
    ensures(result == n)
    seen = 0
    for i in range(n - 1, 0, -1):
        invariant(seen == n - 1 - i)
        seen += 1
    return seen
""",
    "a new array in a loop": """
def f(xs: Array) -> Word:
    ensures(result == 1)
    ys = [0] * 1
    for i in range(len(xs)):
        ys = [0] * i
    return len(ys)
""",
    "a gcd that is too small": """
def f(a: Word, b: Word) -> Word:
    requires(a > 0)
    ensures((a % d == 0 and b % d == 0) == (result % d == 0) for d in range(1, a + 1))
    return 1
""",
    "an argument looked up too early": """
def bump(xs: Array) -> Word:
    requires(len(xs) == 1 and xs[0] < ~0)
    ensures(result == 0)
    ensures(xs[0] == old(xs)[0] + 1)
    xs[0] += 1
    return 0


def first(xs: Array, n: Word) -> Word:
    requires(len(xs) == 1)
    ensures(result == xs[0])
    return xs[0]


def f(xs: Array, k: Word) -> Word:
    requires(len(xs) == 1 and xs[0] < ~0)
    ensures(result == k // 2 if k < 6 else result == old(xs)[0])
    if k < 6:
        return k // 2
    return first(xs, bump(xs))
""",
    "a measure behind an effect": """
def up(xs: Array) -> Word:
    requires(len(xs) == 1 and xs[0] == 0)
    ensures(xs[0] == 1 and result == 1)
    xs[0] = 1
    return 1


def f(xs: Array, k: Word) -> Word:
    requires(len(xs) == 1 and xs[0] == 0)
    ensures(result == k // 2 if k < 6 else result == 77)
    if k < 6:
        return k // 2
    while up(xs):
        invariant(xs[0] == 0)
        decreases(xs[0])
        xs[0] = 0
    return 5
""",
    "an effect in the condition of a loop": """
def bump(xs: Array) -> Word:
    requires(len(xs) == 1 and xs[0] < ~0)
    ensures(result == old(xs)[0] + 1)
    ensures(xs[0] == old(xs)[0] + 1)
    xs[0] += 1
    return xs[0]


def f(xs: Array, k: Word) -> Word:
    requires(len(xs) == 1 and xs[0] == 0)
    ensures(result == k // 2 if k < 6 else result == 77)
    n = 0
    if k < 6:
        return k // 2
    while bump(xs) < 3:
        invariant(n == xs[0] and n < 6)
        decreases(6 - n)
        n += 1
    return xs[0]
""",
    "one name for all bound values": """
def f(xs: Array, ys: Array, d: Word) -> Word:
    requires(len(xs) == 2 and len(ys) == 2 and d > 1 and ys[0] == 0 and ys[1] == 1)
    requires(max(xs[k], 1) % d == ys[k] for k in range(len(xs)))
    ensures(result == d // 2 if d < 4 else result == 1)
    return d // 2
""",
}  # fmt: skip
WRONG |= FALSE


def text(name: str) -> str:
    return HEAD + WRONG[name]
