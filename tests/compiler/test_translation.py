"""Every tricky program is proved to be its source, at every register count and with any optimising passes."""

import pytest
from tricky import functions, register_counts, sizes

from ncl.compiler.compile import ORDER, compile_function
from ncl.verify.translation.validate import validate


@pytest.mark.parametrize("name", functions())
def test_a_tricky_program_is_proved_with_and_without_optimising(name):
    function = functions()[name]
    for registers in register_counts(function):
        for width, order in ((8, ORDER), (32, ())):
            made = compile_function(function, sizes(width, registers), order)
            found = validate(function, *made)
            assert found.proved, found.failures
