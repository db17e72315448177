"""Small programs in which a compiler could go wrong, and inputs that make them show it. Literals fit in three bits."""

import random
from copy import copy
from functools import cache
from itertools import islice
from math import prod

from ncl import library
from ncl.errors import LanguageError
from ncl.language.parse import parse_text
from ncl.language.program import Sizes
from ncl.language.syntax import Function
from ncl.language.typecheck import check_width

SOURCE = """
def break_in_nested_loops(n: Word, m: Word) -> Word:
    total = 0
    for i in range(n):
        j = m
        while True:
            if j == i:
                break
            if j > 5:
                total += 1
                j = 0
                continue
            j += 1
            total += j
            if total > 6:
                break
        if total & 1:
            continue
        total += i
    return total


def loop_variable_used_behind(xs: Array, s: Word) -> Word:
    i = ~0
    for i in range(len(xs)):
        if xs[i] == s:
            break
    return i


def loop_variable_overwritten(n: Word) -> Word:
    total = 0
    for i in range(n):
        i = i * i
        total += i
    return total


def bounds_overwritten(n: Word) -> Word:
    for n in range(n, n + n):
        n += n
    return n


def bounds_of_the_loop_variable(n: Word) -> Word:
    i = n
    total = 0
    for i in range(i, i + 3, i):
        total += i
    return total


def falling(n: Word, m: Word) -> Word:
    total = 0
    for i in range(n, m, -1):
        total = total * 2 + i
    for i in range(n, m, -3):
        total = total * 2 + i
    return total


def falling_to_zero(n: Word) -> Word:
    total = 1
    for i in range(n - 1, -1, -1):
        total = total * 3 + i
    for i in range(n, -1, -2):
        total = total * 3 + i
    for i in range(n - 1, -1, -7):
        total = total * 3 + i
    for i in range(n, -1, -1):
        total = total * 3 + i
    return total


def falling_from_a_difference(n: Word, m: Word) -> Word:
    total = 1
    for i in range(n - m, -1, -1):
        n = total
        total = total * 3 + i
    for i in range(n // m - total % m, -1, -2):
        total = total * 3 + i
    return total


def rising(n: Word, m: Word, step: Word) -> Word:
    total = 1
    for i in range(n, m, step):
        total = total * 3 + i
    return total


def rising_at_the_top(n: Word) -> Word:
    total = 1
    for i in range(n, ~0, 2):
        total = total * 3 + i
    for i in range(~2, ~0):
        total = total * 3 + i
    return total


def short_circuits_that_trap(xs: Array, n: Word) -> Word:
    if n < len(xs) and xs[n] or 4 // n > 2 and xs[0]:
        return 1
    if not (n or xs[5 // n]):
        return 2
    return n and xs[n - 1] or 6 % n


def short_circuits_into_their_own_variable(n: Word, m: Word) -> Word:
    n = n and m and n - 1 or m
    m = m or n or not m
    n = (n or m) and (m and n)
    return n * 3 + m


def nested_short_circuits(a: Word, b: Word, c: Word) -> Word:
    x = (a or b) and (b or c) and not (a and b and c)
    y = a < b or not b <= c and (a == c or c)
    while x and not (y and a):
        x -= 1
        a += 1
    return x * 4 + y * 2 + (a and 1)


def branch_on_a_parameter(n: Word, xs: Array) -> Word:
    assert not n or xs[0]
    if n:
        return xs[n - 1]
    while n < 2:
        n += 1
    return n + len(xs)


def swap_elements(xs: Array, i: Word, j: Word) -> Array:
    xs[i], xs[j] = xs[j], xs[i]
    return xs


def swap_with_indices(xs: Array, i: Word) -> Array:
    i, xs[i], i = xs[0], i, xs[i]
    xs[i & 1], xs[xs[0] & 1] = xs[1], i
    return xs


def rotate_variables(a: Word, b: Word, c: Word) -> Word:
    for i in range(4):
        a, b, c = b, c, a + i
    return a * 4 + b * 2 + c


def augmented_elements(xs: Array, n: Word) -> Array:
    xs[n] += xs[0]
    xs[xs[n] & 1] -= n
    xs[0] *= xs[n] + xs[0]
    xs[1] //= xs[n]
    xs[1] <<= xs[0] & 1
    return xs


def elements_in_elements(xs: Array) -> Word:
    xs[xs[0] & 1] = xs[xs[xs[0] & 1] & 1]
    return xs[xs[xs[0] & 1] & 1] * 2 + xs[0]


def all_operators(n: Word, m: Word) -> Word:
    a = (n + m) ^ (n - m) * 3
    b = (n | 5) // (m & 3) + n % (m | 1)
    c = (n << m) + (n >> (m & 1)) + ~n
    d = (n < m) + (n <= m) * 2 + (n > m) * 4
    e = (n >= m) + (n == m) * 2 + (n != m) * 4
    return a + b * 2 + c * 3 + d * 5 + e * 7


def comparisons_of_trapping_sides(xs: Array, n: Word) -> Word:
    return (4 // n > xs[n]) + (xs[0] >= 6 % n)


def arrays_made_on_one_path(xs: Array, n: Word) -> Array:
    ys = [n] * 2
    if n & 1:
        ys = [1] * len(xs)
        if n > 2:
            xs = [2] * 1
    else:
        zs = ys[0]
        xs[0] = zs
    ys[0] += xs[0]
    return ys


def arrays_made_in_a_loop(n: Word) -> Array:
    xs = [0] * 0
    for i in range(n):
        xs = [i] * (i & 1)
    return xs


def parameters_replaced(xs: Array, ys: Array) -> Array:
    zs = xs[0]
    xs = [zs] * 2
    ys[0] = xs[1]
    xs[0] = ys[0] + len(ys)
    return xs


def second_array(xs: Array, ys: Array) -> Array:
    for i in range(len(xs)):
        ys[i] += xs[i]
    return ys


def result_far_from_its_register(a: Word, b: Word, xs: Array, c: Word) -> Array:
    if a:
        xs[b] = c
        return xs
    zs = [c] * b
    return zs


def many_variables(a: Word, b: Word) -> Word:
    c, d, e = a + b, a - b, a * b
    f, g, h = c ^ d, d | e, e & c
    i, j, k = f + g, g + h, h + f
    for n in range(3):
        c, d, e = d + i, e + j, c + k
        f += c * d
        g -= d ^ e
        h ^= e + f
        if f < g:
            i, j = j, i
        else:
            k += n
    return a + b * 2 + c * 3 + d * 5 + e * 7 + f + g * 2 + h * 3 + i * 5 + j * 7 + k


def returns_everywhere(n: Word) -> Word:
    while n:
        if n == 1:
            return 7
        for i in range(n):
            if i == 2:
                return i + n
            elif i > n:
                return 1
        n -= 1
    return 0


def empty_branches(n: Word) -> Word:
    if n:
        pass
    else:
        pass
    while n > 3:
        n -= 1
        if n:
            pass
    for i in range(n):
        pass
    return n


def starts_with_a_loop(n: Word) -> Word:
    while n > 4:
        n -= 2
    while n > 1:
        n -= 1
    return n


def asserts(n: Word, m: Word) -> Word:
    assert n < 6
    assert n and m or not n, "both or none"
    assert not (n == m and n > 2)
    return n + m


def ends_in_an_assert(n: Word) -> Word:
    while n:
        n -= 1
        if n == 2:
            assert False
        else:
            n -= n > 4
    return n


def fibonacci(n: Word) -> Word:
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def even(n: Word) -> Word:
    return 1 if n == 0 else odd(n - 1)


def odd(n: Word) -> Word:
    return 0 if n == 0 else even(n - 1)


def values_kept_over_calls(xs: Array, n: Word) -> Word:
    a, xs[even(n)], n = xs[0] + even(xs[0]) * n, n + odd(n), even(a_trap(n, xs))
    xs[odd(a)] -= n + even(a)
    for i in range(even(n), n + odd(n), 1 + even(0)):
        a += xs[odd(i)] - i * even(i) + a * odd(a)
    return min(n, even(n), a) + max(odd(a), xs[0]) * 3 + abs(a - even(n))


def a_trap(n: Word, xs: Array) -> Word:
    assert n < 7
    return 6 // n + xs[n & 1]


def swapped_in_a_call(xs: Array, i: Word, j: Word) -> Array:
    xs[i], xs[j] = xs[j], xs[i]
    return xs


def reversed_by_calls(xs: Array) -> Array:
    for i in range(len(xs) // 2):
        if i & 1:
            xs = swapped_in_a_call(xs, i, len(xs) - 1 - i)
        else:
            swapped_in_a_call(xs, i, len(xs) - 1 - i)
    return xs


def filled(c: Word, n: Word) -> Array:
    us = [c] * n
    return us


def arrays_of_calls(n: Word, m: Word) -> Array:
    ys = filled(n, m)
    for i in range(even(n) + 1):
        zs = filled(i, n & 3)
        us = [i] * scratch(n & 3)
        if len(zs) > 1:
            ys = filled(zs[1] + len(us), 2)
    ys[0] += n
    return ys


def scratch(n: Word) -> Word:
    us = [n] * n
    return len(us) + n


def arguments_change_places(a: Word, b: Word, c: Word) -> Word:
    if a > 5 or c > 5:
        return a + b
    return arguments_change_places(b + 1, c, a + 1) * 2 + arguments_change_places(c + 2, a, b)


def ackermann(m: Word, n: Word) -> Word:
    if m == 0:
        return n + 1
    if n == 0:
        return ackermann(m - 1, 1)
    return ackermann(m - 1, ackermann(m, n - 1))


def chains(a: Word, b: Word, xs: Array) -> Word:
    if a < b <= xs[0] < 6 // b:
        return 1
    while not 1 <= a < b != 5:
        a, b = b, a + 1 if a < 5 else 3
        if b == 0:
            break
    return (a < b < 7) + (a == b == 0) * 2 + (1 < xs[a & 1] <= odd(b) <= 1) * 4


def conditionals(a: Word, b: Word, xs: Array) -> Word:
    a = a if a < b else b if b else xs[0]
    b = (a if b else b) if (a and b if a > 2 else a or b) else odd(a if xs[0] else b)
    a += xs[0 if a < b else len(xs) - 1] if len(xs) else 1
    return 6 // (a if b > a else b) if a or b else 7


def builtins(a: Word, b: Word, c: Word) -> Word:
    x = min(a, b) + max(b, c) * 2 + min(a, b, c) * 3 + max(a, b, c) * 5
    return x + abs(a - b) * 7 + abs(min(a, c) - max(b, 3)) + max(a, odd(c)) * abs(a - c)


def calls_in_a_loop(xs: Array, n: Word) -> Word:
    total = 0
    while even(n) or n > len(xs):
        for i in range(len(xs)):
            if odd(xs[i]) and not even(i):
                continue
            if odd(total):
                break
            total += i + even(xs[i])
        n -= 1
        assert odd(1)
    return total * 2 + n


def unused(a: Word, xs: Array, b: Word) -> Word:
    c = xs[0] // b
    d = [c] * a
    return 5
"""

# Of the library, what is unlike the programs above. That all of it is compiled right is proved (tests/verify).
LIBRARY = ("reverse", "copy", "count", "running_count", "stack", "insertion_sort", "modsum", "quicksort", "components")


@cache
def functions() -> dict[str, Function]:
    """The programs above and these of the library, by name."""
    nodes = [line.split("(")[0][4:] for line in SOURCE.splitlines() if line.startswith("def ")]
    found = {name: parse_text(SOURCE, "tricky.py", name)[0] for name in nodes}
    return found | {name: library.get(name) for name in LIBRARY}


def fits(function: Function, width: int) -> bool:
    """Whether all its literals are words of this width."""
    try:
        for one in function.program.values():
            check_width(one, width)
    except LanguageError:
        return False
    return True


def sizes(width: int, registers: int) -> Sizes:
    return Sizes(width=width, registers=registers, memory=min(24, 1 << width), frame=400, depth=8)


def register_counts(function: Function) -> tuple[int, ...]:
    """The fewest registers that will do, a few more, and the usual number."""
    least = max(3, *(f.signature.argument_registers for f in function.program.values()))
    return least, least + 2, 16


def inputs(function: Function, machine: Sizes, most: int) -> list[list]:
    """Arguments near every edge, a fixed choice of at most so many."""
    top = (1 << machine.width) - 1
    words = list(dict.fromkeys([0, 1, 2, 3, 4, 5, 7, top - 1, top]))
    words = [word for word in words if word <= top]
    arrays = [[], [0], [1], [top], [3, 1], [1, 0], [0, 3, 1], [2, 2, top], [4, 0, 1]]
    arrays += [] if machine.width < 8 else [[5, 4, 3, 2, 1, 0], [0, top, 3, top, top, 7, 1], [9, 7, 9, 7]]
    choices = [words if p.sort == "word" else arrays for p in function.signature.parameters]
    count = prod(map(len, choices))
    drawn = (_chosen(choices, number) for number in random.Random(7).sample(range(count), min(count, 20 * most)))
    fit = (row for row in drawn if sum(len(v) for v in row if isinstance(v, list)) <= machine.memory)
    return list(islice(fit, most))


def _chosen(choices: list[list], number: int) -> list:
    """The row of this number among all, one of each choice."""
    row = []
    for choice in choices:
        number, place = divmod(number, len(choice))
        row.append(copy(choice[place]))
    return row
