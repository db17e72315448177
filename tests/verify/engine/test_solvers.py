"""What a solver makes of Ctrl-C."""

import os
import signal
import threading

import pytest
import z3

from ncl.verify.engine.solvers import ask_z3


def test_ctrl_c_while_a_solver_works_is_no_answer():
    """z3 hears the signal itself and would say `unknown`."""
    x, y = z3.BitVecs("x y", 128)
    product = z3.BitVecVal(1_099_511_627_689 * 1_099_511_627_791, 128)  # of two primes: years of work
    terms = [x * y == product, z3.ULT(x, 1 << 41), z3.ULT(y, 1 << 41), z3.UGT(x, 1), z3.UGT(y, 1)]
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            ask_z3(terms, 60.0)
    finally:
        timer.cancel()
