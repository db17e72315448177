"""Shipped algorithms against what others have long got right: Python, SciPy. Lengths to 500; and few bits, where a word
that wraps would show."""

import bisect
import heapq
import math
import random

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.csgraph import dijkstra as shortest

import ncl
from ncl.language.opcodes import Trap

LENGTHS = (0, 1, 2, 3, 8, 33, 120, 500)
NARROW, SHORT = 5, 5  # bits of a word, and lengths at that width
TOP = 65535


# --- inputs that meet what the programs require: (chance, length, the largest word) -> arguments ----------------------


def some_words(chance, length, top):
    most = chance.choice([top, min(top, 3), min(top, length)])
    return [chance.randint(0, most) for _ in range(length)]


def listed(chance, length, top):
    return [some_words(chance, length, top)]


def symbol_wanted(chance, length, top):
    xs = some_words(chance, length, top)
    return [xs, chance.choice([*xs, chance.randint(0, top)])]


def linked(chance, length, top):
    """(values, nexts, nodes in order): all nodes in one list, laid out at random, the last followed by none."""
    order = chance.sample(range(length), length)
    nexts = [0] * length
    for p, following in zip(order, [*order[1:], chance.randint(length, top)]):
        nexts[p] = following
    return some_words(chance, length, top), nexts, order


def list_searched(chance, length, top):
    values, nexts, order = linked(chance, length, top)
    return [values, nexts, chance.choice([*order, length]), chance.choice([*values, chance.randint(0, top)])]


def counted_on(chance, length, top):
    values, nexts, order = linked(chance, length + 1, top)
    begin = chance.randrange(length + 1)
    return [values, nexts, order[begin], chance.randrange(length + 1 - begin)]


def tree(chance, length, top):
    keys = chance.sample(range(top + 1), min(length, top + 1))
    lefts, rights = [len(keys)] * len(keys), [len(keys)] * len(keys)
    for node, key in enumerate(keys[1:], 1):
        p = 0
        while True:
            side = lefts if key < keys[p] else rights
            if side[p] == len(keys):
                side[p] = node
                break
            p = side[p]
    return [keys, lefts, rights, 0, chance.choice([*keys, chance.randint(0, top)])]


def edges(chance, places, count):
    return [[chance.randrange(places) for _ in range(count)] for _ in range(2)]


def road_map(chance, length, top):
    n = chance.randint(1, length // 2 + 2)
    tails, heads = edges(chance, n, length)
    longest = (top - 1) // max(length, 1)  # their sum stays below the largest word
    return [tails, heads, [chance.randint(0, longest) for _ in range(length)], n, chance.randrange(n)]


def joined(chance, length, top):
    n = chance.randint(1, 2 * length + 2)
    return [*edges(chance, n, length), min(n, top)]


def up_to(least, most):
    """One word, from the smallest to the largest that the program takes."""
    return lambda chance, length, top: [chance.randint(least, most(length, top))]


# --- what is right ---------------------------------------------------------------------------------------------------


def along(nexts, head):
    while head < len(nexts):
        yield head
        head = nexts[head]


def fibonacci(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def distances(tails, heads, lengths, n, start, far=TOP):
    """SciPy's, on the shortest of parallel edges; it reads 0 as no edge, so that length is a little more."""
    best = np.full((n, n), np.inf)
    for tail, head, length in zip(tails, heads, lengths):
        best[tail, head] = min(best[tail, head], max(length, 1e-4))
    best[np.isinf(best)] = 0
    found = shortest(best, indices=start)
    return [far if math.isinf(d) else round(d) for d in found.tolist()]


def smallest_of_each(tails, heads, n):
    links = coo_array((np.ones(len(tails)), (tails, heads)), shape=(n, n))
    _, labels = connected_components(links, directed=False)
    return [int(np.flatnonzero(labels == label)[0]) for label in labels]


def bezout(a, b):
    g = math.gcd(a, b)
    x = 1 if b == 0 else pow(a // g, -1, b // g) or 1
    return [g, x, (a * x - g) // b if b else 0]


def prime(n):
    return int(n > 1 and all(n % d for d in range(2, math.isqrt(n) + 1)))


MEANINGS = {
    "access": (lambda xs, i: xs[i], lambda c, n, top: [some_words(c, n + 1, top), c.randrange(n + 1)]),
    "increment": (lambda xs: [x + 1 for x in xs], lambda c, n, top: listed(c, n, top - 1)),
    "swap": (
        lambda xs, i, j: [xs[{i: j, j: i}.get(k, k)] for k in range(len(xs))],
        lambda c, n, top: [some_words(c, n + 1, top), c.randrange(n + 1), c.randrange(n + 1)],
    ),
    "permute": (
        lambda xs, places: [xs[p] for p in places],
        lambda c, n, top: [some_words(c, n, top), c.sample(range(n), n)],
    ),
    "find": (lambda xs, s: [*xs, s].index(s), symbol_wanted),
    "list_search": (
        lambda values, nexts, head, s: next((p for p in along(nexts, head) if values[p] == s), len(values)),
        list_searched,
    ),
    "list_kth": (lambda values, nexts, head, k: values[list(along(nexts, head))[k]], counted_on),
    "tree_search": (lambda keys, lefts, rights, root, s: [*keys, s].index(s), tree),
    "binary_search": (
        lambda xs, s: xs.index(s) if s in xs else len(xs),
        lambda c, n, top: [sorted(c.sample(range(top + 1), min(n, top + 1))), c.randint(0, top)],
    ),
    "merge": (
        lambda xs, ys: list(heapq.merge(xs, ys)),
        lambda c, n, top: [sorted(some_words(c, n, top)), sorted(some_words(c, c.randint(0, n), top))],
    ),
    "bubble_sort": (sorted, listed),
    "quicksort": (sorted, listed),
    "heapsort": (sorted, listed),
    "mergesort": (sorted, listed),
    "dijkstra": (distances, road_map),
    "components": (smallest_of_each, joined),
    "fibonacci": (fibonacci, up_to(0, lambda length, top: min(length, 18 if top == TOP else 8))),
    "add_by_steps": (lambda a, b: a + b, lambda c, n, top: [a := c.randint(0, top), c.randint(0, top - a)]),
    "gcd": (math.gcd, lambda c, n, top: [c.randint(0, top), c.randint(1, top)]),
    "extended_gcd": (bezout, lambda c, n, top: [c.randint(1, top), c.randint(0, top)]),
    "mod_power": (
        pow,
        lambda c, n, top: [c.randint(0, top), c.randint(0, top), c.randint(1, math.isqrt(top) + 1)],
    ),
    "is_prime": (prime, up_to(0, lambda length, top: top)),
    "sieve": (lambda n: [prime(k) for k in range(n)], up_to(0, lambda length, top: min(top, 2 * length))),
}


@pytest.fixture(scope="module")
def compiled():
    return {name: ncl.compile(name) for name in MEANINGS}


@pytest.mark.parametrize("name", MEANINGS)
def test_an_algorithm_gives_what_others_give_at_every_length(name, compiled):
    chance = random.Random(name)
    right, arguments = MEANINGS[name]
    batch = [arguments(chance, length, TOP) for length in LENGTHS for _ in range(5)]
    for given, result in zip(batch, compiled[name].run(batch, executor="integer"), strict=True):
        assert result.trap is None, given
        assert result.result == right(*given), given


@pytest.mark.parametrize("name", MEANINGS)
def test_nothing_wraps_on_narrow_machines_under_what_is_required(name):
    chance = random.Random(f"{name}, narrow")
    right, arguments = MEANINGS[name]
    top = (1 << NARROW) - 1
    batch = [arguments(chance, length, top) for length in range(SHORT + 1) for _ in range(60)]
    for given, result in zip(batch, ncl.compile(name, width=NARROW).run(batch), strict=True):
        assert result.trap is None, given
        wanted = right(*given)
        if name == "dijkstra":
            wanted = right(*given, far=top)
        assert result.result == wanted, given


@pytest.mark.parametrize("name", MEANINGS)
def test_source_and_compiled_algorithm_agree_in_results_and_ticks(name, compiled):
    chance = random.Random(f"{name} again")
    batch = [MEANINGS[name][1](chance, length, TOP) for length in (2, 15)]
    expected = compiled[name].run(batch, executor="source", budget=20_000)
    got = compiled[name].run(batch, budget=20_000)
    assert all(a.same_meaning(b) for a, b in zip(got, expected, strict=True))


# --- what one program promises beyond its answer ---------------------------------------------------------------------


@pytest.mark.parametrize("xs", [list(range(500)), list(range(500, 0, -1)), [7] * 500, [n % 2 for n in range(500)]])
def test_sorting_by_recursion_needs_few_open_calls_whatever_the_list(xs):
    for name in ("quicksort", "mergesort"):
        (result,) = ncl.compile(name, depth=11).run([[xs]])
        assert result.result == sorted(xs)


def test_the_largest_fibonacci_number_that_is_a_word_is_reached():
    assert ncl.compile("fibonacci").run([[24]])[0].result == 46368
    assert ncl.compile("fibonacci", depth=2).run([[4]])[0].trap.kind is Trap.STACK


def test_a_bezout_identity_holds_without_wrapping_where_words_are_largest(compiled):
    for a, b in [(TOP, TOP - 1), (TOP - 1, TOP), (TOP, TOP), (46368, 28657), (TOP, 0), (1, TOP)]:
        g, x, y = compiled["extended_gcd"].run([[a, b]])[0].result
        assert g == math.gcd(a, b) and a * x == b * y + g
        assert x <= max(b, 1) and y <= a


def test_powers_are_right_up_to_the_modulus_that_is_allowed(compiled):
    batch = [[b, e, 256] for b in (2, 255, 65535) for e in (0, 1, 255, 65535)]
    assert [r.result for r in compiled["mod_power"].run(batch)] == [pow(*row) for row in batch]


def test_a_list_or_a_tree_that_runs_in_a_circle_is_left(compiled):
    assert compiled["list_search"].run([[[1, 2, 3], [1, 2, 0], 0, 9]])[0].result == 3
    assert compiled["tree_search"].run([[[5, 2], [1, 0], [0, 0], 0, 1]])[0].result == 2


def test_a_binary_search_looks_at_few_elements(compiled):
    xs = sorted(random.Random(0).sample(range(TOP), 500))
    for result, s in zip(compiled["binary_search"].run([[xs, s] for s in xs]), xs, strict=True):
        assert result.result == bisect.bisect_left(xs, s)
        assert result.ticks <= math.log2(len(xs)) + 2


def test_all_primes_that_are_words_are_known(compiled):
    words = [*range(0, TOP + 1, 97), TOP - 14, TOP]
    assert [r.result for r in compiled["is_prime"].run([[n] for n in words])] == [prime(n) for n in words]
    assert sum(compiled["sieve"].run([[4096]])[0].result) == 564
