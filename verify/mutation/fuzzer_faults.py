"""Faults of the contract prover that random contracts must find by themselves: the edits of `contract_faults`.

Each names a batch in which the fuzzer meets a false contract that the spoiled prover proves; all are among those of CI.
Part of the table in `catalogue`.
"""

from __future__ import annotations

from dataclasses import replace

from ncl.verify.mutation import contract_faults
from ncl.verify.mutation.laboratory import Fault

# By the fault: the shape of programs, and the batches first … last - 1.
_BATCHES = {
    "what the condition of a loop writes is not forgotten": ("head", 7, 8),
    "a measure is taken after the condition": ("moving", 2, 3),
    "arrays are passed as they are before the words of a call": ("nested", 3, 4),
    "one name for all values of a bound variable": ("spread", 0, 1),
    "what is stored is taken for a word on every path": ("straight", 7, 8),
}


def _by_random_contracts(fault: Fault) -> Fault:
    return replace(
        fault,
        id=f"{fault.id}: by random contracts",
        checker="ncl.verify.contracts.fuzz_campaign:check",
        arguments=_BATCHES[fault.id],
    )


FAULTS: tuple[Fault, ...] = tuple(_by_random_contracts(f) for f in contract_faults.FAULTS if f.id in _BATCHES)
