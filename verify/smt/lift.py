"""Reads a traced torch graph into the solver: a tensor becomes a function from index terms to a z3 term.

No arrays, no unrolling: inputs are uninterpreted functions, `gather` is composition, `scatter` an if-then-else on the
index. Sizes are symbolic. Each rule (in `lift_rules`) files its side conditions; an operation, keyword, dtype or
constant without a rule raises `NoRule`, and whoever asked says `unknown`. Every node is visited, dead ones too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ncl.verify.smt.lift_rules import RULES
from ncl.verify.smt.lifted import Context, Lifted, NoRule, Term, number, probed


def guards_of(graph: Any) -> list[str]:
    """What tracing had to assume about sizes; anything here means that the graph speaks for some sizes only."""
    env = graph.shape_env
    found = [f"guard {guard.expr}" for guard in env.guards]
    found += [f"replacement {old} = {new}" for old, new in env.replacements.items()]
    found += [f"deferred assert {asserts}" for asserts in env.deferred_runtime_asserts.values()]
    return found


def tracing_faults(examples: Sequence[Any]) -> list[str]:
    """Why tracing with these tensors could merge two inputs or two sizes; empty when it cannot."""
    found = []
    if len({tensor.untyped_storage().data_ptr() for tensor in examples}) != len(examples):
        found.append("two example inputs share their storage")
    sizes = {size for tensor in examples for size in tensor.shape}
    if any(size < 2 for size in sizes):
        found.append("an example has a size below 2")
    return found


def _ran(graph: Any) -> None:
    """What runs is the code that torch printed from the graph; it must still be that."""
    if graph.graph.python_code("self").src != graph.code:
        raise NoRule("the graph was changed after its code was made")


def lift(graph: Any, inputs: Sequence[Lifted], context: Context) -> tuple[Lifted, ...]:
    """The outputs of a traced graph over lifted inputs. Raises NoRule."""
    if assumed := guards_of(graph):
        raise NoRule("; ".join(assumed))
    _ran(graph)
    values: dict[Any, Any] = {}
    given = list(inputs)
    for node in graph.graph.nodes:
        if node.op == "placeholder":
            if not given:
                raise NoRule(f"more inputs than expected: {node.name}")
            values[node] = given.pop(0)
        elif node.op == "call_function":
            rule = RULES.get(str(node.target))
            if rule is None:
                raise NoRule(f"no rule for {node.target}")
            arguments = [_value(values, argument) for argument in node.args]
            values[node] = rule(context, arguments, dict(node.kwargs))
            _agrees(node, values[node])
        elif node.op == "output":
            outputs = tuple(_value(values, argument) for argument in node.args[0])
        else:
            raise NoRule(f"{node.op} {node.target}: tensors that the graph closes over have no rule")
    if given:
        raise NoRule(f"{len(given)} inputs are not there")
    for node, value in values.items():  # dead nodes too: their side conditions must hold as well
        if isinstance(value, Lifted) and node.op == "call_function":
            probe(value, context)
    return outputs


def probe(tensor: Lifted, context: Context) -> tuple[Term, ...]:
    """One arbitrary index, the same constants for the same sizes; the entry there is evaluated."""
    index: list[Term] = []
    for place, size in enumerate(tensor.shape):
        # A size that stands twice needs two constants: one would only look at the diagonal.
        again = tensor.shape[:place].count(size)
        index.append(number(0) if size == 1 else probed(size, again))
    tensor.at(*index)
    return tuple(index)


def _value(values: dict[Any, Any], argument: Any) -> Any:
    if hasattr(argument, "op") and argument in values:
        return values[argument]
    if isinstance(argument, int | str | None):
        return argument
    raise NoRule(f"argument {argument!r} of type {type(argument).__name__}")


def _agrees(node: Any, value: Any) -> None:
    """The rule's shape and dtype against those that torch recorded when it traced."""
    recorded = node.meta.get("val")
    if not isinstance(value, Lifted):
        return
    shape = tuple(size if isinstance(size, int) else str(size) for size in recorded.shape)
    dtype = str(recorded.dtype).removeprefix("torch.")
    if (shape, dtype) != (value.shape, value.dtype):
        raise NoRule(f"{node.target}: torch says {dtype}{shape}, the rule {value.dtype}{value.shape}")
