"""Plausible contracts that do not hold, as people write them: off by one, overflow, a corner that was forgotten.

Each is false for some input that a search of a second should find. The last function of a text is the one asked about.
"""

# The rows quote source text, whole.
# ruff: noqa: E501

HEAD = """
from ncl import Array, Word, decreases, ensures, invariant, old, permutation, program, requires, result
"""

FALSE = {
    "a midpoint that overflows": """
def f(xs: Array, s: Word) -> Word:
    requires(sorted(xs))
    ensures(result == len(xs) or xs[result] == s)
    low = 0
    high = len(xs)
    while low < high:
        decreases(high - low)
        middle = (low + high) // 2
        if xs[middle] == s:
            return middle
        if xs[middle] < s:
            low = middle + 1
        else:
            high = middle
    return len(xs)
""",
    "a binary search that stops one early": """
def f(xs: Array, s: Word) -> Word:
    requires(sorted(xs) and len(xs) > 0)
    ensures(result < len(xs) and (xs[result] == s or all(x != x or xs[x] != s for x in range(len(xs)))))
    low = 0
    high = len(xs) - 1
    while low < high:
        middle = low + (high - low) // 2
        if xs[middle] < s:
            low = middle + 1
        else:
            high = middle - 1 if middle > 0 else 0
    return low
""",
    "an insertion index on the wrong side of equals": """
def f(xs: Array, s: Word) -> Word:
    requires(sorted(xs) and len(xs) < ~0)
    ensures(result <= len(xs) and all(xs[k] <= s for k in range(result)) and all(xs[k] > s for k in range(result, len(xs))))
    i = 0
    while i < len(xs) and xs[i] < s:
        i += 1
    return i
""",
    "an average of two": """
def f(a: Word, b: Word) -> Word:
    ensures(min(a, b) <= result <= max(a, b))
    return (a + b) // 2
""",
    "a sum that wraps only when long": """
def f(xs: Array) -> Word:
    requires(xs[k] <= ~0 // 4 for k in range(len(xs)))
    ensures(result == sum(xs))
    total = 0
    for i in range(len(xs)):
        total += xs[i]
    return total
""",
    "a difference taken for a distance": """
def f(a: Word, b: Word) -> Word:
    ensures(result == max(a, b) - min(a, b))
    return a - b if a - b < b - a else b - a
""",
    "a gcd of nothing": """
def f(a: Word, b: Word) -> Word:
    ensures(result > 0 and a % result == 0 and b % result == 0)
    while b != 0:
        a, b = b, a % b
    return a
""",
    "a factorial that overflows": """
def f(n: Word) -> Word:
    requires(n <= 9)
    ensures(result >= n)
    total = 1
    for i in range(1, n + 1):
        total *= i
    return total
""",
    "a partition that leaves equals behind": """
def f(xs: Array, p: Word) -> Word:
    ensures(permutation(xs, old(xs)))
    ensures(all(xs[k] < p for k in range(result)) and all(xs[k] > p for k in range(result, len(xs))))
    j = 0
    for i in range(len(xs)):
        if xs[i] < p:
            xs[i], xs[j] = xs[j], xs[i]
            j += 1
    return j
""",
    "a merge that drops what is equal": """
def f(xs: Array, ys: Array) -> Array:
    requires(sorted(xs) and sorted(ys) and len(xs) + len(ys) <= ~0)
    ensures(permutation(result, [*xs, *ys]))
    zs = [0] * (len(xs) + len(ys))
    i = 0
    j = 0
    for k in range(len(zs)):
        if j >= len(ys) or i < len(xs) and xs[i] < ys[j]:
            zs[k] = xs[i]
            i += 1
        else:
            zs[k] = ys[j]
            j += 1
            if i < len(xs) and j < len(ys) and xs[i] == ys[j]:
                i += 1
    return zs
""",
    "a run that the end cuts off": """
def f(xs: Array) -> Word:
    ensures(any(result == j - i for i in range(len(xs)) for j in range(len(xs) + 1)) or len(xs) == 0)
    ensures(len(xs) < 2 or result >= 2 or any(xs[k] != xs[k + 1] for k in range(len(xs) - 1)))
    best = 0
    now = 0
    for i in range(1, len(xs)):
        now = now + 1 if xs[i] == xs[i - 1] else 1
        best = max(best, now)
    return best
""",
    "a flag of three colours that looks once": """
def f(xs: Array) -> Array:
    requires(xs[k] <= 2 for k in range(len(xs)))
    ensures(sorted(result) and permutation(result, old(xs)))
    low = 0
    for i in range(len(xs)):
        if xs[i] == 0:
            xs[i], xs[low] = xs[low], xs[i]
            low += 1
    high = len(xs)
    for i in range(low, len(xs)):
        if xs[i] == 2 and i < high:
            high -= 1
            xs[i], xs[high] = xs[high], xs[i]
    return xs
""",
    "a largest slice that begins too late": """
def f(xs: Array) -> Word:
    requires(sum(xs) <= ~0)
    ensures(result >= sum(xs[k] for k in range(a, len(xs))) for a in range(len(xs)))
    best = 0
    here = 0
    for i in range(1, len(xs)):
        here += xs[i]
        best = max(best, here)
    return best
""",
    "a power that overflows": """
def f(b: Word, n: Word) -> Word:
    requires(b > 0)
    ensures(result >= b or n == 0)
    total = 1
    for i in range(n):
        total *= b
    return total
""",
    "a least common multiple whose product wraps": """
def f(a: Word, b: Word) -> Word:
    requires(a > 0 and b > 0)
    ensures(result % a == 0 and result % b == 0)
    x = a
    y = b
    while y != 0:
        x, y = y, x % y
    return a * b // x
""",
    "a sum of digits that forgets the last": """
def f(n: Word) -> Word:
    requires(n < 1000)
    ensures(result % 9 == n % 9)
    total = 0
    while n >= 10:
        total += n % 10
        n //= 10
    return total
""",
    "a pair that is one place twice": """
def f(xs: Array, s: Word) -> Word:
    ensures(result == 0 or any(xs[i] + xs[j] == s for i in range(len(xs)) for j in range(i + 1, len(xs))))
    for i in range(len(xs)):
        for j in range(i, len(xs)):
            if xs[i] + xs[j] == s:
                return 1
    return 0
""",
    "a leap year without its fourth century": """
def f(y: Word) -> Word:
    requires(1583 <= y < 3000)
    ensures(result == (y % 4 == 0 and (y % 100 != 0 or y % 400 == 0)))
    return y % 4 == 0 and y % 100 != 0
""",
    "prefix sums that begin one late": """
def f(xs: Array) -> Array:
    requires(sum(xs) <= ~0)
    ensures(result[k] == sum(old(xs)[:k + 1]) for k in range(len(xs)))
    for i in range(2, len(xs)):
        xs[i] += xs[i - 1]
    return xs
""",
    "a rotation that goes round once only": """
def f(xs: Array, k: Word) -> Array:
    requires(len(xs) > 0)
    ensures(result[(i + k) % len(xs)] == old(xs)[i] for i in range(len(xs)))
    ys = [0] * len(xs)
    for i in range(len(xs)):
        j = i + k
        ys[j % len(xs)] = xs[i]
    return ys
""",
    "a majority that nobody counted": """
def f(xs: Array) -> Word:
    requires(len(xs) > 0)
    ensures(2 * sum(xs[k] == result for k in range(len(xs))) > len(xs) or sum(xs[k] == result for k in range(len(xs))) > 1 or len(xs) < 4)
    lead = 0
    best = xs[0]
    for i in range(len(xs)):
        if lead == 0:
            best = xs[i]
            lead = 1
        elif xs[i] == best:
            lead += 1
        else:
            lead -= 1
    return best
""",
    "a rare number": """
def f(n: Word) -> Word:
    ensures(result == n)
    if n * 3 == 3 * 4242:
        return 0
    return n
""",
    "a square root at the top": """
def f(n: Word) -> Word:
    ensures(result * result <= n < (result + 1) * (result + 1))
    r = 0
    while (r + 1) * (r + 1) <= n and r < n:
        r += 1
    return r
""",
    "a ring that is full": """
def f(xs: Array, head: Word, count: Word) -> Word:
    requires(head < len(xs) and count <= len(xs))
    ensures(result == (head + count) % len(xs) if len(xs) > 0 else result == 0)
    at = head + count
    return at - len(xs) if at >= len(xs) else at
""",
    "a maximum of what is below the first": """
def f(xs: Array) -> Word:
    requires(len(xs) > 3)
    ensures(all(result >= xs[k] for k in range(len(xs))))
    best = 0
    for i in range(len(xs) - 1):
        best = max(best, xs[i])
    return best
""",
    "a second smallest among equals": """
def f(xs: Array) -> Word:
    requires(len(xs) >= 2)
    ensures(any(xs[k] == result for k in range(len(xs))) and sum(xs[k] < result for k in range(len(xs))) <= 1)
    low = ~0
    next_low = ~0
    for i in range(len(xs)):
        if xs[i] < low:
            next_low = low
            low = xs[i]
        elif xs[i] > low and xs[i] < next_low:
            next_low = xs[i]
    return next_low
""",
    "a price of more than 60 000": """
def f(amount: Word, percent: Word) -> Word:
    requires(amount >= 1000 and percent <= 100)
    ensures(result == amount * percent // 100)
    return amount * percent // 100
""",
    "two arrays that are each other's mirror": """
def f(xs: Array, ys: Array) -> Word:
    requires(len(xs) == len(ys) and len(xs) > 5 and all(xs[k] == ys[len(ys) - 1 - k] for k in range(len(xs))))
    ensures(result == (xs == ys))
    for i in range(len(xs) // 2 - 1):
        if xs[i] != ys[i]:
            return 0
    return 1
""",
    "an average of three": """
def f(a: Word, b: Word, c: Word) -> Word:
    requires(a <= ~0 - b)
    ensures(result <= max(a, max(b, c)))
    ensures(3 * result <= a + b + c)
    ensures(3 * result + 2 >= a + b + c)
    return (a + b + c) // 3
""",
    "a midpoint that overflows, for ever": """
def f(xs: Array, s: Word) -> Word:
    requires(sorted(xs))
    ensures(result == len(xs) or xs[result] == s)
    low = 0
    high = len(xs)
    while low < high:
        middle = (low + high) // 2
        if xs[middle] == s:
            return middle
        if xs[middle] < s:
            low = middle + 1
        else:
            high = middle
    return len(xs)
""",
    "a loop that does not always move on": """
def f(xs: Array) -> Word:
    ensures(result == len(xs))
    i = 0
    while i < len(xs):
        if xs[i] != 3:
            i += 1
    return i
""",
    "a call that passes on what it was passed": """
def gcd(a: Word, b: Word) -> Word:
    ensures(a + b == 0 or result > 0)
    if a == 0:
        return b
    return gcd(min(a, b), max(a, b) - min(a, b)) if a != b else gcd(a, b)


def f(a: Word, b: Word) -> Word:
    ensures(a + b == 0 or result > 0)
    return gcd(a, b)
""",
    "slices that end before they begin": """
def f(xs: Array, n: Word) -> Array:
    requires(len(xs) > 2)
    ensures(permutation(result[2:n], old(xs)[2:n]))
    xs[1], xs[2] = xs[2], xs[1]
    return xs
""",
}  # fmt: skip


def text(name: str) -> str:
    return HEAD + FALSE[name]
