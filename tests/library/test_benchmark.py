"""The fifteen tasks of Neural Networks and the Chomsky Hierarchy, in its conventions, against Python's own numbers.

Strings are drawn as the benchmark draws them, at lengths from nothing to 500.
"""

import math
import random
from collections import Counter
from itertools import pairwise

import pytest

import ncl
from ncl import library
from ncl.errors import LanguageError

LENGTHS = (0, 1, 2, 3, 4, 5, 8, 13, 40, 121, 500)
SAMPLES = 6
BITS = (0, 1)


# --- strings as the benchmark draws them -----------------------------------------------------------------------------


def of(symbols):
    return lambda chance, length: [chance.choice(symbols) for _ in range(length)]


def expression(chance, length):
    """Digits in odd places and operators in even ones: one symbol less where the length is even."""
    return [chance.choice((5, 6, 7)) if k % 2 else chance.randrange(5) for k in range(length - (length % 2 == 0))]


def nested(chance, length, operators, opens, closes):
    """d, -d, (d), (-d), or two such in brackets with an operator between them."""
    digit = chance.randrange(5)
    if length < 5:
        return [[digit], [6, digit], [opens, digit, closes], [opens, 6, digit, closes]][length - 1]
    left = chance.randint(1, length - 4)
    parts = [nested(chance, n, operators, opens, closes) for n in (left, length - 3 - left)]
    return [opens, *parts[0], chance.choice(operators), *parts[1], closes]


def brackets(chance, length):
    return nested(chance, length, (5, 6, 7), 8, 9) if length else []


def equation(chance, length):
    """One digit of an expression is the unknown; fewer than three symbols hold no equation."""
    if length < 3:
        return [0] * length
    left = nested(chance, length - 2, (5, 6), 7, 8)
    right = value(left, 7, 8)
    left[chance.choice([k for k, token in enumerate(left) if token < 5])] = 9
    return [*left, 10, right]


def actions(chance, length):
    height = chance.randint(min(1, length), length)
    return [chance.choice(BITS) for _ in range(height)] + [chance.choice((2, 3, 4)) for _ in range(length - height)]


def two_numbers(chance, length):
    if length < 3:
        return [chance.choice(BITS) for _ in range(length)]
    tokens = [chance.choice(BITS) for _ in range(length)]
    tokens[chance.randint(1, length - 2)] = 2
    return tokens


def one_missing(chance, length):
    if length < 2:
        return [1] * length
    half = [chance.choice(BITS) for _ in range(length // 2)]
    tokens = half + half + [3] * (length % 2)
    tokens[chance.randrange(2 * len(half))] = 2
    return tokens


DRAWN = {
    "even_pairs": of(BITS),
    "parity_check": of(BITS),
    "cycle_navigation": of((0, 1, 2)),
    "modular_arithmetic": expression,
    "modular_arithmetic_brackets": brackets,
    "solve_equation": equation,
    "reverse_string": of(BITS),
    "stack_manipulation": actions,
    "binary_addition": two_numbers,
    "binary_multiplication": two_numbers,
    "compute_sqrt": of(BITS),
    "duplicate_string": of(BITS),
    "missing_duplicate_string": one_missing,
    "odds_first": of(BITS),
    "bucket_sort": of(range(5)),
}


# --- the tasks in Python ---------------------------------------------------------------------------------------------


def sum_of_products(tokens):
    """Signed terms, each a product: with operators 5, 6, 7."""
    total, sign, term = 0, 1, []
    for token in [*tokens[: len(tokens) - (len(tokens) % 2 == 0)], 5]:
        if token in (5, 6):
            total += sign * math.prod(term) if term else 0
            sign, term = 11 - 2 * token, []
        elif token != 7:
            term.append(token)
    return total % 5


def value(tokens, opens=8, closes=9, times=7):
    """By recursive descent, on whole numbers: sum → term → factor."""
    rest = list(reversed(tokens))

    def factor():
        token = rest.pop()
        if token == 6:
            return -factor()
        if token == opens:
            inner = total()
            assert rest.pop() == closes
            return inner
        assert token < 5
        return token

    def term():
        product = factor()
        while opens == 8 and rest and rest[-1] == times:
            rest.pop()
            product *= factor()
        return product

    def total():
        whole = term()
        while rest and rest[-1] in (5, 6):
            whole += (1 if rest.pop() == 5 else -1) * term()
        return whole

    result = total() if tokens else 0
    assert not rest
    return result % 5


def solution(tokens):
    """The only x that solves it, by trying."""
    if len(tokens) < 3:
        return 0
    left = tokens[:-2]
    found = [x for x in range(5) if value([x if t == 9 else t for t in left], 7, 8) == tokens[-1]]
    assert len(found) == 1 and tokens[-2] == 10
    return found[0]


def popped(tokens):
    stack = []
    for token in tokens:
        if token != 2:
            stack.append(token % 3)
        elif stack:
            stack.pop()
    return [*reversed(stack), 2, *[0] * (len(tokens) - len(stack))]


def number(bits):
    return int("".join(map(str, reversed(bits))) or "0", 2)


def ended(result, length):
    """Digits, the lowest first, then 2, then zeros, cut to the length."""
    return [*map(int, reversed(f"{result:b}")), 2, *[0] * length][:length]


def operands(tokens):
    at = tokens.index(2) if 2 in tokens else len(tokens)
    return number(tokens[:at]), number(tokens[at + 1 :])


def product(tokens):
    # The benchmark has no digit at length 1.
    return ended(math.prod(operands(tokens)), len(tokens)) if len(tokens) != 1 else [2]


def root(tokens):
    n = (len(tokens) + 1) // 2
    return [int(d) for d in f"{math.isqrt(number(tokens[::-1])):b}".zfill(n)] if n else []


def missing(tokens):
    half = len(tokens) // 2
    pairs = [*zip(tokens[:half], tokens[half:])]
    return next((a + b - 2 for a, b in pairs if 2 in (a, b)), 0)


MEANINGS = {
    "even_pairs": lambda t: sum(a != b for a, b in pairwise(t)) % 2,
    "parity_check": lambda t: Counter(t)[1] % 2,
    "cycle_navigation": lambda t: (Counter(t)[2] - Counter(t)[0]) % 5,
    "modular_arithmetic": sum_of_products,
    "modular_arithmetic_brackets": value,
    "solve_equation": solution,
    "reverse_string": lambda t: t[::-1],
    "stack_manipulation": popped,
    "binary_addition": lambda t: ended(sum(operands(t)), len(t)),
    "binary_multiplication": product,
    "compute_sqrt": root,
    "duplicate_string": lambda t: t + t,
    "missing_duplicate_string": missing,
    "odds_first": lambda t: t[1::2] + t[::2],
    "bucket_sort": sorted,
}


def test_every_task_is_drawn_as_the_benchmark_does():
    assert set(DRAWN) == set(MEANINGS)


@pytest.mark.parametrize("name", MEANINGS)
def test_strings_of_every_length_to_500_have_the_answer_that_python_has(name):
    chance = random.Random(name)
    batch = [[DRAWN[name](chance, length)] for length in LENGTHS for _ in range(SAMPLES)]
    for (tokens,), result in zip(batch, ncl.compile(name).run(batch), strict=True):
        assert result.trap is None
        assert result.result == MEANINGS[name](tokens), tokens


@pytest.mark.parametrize("name", MEANINGS)
def test_short_strings_have_the_answer_that_python_has(name):
    """Drawn often enough to meet nearly each of the shortest; and at the narrowest width the answer is the same."""
    chance = random.Random(f"short {name}")
    batch = [[DRAWN[name](chance, length)] for length in range(11) for _ in range(80)]
    expected = [MEANINGS[name](tokens) for (tokens,) in batch]
    assert [r.result for r in ncl.compile(name).run(batch)] == expected
    assert [r.result for r in ncl.compile(name, width=5).run(batch)] == expected


@pytest.mark.parametrize("name", ["modular_arithmetic_brackets", "solve_equation"])
def test_brackets_may_be_nested_as_deep_as_the_string_is_long(name):
    deep = name == "modular_arithmetic_brackets"
    opens, closes = (8, 9) if deep else (7, 8)
    tokens = [2 if deep else 9]
    while len(tokens) < 490:
        tokens = [opens, 3, 6, *tokens, closes] if len(tokens) % 8 == 1 else [opens, *tokens, 5, 4, closes]
    tokens += [] if deep else [10, 1]
    assert ncl.compile(name).run([[tokens]])[0].result == MEANINGS[name](tokens)


def mixed(chance, length, multiplies, opens, closes):
    """Sums and products without brackets around each, signs before values, brackets around anything."""
    if length < 2:
        return [chance.randrange(5)]
    match chance.randrange(4):
        case 0:
            return [6, *mixed(chance, 1, multiplies, opens, closes)]
        case 1:
            return [opens, *mixed(chance, length - 2, multiplies, opens, closes), closes]
    left = chance.randint(1, length - 1)
    parts = [mixed(chance, n, multiplies, opens, closes) for n in (left, length - left)]
    return [*parts[0], chance.choice((5, 6, 7) if multiplies else (5, 6)), *parts[1]]


def test_brackets_may_be_left_out_and_signs_stand_in_front_of_anything():
    chance = random.Random(5)
    batch = [[mixed(chance, chance.randint(1, 40), True, 8, 9)] for _ in range(200)]
    results = ncl.compile("modular_arithmetic_brackets").run(batch)
    assert [r.result for r in results] == [value(tokens) for (tokens,) in batch]
    equations = []
    for _ in range(200):
        left = mixed(chance, chance.randint(1, 40), False, 7, 8)
        right = value(left, 7, 8)
        left[chance.choice([k for k, token in enumerate(left) if token < 5])] = 9
        equations.append([[*left, 10, right]])
    assert [r.result for r in ncl.compile("solve_equation").run(equations)] == [solution(t) for (t,) in equations]


@pytest.mark.parametrize("name", ["binary_addition", "binary_multiplication"])
def test_numbers_may_be_empty_or_zero_and_carries_run_through_all_digits(name):
    batch = [[[1] * 250 + [2] + [1] * n] for n in (0, 1, 2, 100, 249, 250)]
    batch += [[[0] * n + [2] + [0] * m] for n in range(4) for m in range(4)]
    batch += [[[2] + [1] * 30], [[1] * 30 + [2]], [[1, 1, 1, 1, 2, 1, 0, 0, 0]]]
    assert [r.result for r in ncl.compile(name).run(batch)] == [MEANINGS[name](tokens) for (tokens,) in batch]


@pytest.mark.parametrize("n", [15, 16, 17, 99, 100, 4096, 10**40, 2**249 - 1])
def test_roots_are_exact_around_squares(n):
    code = ncl.compile("compute_sqrt")
    for square in (n * n - 1, n * n, n * n + 2 * n):
        tokens = [int(d) for d in f"{square:b}"]
        for front in ([], [0], [0, 0]):
            assert code.run([[front + tokens]])[0].result == root(front + tokens)


@pytest.mark.parametrize("name", MEANINGS)
def test_any_symbols_at_all_end_without_a_trap(name):
    chance = random.Random(f"any {name}")
    batch = [[[chance.choice([*range(12), 65535]) for _ in range(length)]] for length in (0, 1, 2, 3, 9) * 60]
    batch += [[[symbol] * 9] for symbol in range(12)]
    assert all(r.trap is None for r in ncl.compile(name).run(batch))


@pytest.mark.parametrize("name", MEANINGS)
def test_a_task_is_a_program_over_one_array_with_no_table_in_it(name):
    """No literal is larger than the largest symbol of the task: nothing is looked up or packed into words."""
    function = library.get(name)
    assert [p.sort for p in function.signature.parameters] == ["array"]
    width = 4 if name in ("modular_arithmetic_brackets", "solve_equation") else 3
    try:
        ncl.compile(name, width=width)
    except LanguageError as fault:  # pragma: no cover
        raise AssertionError(f"a literal larger than the symbols: {fault}") from fault
