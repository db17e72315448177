"""False contracts, each of which a prover with one fault would prove, and the faults: each edit lets its contract through.

The prover is known right where it does not prove them, and proves the true ones beside them, which differ in what is
claimed alone. Named by the rows of `catalogue`; the checker is called by `laboratory`, the texts by the prover's tests.
"""

# The rows quote source text, whole.
# ruff: noqa: E501

from __future__ import annotations

from ncl.verify.contracts.proof import prove_function
from ncl.verify.contracts.search import search
from ncl.verify.engine.obligation import Outcome
from ncl.verify.mutation.laboratory import Edit, Fault

HEAD = "from ncl import Array, Word, decreases, ensures, invariant, old, permutation, program, requires, result\n"

_BUMP = """
def bump(xs: Array) -> Word:
    requires(len(xs) == 1 and xs[0] < ~0)
    ensures(result == old(xs)[0] + 1)
    ensures(xs[0] == old(xs)[0] + 1)
    xs[0] += 1
    return xs[0]
"""

# By what a careless prover overlooks: (what the text is, a false claim in place of CLAIM, a true one).
CLAIMS: dict[str, tuple[str, str, str]] = {
    "what the condition of a loop writes": (
        _BUMP + """

def f(xs: Array) -> Word:
    requires(len(xs) == 1 and xs[0] == 0)
    CLAIM
    n = 0
    while bump(xs) < 3:
        invariant(n == xs[0] and n < 3)
        decreases(3 - n)
        n += 1
    return xs[0]
""", "ensures(result == 7)", "ensures(result == 3)"),
    "a measure taken after the condition has changed it": ("""
def up(xs: Array) -> Word:
    requires(len(xs) == 1 and xs[0] == 0)
    ensures(xs[0] == 1 and result == 1)
    xs[0] = 1
    return 1


def f(xs: Array, k: Word) -> Word:
    requires(len(xs) == 1 and xs[0] == 0)
    ensures(result == k // 2 if k < 6 else result == 7)
    if k < 6:
        return k // 2
    while up(xs):
        invariant(xs[0] == 0 and k > 3)
        CLAIM
        xs[0] = 0
        k -= 1
        if k < 4:
            return 7
    return 5
""", "decreases(xs[0])", "decreases(k)"),
    "an argument that a later one writes": (
        _BUMP + """

def first(xs: Array, n: Word) -> Word:
    requires(len(xs) == 1)
    ensures(result == xs[0])
    return xs[0]


def f(xs: Array) -> Word:
    requires(len(xs) == 1 and xs[0] < ~0)
    CLAIM
    return first(xs, bump(xs))
""", "ensures(result == old(xs)[0])", "ensures(result == old(xs)[0] + 1)"),
    "a quantifier's variable named outside of it": ("""
def f(xs: Array, ys: Array, d: Word) -> Word:
    requires(len(xs) == 2 and len(ys) == 2 and d > 1 and ys[0] == 0 and ys[1] == 1)
    requires(max(xs[k], 1) % d == ys[k] for k in range(len(xs)))
    CLAIM
    return max(xs[0], 1) % d
""", "ensures(result == 1)", "ensures(result == ys[0])"),
    "a sum that is a word on one path, stored": ("""
def f(xs: Array, n: Word) -> Word:
    requires(len(xs) == 1)
    CLAIM
    if n < 5:
        xs[0] = n + 1
        return xs[0]
    return n + 1
""", "ensures(result == n + 1)", "ensures(result == (n + 1 if n < ~0 else 0))"),
    "a sum that is a word on one path, to fill an array": ("""
def f(n: Word) -> Word:
    CLAIM
    if n < 5:
        xs = [n + 1] * 1
        return xs[0]
    return n + 1
""", "ensures(result == n + 1)", "ensures(result == (n + 1 if n < ~0 else 0))"),
    "a difference that is a word on one path, under bits": ("""
def f(a: Word, b: Word, c: Word) -> Word:
    CLAIM
    if a >= b:
        return (a - b) & c
    return a - b
""", "ensures(result <= a - b)", "ensures(result <= (a - b if a >= b else ~0))"),
    "a difference that is a word on one path, in a product": ("""
def f(a: Word, b: Word) -> Word:
    CLAIM
    if a >= b:
        return (a - b) * 5
    return a - b
""", "ensures(result == 5 * (a - b) or 5 * (a - b) > ~0)",
     "ensures(result == 5 * (a - b) or 5 * (a - b) > ~0 or a < b)"),
    "a difference that is a word on one path, in a sum of elements": ("""
def f(xs: Array, a: Word, b: Word) -> Word:
    requires(len(xs) == 1)
    CLAIM
    if a >= b:
        xs[0] = a - b
        return xs[0]
    return a - b
""", "ensures((result == a - b or a >= b) and sum(xs) >= 0)", "ensures((result == a - b or a < b) and sum(xs) >= 0)"),
    "a measure of a function without a meaning": ("""
def f(xs: Array, n: Word) -> Word:
    requires(n < 4)
    ensures(result == 0)
    CLAIM
    if n == 0:
        return 0
    return f(xs, n - 1)
""", "decreases(xs[0] - xs[0] + n)", "decreases(n)"),
    "a measure without a meaning of a loop that does no round": ("""
def f(xs: Array, n: Word) -> Word:
    ensures(result == 0)
    while n < len(xs):
        CLAIM
        n += 1
    return 0
""", "decreases(len(xs) - n + xs[0] - xs[0])", "decreases(len(xs) - n)"),
    "a slice that begins behind the first element": ("""
def f(xs: Array) -> Array:
    requires(len(xs) > 1)
    CLAIM
    xs[0], xs[1] = xs[1], xs[0]
    return xs
""", "ensures(permutation(result[1:], old(xs)[1:]))", "ensures(permutation(result[0:], old(xs)[0:]))"),
}  # fmt: skip

FALSE = {name: text.replace("CLAIM", false) for name, (text, false, _) in CLAIMS.items()}
TRUE = {name: text.replace("CLAIM", true) for name, (text, _, true) in CLAIMS.items()}


def contract(name: str) -> Outcome:
    """The prover's word on one false contract, against a run that breaks it."""
    from ncl.language.parse import parse_text

    function = parse_text(HEAD + FALSE[name], "f.py", "f")[0]
    proof, found = prove_function(function), search(function, 0).found
    if found is None:
        return Outcome("vacuous", "runs", detail="no run breaks the contract")
    if proof.complete:
        return Outcome("refuted", "runs", detail=f"proved, and {found.arguments} breaks it: {found.breach}")
    return Outcome("tested", "runs", "1 false contract", detail=proof.description)


_PATHS, _WORDS = "ncl/verify/contracts/paths.py", "ncl/verify/contracts/expressions.py"
_TERMS, _ALGEBRA = "ncl/verify/contracts/terms.py", "ncl/verify/contracts/algebra.py"
_SPEECH = "ncl/verify/contracts/clauses.py"


def _fault(id: str, name: str, *edits: tuple[str, str, str]) -> Fault:
    return Fault(
        id, "verifier", tuple(Edit(*e) for e in edits), "ncl.verify.mutation.contract_faults:contract", (name,)
    )


_MEASURE = "        measure = self.measured(statement.contract.decreases, head, self.clauses(head))\n"
_TEST = "        test, head = self.condition(statement.condition, head)\n"
FAULTS: tuple[Fault, ...] = (
    _fault("what the condition of a loop writes is not forgotten", "what the condition of a loop writes",
           (_PATHS, "again = (loop,) if isinstance(loop, While) else loop.body", "again = loop.body")),
    _fault("a measure is taken after the condition", "a measure taken after the condition has changed it",
           (_PATHS, _MEASURE + _TEST, _TEST + _MEASURE)),
    _fault("arrays are passed as they are before the words of a call", "an argument that a later one writes",
           (_WORDS, "        outer: dict[str, str] = {}\n", "        outer: dict[str, str] = {}\n        first = state\n"),
           (_WORDS, "arrays = {parameter: state.arrays[argument] for", "arrays = {parameter: first.arrays[argument] for")),
    _fault("one name for all values of a bound variable", "a quantifier's variable named outside of it",
           (_TERMS, "        if ground:\n            x, m = self._simple(x), self._simple(m)\n", "        x, m = self._simple(x), self._simple(m)\n")),
    _fault("what is stored is taken for a word on every path", "a sum that is a word on one path, stored",
           (_TERMS, "        return z3.is_select(term)\n", "        return True\n")),
    _fault("bounds of bit operations hold on every path", "a difference that is a word on one path, under bits",
           (_ALGEBRA, "self.learned.extend(bound.get(operator, []))", "self.world.axioms.extend(bound.get(operator, []))")),
    _fault("what a product is holds on every path", "a difference that is a word on one path, in a product",
           (_ALGEBRA, "self.learned.append(z3.Implies(", "self.world.axioms.append(z3.Implies(")),
    _fault("a measure of a function may have no meaning", "a measure of a function without a meaning",
           (_PATHS, '        self.claim("decreases-meaning", measure.position', '        self.claim("decreases-meaning", measure.position) if False else (measure.position')),
    _fault("elements in front of a slice are counted", "a slice that begins behind the first element",
           (_SPEECH, "if z3.is_int_value(start) and start.as_long() == 0:", "if z3.is_int_value(start):")),
)  # fmt: skip
