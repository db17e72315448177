"""Each rule of the lift against torch, entry by entry; wrong rules are noticed."""

import pytest
import torch
import z3
from torch.fx.experimental.proxy_tensor import make_fx

from ncl.verify.smt import lift_rules, rule_tests
from ncl.verify.smt.lift import lift, probe
from ncl.verify.smt.lift_rules import RULES
from ncl.verify.smt.lifted import Context, Lifted, NoRule, number


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_rule_is_what_torch_does_and_was_really_compared(name):
    found = rule_tests.compare(name, seed=1)
    assert found.ok and found.compared >= rule_tests.LEAST, found


def test_every_rule_has_arguments_to_be_compared_on_and_nothing_else_has():
    assert set(rule_tests.makers()) == set(RULES)


def test_entries_that_a_side_condition_rules_out_are_counted_apart():
    found = rule_tests.compare("aten.mul.Tensor")
    assert found.ruled_out > 0 and found.compared > found.ruled_out / 10


def _pointwise(combine):
    return lift_rules._pointwise("planted", ("int64", "int64"), "int64", combine)


def _truth(combine):
    return lift_rules._pointwise("planted", ("int64", "int64"), "bool", combine)


def never(context, x, y):
    context.require("never", z3.BoolVal(False))
    return x + y


WRONG = {
    "unsigned less": ("aten.lt.Tensor", _truth(z3.ULT)),
    "unsigned at most": ("aten.le.Scalar", _truth(z3.ULE)),
    "logical right shift": ("aten.__rshift__.Tensor", _pointwise(z3.LShR)),
    "and for or": ("aten.bitwise_or.Tensor", _pointwise(lambda x, y: x & y)),
    "difference the other way round": ("aten.sub.Tensor", _pointwise(lambda x, y: y - x)),
    "not as minus": (
        "aten.bitwise_not.default",
        lift_rules._pointwise("planted", ("int64",), "int64", lambda x: -x),
    ),
    "where the other way round": (
        "aten.where.self",
        lift_rules._pointwise("w", ("bool", "int64", "int64"), "int64", lambda p, x, y: z3.If(p, y, x)),
    ),
    "rounding to zero without a condition": ("aten.floor_divide.default", _pointwise(lambda x, y: x / y)),
    "remainder with the dividend's sign": ("aten.remainder.Tensor", _pointwise(z3.SRem)),
    "gather along the other axis": (
        "aten.gather.default",
        lambda c, a, k: RULES["aten.gather.default"](c, [a[0], 0, a[2]], k),
    ),
    "scatter that forgets the rest": (
        "aten.scatter.src",
        lambda c, a, k: RULES["aten.scatter.src"](c, [Lifted(a[0].shape, "int64", lambda i: number(0)), *a[1:]], k),
    ),
    "squeeze that keeps the size": ("aten.squeeze.dim", lambda c, a, k: a[0]),
    "a result of another dtype": ("aten.eq.Tensor", _pointwise(lambda x, y: z3.If(x == y, number(1), number(0)))),
    "a condition that is never met": (
        "aten.add.Tensor",
        lift_rules._pointwise("planted", ("int64", "int64"), "int64", never, True),
    ),
}  # fmt: skip


@pytest.mark.parametrize("planted", sorted(WRONG))
def test_a_wrong_rule_is_noticed(planted):
    name, rule = WRONG[planted]
    try:
        found = rule_tests.compare(name, rule)
    except (NoRule, RuntimeError, IndexError, z3.Z3Exception):
        return
    assert not found.ok, found


def traced(function, *examples):
    return make_fx(lambda *tensors: (function(*tensors),), tracing_mode="symbolic")(*examples)


def lifted(graph):
    """Its inputs as functions without a range."""
    given = [node.meta["val"] for node in graph.graph.nodes if node.op == "placeholder"]
    sizes = {str(size): z3.BitVec(f"size!{size}", 64) for value in given for size in value.shape}
    inputs = []
    for place, value in enumerate(given):
        function = z3.Function(f"x{place}", *[z3.BitVecSort(64)] * (len(value.shape) + 1))
        inputs.append(Lifted(tuple(map(str, value.shape)), "int64", lambda index, f=function: f(*index)))
    context = Context(sizes)
    return lift(graph, inputs, context), context


UNREAD = {
    "an operation without a rule": lambda x, y: torch.sort(x + y).values,
    "a keyword": lambda x, y: torch.add(x, y, alpha=2),
    "a float constant": lambda x, y: (x * 1.5).long(),
    "true division": lambda x, y: (x / y).long(),
    "bool plus int": lambda x, y: (x < y) + y,
    "int32": lambda x, y: (x.int() + y.int()).long(),
    "a float scalar tensor": lambda x, y: torch.where(x < y, 0.5, 1.5).long(),
    "a closed-over tensor": lambda x, y: x + torch.ones(1, dtype=torch.int64),
    "a dead node": lambda x, y: (torch.sort(x), x + y)[1],
    "in place": lambda x, y: x.clone().add_(y),
    "two indices a row": lambda x, y: x.unsqueeze(0).scatter(1, y.unsqueeze(0), y.unsqueeze(0)),
}


@pytest.mark.parametrize("what", sorted(UNREAD))
def test_what_has_no_rule_is_refused_by_name(what):
    graph = traced(UNREAD[what], torch.arange(5), torch.arange(5) + 1)
    with pytest.raises(NoRule):
        lifted(graph)


def test_dead_nodes_file_their_side_conditions_too():
    _, context = lifted(traced(lambda x, y: (x << y, x < y)[1], torch.arange(5), torch.arange(5) + 1))
    assert any("left shift" in what for what, _ in context.conditions)


def test_a_size_that_stands_twice_is_probed_off_the_diagonal():
    seen = []
    tensor = Lifted(("s", "s"), "int64", lambda index: seen.append(index) or number(0))
    first, second = probe(tensor, Context({"s": number(3)}))
    assert not first.eq(second) and len(seen) == 1
