"""Contracts are proved where they hold, refuted with an input where they do not, and never taken on trust."""

import dataclasses
from dataclasses import replace
from itertools import product

import pytest
import z3
from wrong_contracts import WRONG, text

from ncl import library
from ncl.language.parse import parse_text
from ncl.verify.certification.obligations import Claim, program_obligations
from ncl.verify.contracts import algebra, clauses, expressions, terms
from ncl.verify.contracts import paths as contracts_paths
from ncl.verify.contracts import proof as contracts_proof
from ncl.verify.contracts.check import check_contract
from ncl.verify.contracts.mutants import mutants
from ncl.verify.contracts.paths import Paths
from ncl.verify.contracts.proof import prove_function
from ncl.verify.contracts.search import search
from ncl.verify.contracts.strength import strength_of
from ncl.verify.engine import counterexample
from ncl.verify.mutation.contract_faults import HEAD, TRUE

CONTRACTS = [name for name in library.names() if library.get(name).contract]


def read(source):
    return parse_text(HEAD + source, "mine.py", "f")[0]


@pytest.fixture(scope="module")
def wrong():
    return {name: parse_text(text(name), "wrong.py", "f")[0] for name in WRONG}


@pytest.mark.parametrize("name", WRONG)
def test_a_broken_contract_is_refuted_with_an_input_that_replays(name, wrong, tmp_path):
    outcome = check_contract(wrong[name], 0)
    assert outcome.verdict == "refuted", outcome
    place = counterexample.write(outcome.counterexample, tmp_path, "contract/f")
    assert counterexample.replay(place).reproduced


def test_replay_runs_the_program_as_its_file_has_it_and_tells_its_lines(tmp_path):
    file, wrong = (
        tmp_path / "mine.py",
        HEAD + "@program\ndef f(n: Word) -> Word:\n    ensures(result == n)\n    return n + 1\n",
    )
    case = check_contract(parse_text(wrong, str(file), "f")[0], 0).counterexample
    place = counterexample.write(case, tmp_path, "contract/f")
    assert counterexample.replay(place).what.endswith("as recorded")
    file.write_text("\n\n\n" + wrong)
    again = counterexample.replay(place)
    assert again.reproduced and again.what.endswith("as mine.py has it now")
    assert f"line {case['breach']['line'] + 3}," in again.got
    file.write_text(wrong.replace("n + 1", "n"))
    assert not counterexample.replay(place).reproduced
    for other in (wrong.replace("n: Word", "n: Word, m: Word"), "this is no Python"):
        file.write_text(other)
        again = counterexample.replay(place)
        assert again.reproduced and again.what.endswith("as recorded")


@pytest.mark.parametrize("name", WRONG)
def test_a_broken_contract_is_not_proved(name, wrong):
    assert not prove_function(wrong[name]).complete


# --- broken provers: each lets some of them through ------------------------------------------------------------------


def deaf_to(kind):
    def plant(patch):
        claim = Paths.claim
        patch.setattr(Paths, "claim", lambda self, k, *rest: None if k == kind else claim(self, k, *rest))

    return plant


def skips_loops_that_stand_first(patch):
    whole = Paths.while_loop

    def skip(self, statement, state):
        return [state] if statement is self.function.body[0] else whole(self, statement, state)

    patch.setattr(Paths, "while_loop", skip)


def stays_at_the_top_of_the_words(patch):
    patch.setattr(algebra.Numbers, "add", lambda self, x, y: x + y)


def lets_differences_be_negative(patch):
    patch.setattr(algebra.Numbers, "subtract", lambda self, x, y: x - y)


def lets_products_grow(patch):
    patch.setattr(algebra.Numbers, "multiply", lambda self, x, y: x * y)


def takes_unknown_for_proved(patch):
    def proved(goal, world, _):
        return contracts_proof._solver(world, goal, 200, False).check() != z3.sat

    patch.setattr(contracts_proof, "proved", proved)


def forgets_what_loops_assign(patch):
    patch.setattr(contracts_paths, "words_in", lambda body: set())


def forgets_what_loops_store(patch):
    patch.setattr(contracts_paths, "arrays_in", lambda body: (set(), set()))


def forgets_what_loops_make_anew(patch):
    whole = contracts_paths.arrays_in
    patch.setattr(contracts_paths, "arrays_in", lambda body: (whole(body)[0], set()))


def forgets_what_callees_store(patch):
    patch.setattr(expressions, "writes", lambda function, name: False)


def forgets_breaks(patch):
    whole = Paths.round
    patch.setattr(Paths, "round", lambda self, *rest: [s for s in whole(self, *rest) if False])


def takes_callees_at_their_word(patch):
    whole = contracts_proof.Paths

    class Trusting(whole):
        def run(self):
            return super().run() if self.function.name == "f" else []

    patch.setattr(contracts_proof, "Paths", Trusting)


def chooses_one_element_for_all(patch):
    def closed(clauses, **changes):
        return replace(clauses, **{**changes, "open": ()} if "open" in changes else changes)

    patch.setattr(clauses, "replace", closed)


def keeps_counts_over_stores(patch):
    whole = terms.World.count

    def count(self, array, *rest):
        while array.before is not None:
            array = array.before
        return whole(self, array, *rest)

    patch.setattr(terms.World, "count", count)


def assumes_a_contradiction(patch):
    whole = terms.World.__post_init__

    def start(self):
        whole(self)
        self.axioms.append(self.half < 1)

    patch.setattr(terms.World, "__post_init__", start)


def begins_induction_anywhere(patch):
    whole = clauses.Clauses._smaller_ones

    def below(self, node, start, variable):
        return whole(self, node, start - 1, variable)

    patch.setattr(clauses.Clauses, "_smaller_ones", below)


def assumes_what_it_is_to_prove(patch):
    whole = clauses.Clauses._smaller_ones

    def upto(self, node, start, variable):
        return whole(self, node, start, variable + 1)

    patch.setattr(clauses.Clauses, "_smaller_ones", upto)


def takes_every_quotient_for_a_divisor(patch):
    whole = terms.World.divide

    def divide(self, x, m, ground):
        quotient, remainder = whole(self, x, m, ground)
        self.axioms.append(self.remainder(x, quotient) == 0)
        return quotient, remainder

    patch.setattr(terms.World, "divide", divide)


# Each fault with a program that it lets through.
BROKEN = [
    (deaf_to("invariant-entry"), "an invariant that does not hold at first"),
    (deaf_to("invariant-kept"), "an invariant that is not carried over"),
    (deaf_to("ensures"), "a loop that stands first"),
    (deaf_to("index"), "an index"),
    (deaf_to("division"), "a division"),
    (deaf_to("assert"), "an assert"),
    (deaf_to("call"), "what a callee requires"),
    (deaf_to("decreases"), "a measure that rises"),
    (deaf_to("decreases"), "a measure below 0"),
    (deaf_to("decreases"), "a recursion that does not fall"),
    (deaf_to("ensures-meaning"), "what has no meaning"),
    (deaf_to("decreases-meaning"), "a measure of a function without a meaning"),
    (deaf_to("decreases-meaning"), "a measure without a meaning of a loop that does no round"),
    (skips_loops_that_stand_first, "a loop that stands first"),
    (stays_at_the_top_of_the_words, "a sum that wraps"),
    (lets_differences_be_negative, "a difference that wraps"),
    (lets_products_grow, "a product that wraps"),
    (takes_unknown_for_proved, "a gcd that is too small"),
    (forgets_what_loops_assign, "a loop that stands first"),
    (forgets_what_loops_store, "what a loop stores"),
    (forgets_what_loops_make_anew, "a new array in a loop"),
    (forgets_what_callees_store, "what a callee stores"),
    (forgets_breaks, "a way out by break"),
    (takes_callees_at_their_word, "a callee that does not keep its own"),
    (chooses_one_element_for_all, "one element for all"),
    (begins_induction_anywhere, "an element that is what the one before it is"),
    (assumes_what_it_is_to_prove, "an element that is nothing in particular"),
    (takes_every_quotient_for_a_divisor, "a quotient that is no divisor"),
    (keeps_counts_over_stores, "an element lost"),
    (assumes_a_contradiction, "a sum that a store changes"),
]


@pytest.mark.parametrize("plant, program", BROKEN)
def test_a_broken_prover_is_noticed(plant, program, wrong, monkeypatch):
    plant(monkeypatch)
    assert prove_function(wrong[program]).complete


def test_the_lemmas_on_quotients_hold_for_all_small_numbers():
    """Each axiom, with what quotient and remainder are, for every choice of its variables."""
    small = [z3.IntVal(n) for n in range(6)]
    x, m = z3.Ints("x m")
    world = terms.World()
    world.divide(x, m, True)
    world.multiple(x, m)
    native = [(world.quotient, z3.Var(0, z3.IntSort()) / z3.Var(1, z3.IntSort())),
              (world.remainder, z3.Var(0, z3.IntSort()) % z3.Var(1, z3.IntSort()))]  # fmt: skip
    asked = world.axioms[1:]  # the first is about the width
    assert len(asked) > 10
    for axiom in asked:
        count = axiom.num_vars() if z3.is_quantifier(axiom) else 0
        body = z3.substitute_funs(axiom.body() if count else axiom, *native)
        for values in product(small, repeat=count):
            for a, b in product(small, small[1:]):
                told = z3.substitute(z3.substitute_vars(body, *values) if count else body, (x, a), (m, b))
                assert z3.is_true(z3.simplify(told)), (axiom, values, a, b)


FAULTS = (
    z3.Z3Exception("invalid pattern"), RecursionError(), KeyError("w"), AssertionError(), NotImplementedError()
)  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
@pytest.mark.parametrize("where", ["run", "proved"])
def test_a_prover_that_raises_is_a_gap_and_the_search_still_runs(fault, where, wrong, monkeypatch):
    def fails(*_):
        raise fault

    monkeypatch.setattr(Paths if where == "run" else contracts_proof, where, fails)
    told = prove_function(wrong["an assert"]).description
    assert "the prover failed: " + type(fault).__name__ in told
    assert check_contract(wrong["an assert"], 0).verdict == "refuted"
    kept = check_contract(library.get("reverse"), 0)
    assert kept.verdict == "proved-bounded" and "the prover failed" in kept.detail


@pytest.mark.parametrize("name", TRUE)
def test_what_is_true_beside_a_false_claim_is_proved(name):
    assert prove_function(read(TRUE[name])).description == ""


def test_a_slice_whose_end_may_lie_outside_is_no_trouble_for_patterns():
    source = "def f(xs: Array, n: Word) -> Word:\n    ensures(permutation(xs[:n], old(xs)[:n]))\n    return n\n"
    assert prove_function(read(source)).complete


def test_an_array_that_may_be_either_of_two_is_dropped_without_a_fault():
    either = "def g(xs: Array, ys: Array) -> Array:\n    ensures(len(ys) == len(old(ys)))\n"
    either += "    if len(xs) < 3:\n        return xs\n    return ys\n\n\n"
    body = "def f(xs: Array, ys: Array) -> Word:\n    ensures(result == len(xs))\n    g(xs, ys)\n    return len(xs)\n"
    assert prove_function(read(either + body)).complete


# --- right ones ------------------------------------------------------------------------------------------------------


# What is shown of these for small inputs alone; `ncl verify` says why.
BOUNDED = ("collatz", "matrix_product", "binary_multiplication")
PROVED = [name for name in CONTRACTS if name not in BOUNDED]


@pytest.mark.parametrize("name", PROVED)
def test_a_program_of_the_library_keeps_its_contract_at_every_length_and_width(name):
    proof = prove_function(library.get(name))
    assert proof.complete, proof.description


@pytest.mark.parametrize("name", BOUNDED)
def test_what_is_not_proved_is_shown_for_small_inputs_and_says_so(name):
    outcome = check_contract(library.get(name), 0)
    assert outcome.verdict == "proved-bounded" and outcome.detail.startswith("not for every length")


@pytest.mark.parametrize("name", ["reverse", "copy", "count", "running_count", "stack", "insertion_sort", "modsum"])
def test_five_wrong_implementations_break_the_contract_of_a_program(name):
    outcome = check_contract(library.get(name), 0)
    assert outcome.verdict == "proved" and outcome.vacuity.startswith("5 wrong implementations refuted; ")


@pytest.mark.parametrize("name", PROVED)
def test_no_proof_rests_on_premises_that_contradict_each_other(name):
    """Some way to a return is possible; not every one is, since `requires` may rule a last `return` out."""
    function = library.get(name)
    paths = Paths(function, function.program)
    goals = paths.run()
    asked = [goal for goal in goals if goal.kind == "ensures"] or goals
    lies = [replace(goal, claim=z3.BoolVal(False), again=None) for goal in asked]
    assert lies and not all(contracts_proof.proved(lie, paths.world, 100_000) for lie in lies)


def test_a_program_without_a_contract_has_no_obligation():
    import ncl

    def kinds(subject):
        made = ncl.compile(subject)
        return {o.kind for o in program_obligations(Claim(made.program, made.function, made.witness))}

    assert "contract" not in kinds(read("def f(n: Word) -> Word:\n    return n\n"))
    assert "contract" in kinds("count")


RECURSIVE = {
    "factorial by calls": """
def f(n: Word) -> Word:
    requires(n < 3)
    ensures(result == max(n, 1))
    decreases(n)
    if n < 2:
        return 1
    return n * f(n - 1)
""",
    "mutual recursion": """
def odd(n: Word) -> Word:
    ensures(result == n % 2)
    decreases(n)
    if n == 0:
        return 0
    return f(n - 1)


def f(n: Word) -> Word:
    ensures(result == 1 - n % 2)
    decreases(n)
    if n == 0:
        return 1
    return odd(n - 1)
""",
    "two numbers that fall in turn": """
def f(m: Word, n: Word) -> Word:
    ensures(result > n)
    decreases(m, n)
    requires(n < ~0)
    if m == 0:
        return n + 1
    if n == 0:
        return n + 1
    k = f(m, n - 1)
    if k == ~0:
        return k
    return f(m - 1, k)
""",
}  # fmt: skip


@pytest.mark.parametrize("name", RECURSIVE)
def test_calls_are_known_by_their_contracts(name):
    assert prove_function(read(RECURSIVE[name])).description == ""


PREFIXES = """
def f(xs: Array, n: Word) -> Array:
    ensures(permutation(result[:STOP], old(xs)[:n]))
    return xs
"""


def test_prefixes_whose_end_may_lie_outside_are_permutations_of_each_other():
    assert prove_function(read(PREFIXES.replace("STOP", "n"))).description == ""
    assert check_contract(read(PREFIXES.replace("STOP", "2")), 0).verdict == "refuted"


# --- told apart ------------------------------------------------------------------------------------------------------

LOOP = """
def f(n: Word) -> Word:
    requires(2 * n <= ~0)
    ensures(result == 2 * n)
    total = 0
    for i in range(n):
        INVARIANT
        total += 2
    return total
"""


def test_an_invariant_that_holds_but_is_not_inductive_is_told_apart_with_the_state():
    invariants = "invariant(total != 7)\n        invariant(total <= 2 * n)"
    outcome = check_contract(read(LOOP.replace("INVARIANT", invariants)), 0)
    assert outcome.verdict == "unknown"
    assert "holds on every run tried but is not inductive: a round that begins with" in outcome.detail
    assert "total = " in outcome.detail and "n = " in outcome.detail


def test_an_invariant_that_a_run_breaks_is_refuted_with_its_input():
    outcome = check_contract(read(LOOP.replace("INVARIANT", "invariant(total <= 2)")), 0)
    assert outcome.verdict == "refuted" and outcome.counterexample["arguments"] == [2]
    assert "invariant(total <= 2) does not hold" in outcome.detail


def test_without_invariants_the_bound_is_in_the_verdict():
    outcome = check_contract(read(LOOP.replace("        INVARIANT\n", "")), 0)
    assert outcome.verdict == "proved-bounded"
    assert outcome.bound.startswith("every word at W = ") and "is not shown" in outcome.detail


def test_with_its_invariant_it_is_proved_for_every_width():
    outcome = check_contract(read(LOOP.replace("INVARIANT", "invariant(total == 2 * i)")), 0)
    assert outcome.verdict == "proved" and not outcome.bound


def test_without_a_measure_the_end_of_a_while_loop_is_not_shown():
    body = "def f(n: Word) -> Word:\n    ensures(result == 0)\n    while n > 0:\n        n -= 1\n    return n\n"
    outcome = check_contract(read(body), 0)
    assert outcome.verdict == "proved-bounded" and "has no `decreases`" in outcome.detail
    assert (
        check_contract(read(body.replace("        n -=", "        decreases(n)\n        n -=")), 0).verdict == "proved"
    )


def test_a_contract_that_every_wrong_implementation_keeps_is_vacuous():
    outcome = check_contract(read("def f(n: Word) -> Word:\n    ensures(result >= 0)\n    return n\n"), 0)
    assert outcome.verdict == "vacuous" and "this one passes" in outcome.detail


def test_a_program_for_which_no_small_machine_has_room_is_tried_all_the_same():
    makes = "    ys = [0] * ~0\n    zs = [0] * ~0\n    ws = [0] * ~0\n"
    body = f"def f(xs: Array) -> Word:\n    ensures(result == 7)\n{makes}    return len(xs)\n"
    assert check_contract(read(body), 0).verdict == "vacuous"  # no run of it ends


def test_requires_that_nothing_meets_is_vacuous():
    outcome = check_contract(
        read("def f(n: Word) -> Word:\n    requires(n < 0)\n    ensures(result == 7)\n    return n\n"), 0
    )
    assert outcome.verdict == "vacuous"


def test_wrong_implementations_differ_in_one_place_and_carry_no_invariants():
    function = library.get("insertion_sort")
    made = list(mutants(function))
    assert len(made) > 15 and all(other.body != function.body for _, other in made)
    assert all(not loop.contract for _, other in made for loop in other.body if hasattr(loop, "contract"))


HAND_WRITTEN = {
    "reverse": "    n = len(xs)\n    for i in range(n // 2):\n        xs[i] = xs[n - 1 - i]\n    return xs\n",
    "copy": "    ys = [0] * len(xs)\n    return ys\n",
    "count": "    total = 0\n    for i in range(len(xs)):\n        total += xs[i] >= s\n    return total\n",
    "running_count": "    for i in range(len(xs)):\n        xs[i] = xs[i] == s\n    return xs\n",
    "stack": "    return ops\n",
    "insertion_sort": "    for i in range(len(xs)):\n        xs[i] = i\n    return xs\n",
    "modsum": "    total = 0\n    for i in range(len(xs)):\n        total += xs[i] % m\n    return total\n",
}


@pytest.mark.parametrize("name", HAND_WRITTEN)
def test_a_wrong_program_written_by_hand_breaks_the_contract_of_the_library(name):
    right = library.get(name)
    parameters = ", ".join(f"{p.name}: {p.sort.capitalize()}" for p in right.signature.parameters)
    result = right.signature.result.capitalize()
    body = parse_text(f"def {name}({parameters}) -> {result}:\n{HAND_WRITTEN[name]}", "hand.py", name)[0].body
    wrong = [("written by hand", dataclasses.replace(right, body=body))]
    assert strength_of(search(right, 0).samples, wrong, 0, 1).refuted == 1
