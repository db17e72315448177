"""Slices whose ends are words of the program: a claim about them is proved or refuted, and the prover never raises."""

import pytest

from ncl.language.parse import parse_text
from ncl.verify.contracts.check import check_contract
from ncl.verify.mutation.contract_faults import HEAD

CLAIMS = {
    "permutation(result[:2], old(xs)[:n])": "refuted",
    "permutation(result[:n], old(xs)[:n])": "proved",
    "permutation(result[n:], old(xs)[n:])": "proved",
    "permutation(result[1:], old(xs)[:n])": "refuted",
    "result[n:] == old(xs)[1:]": "refuted",
    "sorted(result[n:2])": "refuted",
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_about_parts_of_an_array_is_decided(claim):
    text = f"{HEAD}def f(xs: Array, n: Word) -> Array:\n    ensures({claim})\n    return xs\n"
    outcome = check_contract(parse_text(text, "f.py", "f")[0], 0)
    assert outcome.verdict == CLAIMS[claim], outcome
