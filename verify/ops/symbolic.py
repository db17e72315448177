"""Integer circuits at any width: the traced torch graph of one op, lifted, equal to its row over solver terms.

Operands are words by themselves (a vector of the width put into 64 bits), the number of pairs is symbolic. Division by
0 is left out, because the step traps there before its result is seen. Called by `exhaustive`.
"""

from __future__ import annotations

from typing import Any

import torch
import z3
from torch.fx.experimental.proxy_tensor import make_fx

from ncl.language.opcodes import UNARY, Opcode
from ncl.language.ops import OPS
from ncl.machine.circuits.integer import CIRCUITS
from ncl.verify.engine.obligation import Outcome
from ncl.verify.engine.solvers import ask_z3, decide
from ncl.verify.ops import circuits
from ncl.verify.smt.algebra import Vectors
from ncl.verify.smt.lift import lift, tracing_faults
from ncl.verify.smt.lifted import BITS, Context, Lifted, NoRule, Term, probed, some
from ncl.verify.smt.rule_tests import check_used
from ncl.verify.step.lemmas import Arithmetic, unproved

METHOD = "traced graph lifted to the solver"


def check(opcode: Opcode, width: int) -> Outcome:
    """Refuted only with operands on which the circuit itself gives another word than the row."""
    try:
        return _check(opcode, width)
    except NoRule as fault:
        return Outcome("unknown", METHOD, detail=f"no rule: {fault}")


def _graph(opcode: Opcode, width: int) -> Any:
    # Fresh tensors of one size that is at least 2: their equal sizes are one symbol, their storages are two.
    examples = [torch.arange(6) + n for n in range(1 if opcode in UNARY else 2)]
    if faults := tracing_faults(examples):
        raise NoRule("; ".join(faults))
    circuit = CIRCUITS[opcode]
    return make_fx(lambda *operands: (circuit(*operands, width),), tracing_mode="symbolic")(*examples)


def _check(opcode: Opcode, width: int) -> Outcome:
    graph = _graph(opcode, width)
    given = [node for node in graph.graph.nodes if node.op == "placeholder"]
    symbols = {str(node.meta["val"].shape[0]) for node in given}
    if len(symbols) != 1:
        raise NoRule(f"sizes {sorted(symbols)} of operands that are pairs")
    symbol = symbols.pop()
    arithmetic, size = Arithmetic(), z3.BitVec("size!P", BITS)
    context = Context({symbol: size}, [], arithmetic.multiply, arithmetic.divide, arithmetic.remain)
    functions = [z3.Function(n, z3.BitVecSort(BITS), z3.BitVecSort(width)) for n in "xy"[: len(given)]]
    (output,) = lift(graph, [_words(symbol, f, width) for f in functions], context)
    if (output.shape, output.dtype) != ((symbol,), "int64"):
        raise NoRule(f"the result is {output.dtype}{output.shape}")
    place = probed(symbol)
    got = output.at(place)
    row, algebra = OPS[opcode], Vectors(width, arithmetic.multiply, arithmetic.divide, arithmetic.remain)
    assert row.word is not None
    words = [f(place) for f in functions]
    expected = z3.ZeroExt(BITS - width, row.word(algebra, *words))
    premises = [size >= 1, place >= 0, place < size]
    premises += [words[-1] != 0] if row.traps_on_zero else []
    return _decide(opcode, width, graph, premises, arithmetic, context, got != expected, words)


def _words(symbol: str, function: Any, width: int) -> Lifted:
    return Lifted((symbol,), "int64", lambda index: z3.ZeroExt(BITS - width, function(*index)))


def _decide(
    opcode: Opcode, width: int, graph: Any, premises: list[Term], arithmetic: Arithmetic, context: Context,
    differs: Term, words: list[Term],
) -> Outcome:  # fmt: skip
    rules = check_used(graph)
    if not rules.green or unproved():
        return Outcome("unknown", METHOD, detail=f"rules {rules.detail}, laws {unproved()}")
    if ask_z3(premises, 5.0).said != "sat":
        return Outcome("vacuous", METHOD, detail="no operands meet the premises")
    conditions = [z3.Not(condition) for _, condition in context.conditions]
    asked = some([differs, *conditions])
    answer = decide([*premises, *arithmetic.instances(), asked])
    if answer.said == "unsat":
        return Outcome(
            "proved", METHOD, solver=answer.solver, cross_check=answer.cross_check, vacuity="operands exist",
            limits={"width": width},
        )  # fmt: skip
    if answer.said == "sat" and (found := _counterexample(opcode, width, arithmetic, premises, asked, words)):
        return found
    return Outcome("unknown", METHOD, solver=answer.solver, detail=answer.detail or "no counterexample replays")


def _counterexample(
    opcode: Opcode, width: int, arithmetic: Arithmetic, premises: list[Term], asked: Term, words: list[Term]
) -> Outcome | None:
    exact = z3.substitute_funs(asked, *arithmetic.exact())
    for terms in ([*premises, *arithmetic.instances(), asked], [*premises, exact]):
        model = ask_z3(terms, 10.0).model
        if model is None:
            continue
        operands = [int(model.eval(w, model_completion=True).as_long()) for w in words]
        x, y = [*operands, 0][:2]
        case = {"opcode": opcode.mnemonic, "width": width, "circuit": "integer", "operands": operands}
        if circuits.replay(case).reproduced:
            got = int(circuits.run_one("integer", opcode, x, y, width))
            return circuits.refuted(METHOD, opcode, "integer", width, x, y, got)
    return None
