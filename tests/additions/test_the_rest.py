"""A program, executor, pass, lift rule, solver, property: each added on a copy, found and used, in no second place."""

MAXIMUM = '''\
"""maximum: the largest element."""

from ncl.language.contract_words import ensures, invariant, requires, result
from ncl.language.declare import Array, Word, program


@program
def maximum(xs: Array) -> Word:
    """The largest element of a list that is not empty.

    Examples:
        maximum([3]) -> 3
        maximum([1, 9, 4]) -> 9
        maximum([7, 7, 2]) -> 7
    """
    requires(len(xs) > 0)
    ensures(all(xs[i] <= result for i in range(len(xs))))
    ensures(any(xs[i] == result for i in range(len(xs))))
    best = xs[0]
    for i in range(1, len(xs)):
        invariant(all(xs[j] <= best for j in range(i)))
        invariant(any(xs[j] == best for j in range(i)))
        best = max(best, xs[i])
    return best
'''

LISTED = """
import ncl
from ncl import library
from ncl.verify.certification import library_page

assert "maximum" in library.names() and library.ROOMS["maximum"] == "search"
assert [r.result for r in ncl.compile("maximum").run([[[1, 9, 4]]], executor="reference")] == [9]
assert len(library.examples("maximum")) == 3
assert "| `maximum` | The largest element of a list that is not empty. | none |" in library_page.page(
    {name: "none" for name in library.names()})
"""


def test_a_program_is_one_file(copy_with):
    copy = copy_with()
    copy.write("ncl/library/search/maximum.py", MAXIMUM)
    copy.run("-c", LISTED)


def test_two_programs_of_one_name_are_refused(copy_with):
    copy = copy_with()
    copy.write("ncl/library/search/gcd.py", MAXIMUM.replace("maximum", "gcd"))
    assert "two programs are called gcd" in copy.run("-c", "import ncl.library", code=1)


EXECUTOR = '''\
"""Runs by the reference interpreter, from the last argument list to the first."""

from ncl.language.interpret.machine import run_machine


def run(program, batch, budget):
    return [run_machine(program, arguments, budget) for arguments in reversed(batch)][::-1]
'''
ROW = (
    "ncl/machine/executors/__init__.py",
    '    Executor("integer", "integer:run"),\n',
    '    Executor("integer", "integer:run"),\n    Executor("backwards", "backwards:run"),\n',
)
USED = """
import ncl
from ncl.properties import agreement, suite
from ncl.verify.engine import executors

compiled = ncl.compile("gcd")
assert [r.result for r in compiled.run([[12, 18], [7, 3]], executor="backwards")] == [6, 1]
assert "backwards" in agreement.FAST and "backwards" in suite.CHECKS["executors agree"] and "backwards" in suite.PARTS
got = executors.run("backwards", compiled.program, None, [[12, 18]], 1000)
assert executors.agree("reference", got[0], "backwards", got[0]) and "backwards" in executors.STEPPING
"""


def test_an_executor_is_one_file_and_its_row(copy_with):
    copy = copy_with(ROW)
    copy.write("ncl/machine/executors/backwards.py", EXECUTOR)
    copy.run("-c", USED)


PASS = '''\
"""Pass: nothing is changed, and it is written down that it ran."""

SEEN = []


def nothing(graph, width):
    SEEN.append(width)
    return graph
'''
PASSED = """
import ncl
from ncl.compiler.nothing import SEEN

assert [r.result for r in ncl.compile("gcd", width=8).run([[12, 18]], executor="reference")] == [6] and 8 in SEEN
"""


def test_a_pass_is_one_file_and_its_line(copy_with):
    copy = copy_with(
        ("ncl/compiler/compile.py", "from ncl.compiler.thread import thread\n",
         "from ncl.compiler.nothing import nothing\nfrom ncl.compiler.thread import thread\n"),
        ("ncl/compiler/compile.py", '    "thread": thread,\n', '    "thread": thread,\n    "nothing": nothing,\n'),
        ("ncl/compiler/compile.py", '"copies", "dead", "thread")', '"copies", "dead", "thread", "nothing")'),
    )  # fmt: skip
    copy.write("ncl/compiler/nothing.py", PASS)
    copy.run("-c", PASSED)


SOLVED = """
import z3
from ncl.verify.engine.solvers import decide

x = z3.BitVec("x", 8)
answer = decide([x != x], cross="third")
assert answer.said == "unsat" and answer.cross_check == "third: unsat"
"""


def test_a_solver_is_one_row(copy_with):
    copy = copy_with(
        ("ncl/verify/engine/solvers.py", '"bitwuzla": ask_bitwuzla}',
         '"bitwuzla": ask_bitwuzla,\n    "third": lambda terms, seconds: Answer("unsat", "third", 0.0),\n}'),
    )  # fmt: skip
    copy.run("-c", SOLVED)


LIFTED = """
import torch
from torch.fx.experimental.proxy_tensor import make_fx
from ncl.verify.smt.lift_rules import RULES
from ncl.verify.smt.rule_tests import check_used

graph = make_fx(lambda x: (x | 1,), tracing_mode="symbolic")(torch.arange(5))
names = {str(node.target) for node in graph.graph.nodes if node.op == "call_function"}
assert "aten.bitwise_or.Scalar" in names and names <= set(RULES), names
assert check_used(graph).verdict == "tested"
"""


_RULE, _TEST = '    "aten.bitwise_or.Tensor": _logic(', '    "aten.bitwise_or.Tensor": ['
LIFT_RULE = (
    (
        "ncl/verify/smt/lift_rules.py",
        _RULE,
        '    "aten.bitwise_or.Scalar": _pointwise("bitwise_or", _II, "int64", lambda x, y: x | y),\n' + _RULE,
    ),
    ("ncl/verify/smt/rule_tests.py", _TEST, '    "aten.bitwise_or.Scalar": _IN,\n' + _TEST),
)


def test_a_lift_rule_is_one_row_and_its_test(copy_with):
    copy = copy_with(*LIFT_RULE)
    copy.run("-c", LIFTED)


PROPERTY = '''\
"""Runs count their ticks from 0 on."""

from ncl.language.interpret.machine import run_machine
from ncl.properties.failure import Failed, call


def check_ticks(function, program, batch):
    for row in batch.rows:
        if run_machine(program, row, batch.budget).ticks < 0:
            raise Failed(call(program, row, batch.budget), "no fewer than 0 ticks", "fewer")
'''
CHECKED = """
from ncl import library
from ncl.properties import suite
from ncl.properties.search import Profile

function = library.get("gcd")
assert "ticks" in suite.names(function)
text = (library._HERE / "arithmetic" / "gcd.py").read_text()
suite.run("ticks", suite.Subject(function, text, 8), Profile("few", 3, 1))
"""


def test_a_property_is_its_check_and_its_lines(copy_with):
    copy = copy_with(
        ("ncl/properties/suite.py", "from ncl.properties import agreement, claims\n",
         "from ncl.properties import agreement, claims, ticking\n"),
        ("ncl/properties/suite.py", '    "states": _batch(',
         '    "ticks": _batch(ticking.check_ticks, "wide"),\n    "states": _batch('),
        ("ncl/properties/suite.py", '    "gradients": (', '    "ticks": ("ticks",),\n    "gradients": ('),
    )  # fmt: skip
    copy.write("ncl/properties/ticking.py", PROPERTY)
    copy.run("-c", CHECKED)
