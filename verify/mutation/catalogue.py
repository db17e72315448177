"""The planted faults: a literal table of edits, each with the checker that must refute it, and the four controls.

What a fault is and how it is examined is in `laboratory`. Ids say what is wrong, in the words of the part that is wrong.
Called by `ncl faults` and tests/faults.
"""

# The rows quote source text, whole.
# ruff: noqa: E501

from __future__ import annotations

from ncl.verify.mutation import compiler_faults, contract_faults, fuzzer_faults
from ncl.verify.mutation.laboratory import Broken, Edit, Equivalent, Fault

_OPS, _WORD = "ncl/language/ops.py", "ncl/language/word.py"
_INTEGER, _ONEHOT = "ncl/machine/circuits/integer.py", "ncl/machine/circuits/onehot.py"
_KERNEL, _STEP = "ncl/machine/kernel.py", "ncl/machine/step.py"
_REGISTERS = "ncl/compiler/blocks_to_registers.py"
_PATHWISE, _DENSE = "ncl/machine/executors/pathwise.py", "ncl/machine/executors/dense_step.py"
_HEAT, _GATE, _RECORD = "ncl/machine/temperature.py", "ncl/gate.py", "ncl/certificate.py"
_SOURCES, _POLICY, _STRICT = "ncl/sources.py", "ncl/policy.py", "ncl/strict_json.py"
_DIGESTS = "ncl/digests.py"

_GOLDEN, _TAMPERING = "ncl.verify.runs.golden:check", "ncl.verify.certification.tampering:check"
_STEPS, _LOOP = "ncl.verify.step.check:check", "ncl.verify.runs.compiled_loop:check"
_CIRCUIT, _HOT, _COMPILED = (f"ncl.verify.ops.exhaustive:check_{n}" for n in ("integer", "onehot", "kernel"))
_FORMS, _TEMPERATURE = "ncl.verify.ops.pushforward:check_pathwise", "ncl.verify.runs.temperature:check"
_ALGEBRA = "ncl.verify.smt.algebra:check_operation"
_SOURCE, _EXECUTOR = (f"ncl.verify.mutation.checkers:{n}" for n in ("source", "executor"))
_LOADED, _RUN, _AGAIN = (f"ncl.verify.mutation.checkers:bytes_{n}" for n in ("loaded", "run", "compiled"))
_WEIGHTS, _GRADIENT, _SOFT, _MODELS = (
    f"ncl.verify.mutation.checkers:{n}" for n in ("weights", "gradient", "soft", "models")
)
_CONTRACT = "ncl.verify.mutation.checkers:contract"
_CONFORMANCE = "ncl/properties/conformance.py"


def _one(file: str, old: str, new: str) -> tuple[Edit, ...]:
    return (Edit(file, old, new),)


_SPEC_FAULTS = (
    Fault("the spec's at most is below", "ops", _one(_OPS, "k.negate(k.less(y, x))", "k.less(x, y)"), _GOLDEN, (30,)),
    Fault("the spec's remainder is the quotient", "ops", _one(_OPS, "lambda k, x, y: k.remainder(x, y)", "lambda k, x, y: k.divide(x, y)"), _GOLDEN, (20,)),
    Fault("the spec refuses the last cell", "ops", _one(_OPS, "k.less(s.memory_size, after), Trap.MEMORY", "k.negate(k.less(after, s.memory_size)), Trap.MEMORY"), _GOLDEN, (14,)),
    Fault("the spec's call returns to itself", "ops", _one(_OPS, "push=(k.plus(s.pc, one), s.fp, s.hp)", "push=(s.pc, s.fp, s.hp)"), _GOLDEN, (6,)),
    Fault("the spec keeps the heap on the wrong flag", "ops", _one(_OPS, "restores = k.equal(s.a, k.natural(0))", "restores = k.equal(s.a, k.natural(1))"), _STEPS, ("hp", 8)),
    Fault("ints shift bits past the top", "ops", _one(_WORD, "(x << y) % self.size if y", "(x << y) if y"), _GOLDEN, (25,)),
)  # fmt: skip

_CIRCUIT_FAULTS = (
    Fault("the circuit subtracts the wrong way round", "ops", _one(_INTEGER, "(x - y + (1 << width))", "(y - x + (1 << width))"), _CIRCUIT, ("subtract", 16)),
    Fault("the high half of a product is put too low", "ops", _one(_INTEGER, "high * 65536", "high * 32768"), _CIRCUIT, ("multiply", 32)),
    Fault("a shift by W - 1 gives nothing", "ops", _one(_INTEGER, "within = (y < width) * 1\n    return (x >>", "within = (y < width - 1) * 1\n    return (x >>"), _CIRCUIT, ("shift_right", 16)),
    Fault("one-hot subtraction turns 0 round too", "ops", _one(_ONEHOT, "torch.cat([y_PN[..., :1], y_PN[..., 1:].flip(-1)], -1)", "y_PN.flip(-1)"), _HOT, ("subtract",)),
    Fault("one-hot subtraction adds", "ops", _one(_ONEHOT, "add(x_PN, negated_PN, width)", "add(x_PN, y_PN, width)"), _HOT, ("subtract",)),
    Fault("one-hot comparison counts equals as above", "ops", _one(_ONEHOT, "before_PS = pad(upto_PS, (1, 0))[..., :-1]", "before_PS = upto_PS"), _HOT, ("less",)),
    Fault("one-hot addition loses what wraps", "ops", _one(_ONEHOT, "z_PZ[..., :top] + pad(z_PZ[..., top:], (0, 2 * top - size))", "z_PZ[..., :top]"), _HOT, ("add",)),
    Fault("one-hot division loses trap mass", "ops", _one(_ONEHOT, "x_PN.sum(-1) * y_PN[..., 0]", "x_PN[..., 0] * y_PN[..., 0]"), _HOT, ("divide",)),
    Fault("a known left operand is taken for the right", "ops", _one(_ONEHOT, "(known_P1, words_1X) if swapped else (words_1X, known_P1)", "(words_1X, known_P1)"), _FORMS, ("subtract", 11)),
    Fault("the longer support is cut off", "ops", _one(_ONEHOT, "size = max(x_PX.shape[-1], y_PY.shape[-1])", "size = min(x_PX.shape[-1], y_PY.shape[-1])"), _FORMS, ("less", 11)),
    Fault("every chunk takes the first rows", "ops", _one(_ONEHOT, "_divisors(opcode, y_PY[begin : begin + rows])", "_divisors(opcode, y_PY[:rows])"), _FORMS, ("or", 11)),
    Fault("sums of few words are not cut at N", "ops", _one(_ONEHOT, "    if size > top:", "    if size > 2 * top:"), _FORMS, ("add", 11)),
)  # fmt: skip

_KERNEL_FAULTS = (
    Fault("the loop's less is at most", "kernel", _one(_KERNEL, "jit(CIRCUITS[op]) for op in WORD_OPS", "jit(CIRCUITS[Opcode.LESS_EQUAL if op == Opcode.LESS else op]) for op in WORD_OPS"), _COMPILED, ("less",)),
    Fault("the loop lets an index be the length", "kernel", _one(_KERNEL, "if registers[a] >= registers[b]", "if registers[a] > registers[b]"), _LOOP, (15,)),
    Fault("the loop keeps the heap on the wrong flag", "kernel", _one(_KERNEL, "if a == 0:\n                hp", "if a == 1:\n                hp"), _LOOP, (7,)),
    Fault("the loop's budget is a tick too long", "kernel", _one(_KERNEL, "if ticks >= budget", "if ticks > budget"), _EXECUTOR, ("integer", "count")),
)  # fmt: skip

_BYTES_FAULTS = (
    Fault("an opcode changed after certifying", "program-memory", (), _LOADED, ("count", "equal", "opcode", 28), "GateRefused"),
    Fault("an operand changed after certifying", "program-memory", (), _LOADED, ("reverse", "store", "c", 0), "GateRefused"),
    Fault("a register that the machine has not", "program-memory", (), _LOADED, ("count", "add", "b", 99), "IllFormedProgramError"),
    Fault("an opcode that is none", "program-memory", (), _LOADED, ("count", "add", "opcode", 77), "IllFormedProgramError"),
    Fault("a load from another place than compiled", "program-memory", (), _AGAIN, ("reverse", "load", "c", 1)),
    Fault("a comparison turned round in its bytes", "program-memory", (), _RUN, ("insertion_sort", "jump_zero", "opcode", 5)),
    Fault("a constant that is one more", "program-memory", (), _RUN, ("modsum", "constant", "b", 1)),
)  # fmt: skip

_STEP_FAULTS = (
    Fault("the step's budget is a tick too long", "step", _one(_STEP, "state.ticks_B >= limits", "state.ticks_B > limits"), _STEPS, ("trap", 8)),
    Fault("halted samples go on", "step", _one(_STEP, "~state.halted_B & (trap_B == 0)", "trap_B == 0"), _STEPS, ("registers", 8)),
    Fault("calls return to themselves", "step", _one(_STEP, "top_B, state.pc_B + 1, calls_B", "top_B, state.pc_B, calls_B"), _STEPS, ("stack", 8)),
    Fault("store writes register b", "step", _one(_STEP, "_write(state.memory_BM, cell_B, ra_B", "_write(state.memory_BM, cell_B, rb_B"), _STEPS, ("memory", 8)),
    Fault("sample 0 lends its frame pointer", "step", _one(_STEP, "slot_B = state.fp_B + b_B", "slot_B = torch.gather(state.fp_B, 0, state.pc_B * 0) + b_B"), _STEPS, ("frame", 8)),
    Fault("the stack is read at -1", "step", _one(_STEP, "torch.where(empty_B, 0, state.sp_B - 1)", "state.sp_B - 1"), _STEPS, ("side-conditions", 8)),
    Fault("a call moves the frame pointer one too low", "step", _one(_STEP, "at[Opcode.CALL], slot_B,", "at[Opcode.CALL], slot_B - 1,"), _STEPS, ("invariants", 8)),
)  # fmt: skip

_NUMERIC_FAULTS = (
    Fault("an Inf in a constant of the circuits", "numeric", _one(_ONEHOT, "CHUNK = 1 << 24", 'SCALE = torch.tensor([1.0, float("inf")])\nCHUNK = 1 << 24'), _HOT, ("add",)),
    Fault("sums that start from NaN", "numeric", _one(_ONEHOT, "z_RZ = torch.zeros(len(product_RT), size,", 'z_RZ = torch.full((len(product_RT), size), float("nan"),'), _HOT, ("multiply",)),
    Fault("products in half precision", "numeric", _one(_ONEHOT, "z_RZ.index_add(1, flat_T, product_RT)", "z_RZ.index_add(1, flat_T, product_RT.half().to(z_RZ.dtype))"), _HOT, ("multiply",)),
    Fault("a NaN among the weights", "numeric", (), _WEIGHTS, (float("nan"),)),
    Fault("an Inf among the weights", "numeric", (), _WEIGHTS, (float("inf"),)),
)  # fmt: skip

_TEMPERATURE_FAULTS = (
    Fault("hard is only nearly hard", "temperature", _one(_HEAT, "torch.zeros_like(p_N).scatter(-1, p_N.argmax(-1, keepdim=True), 1.0)", "(p_N * 400).softmax(-1)"), _TEMPERATURE, ("hard",)),
    Fault("sharpening flattens", "temperature", _one(_HEAT, "_power(p_N, self.beta)", "_power(p_N, 1 / self.beta)"), _TEMPERATURE, ("sharpening",)),
    Fault("straight-through lets no gradient through", "temperature", _one(_HEAT, "        return gradient_N\n", "        return gradient_N * 0\n"), _TEMPERATURE, ("straight-through",)),
    Fault("straight-through is soft", "temperature", _one(_HEAT, "        return harden(p_N)\n\n    @staticmethod", "        return p_N * 1\n\n    @staticmethod"), _TEMPERATURE, ("straight-through",)),
    Fault("logits are multiplied by the temperature", "temperature", _one(_HEAT, "(logits_N / self.tau).softmax(-1)", "(logits_N * self.tau).softmax(-1)"), _TEMPERATURE, ("soft",)),
    Fault("dense forgets to sharpen", "temperature", _one(_DENSE, "{name: temperature.sharpen(value) for name, value in changed.items()}", "dict(changed)"), _SOFT, ("check_sharpened", "count long")),
)  # fmt: skip

_SOFT_FAULTS = (
    Fault("equality has no gradient to its left", "soft", _one(_ONEHOT, "(x_PS * y_PS).sum(-1)", "(x_PS.detach() * y_PS).sum(-1)"), _GRADIENT, ("equal",)),
    Fault("pathwise's gradient has the wrong sign", "soft", _one(_PATHWISE, "soft_QK = table.rows(rows_O[~constant_O])", "soft_QK = table.rows(rows_O[~constant_O])\n    soft_QK = 2 * soft_QK.detach() - soft_QK"), _SOFT, ("check_pathwise", "count")),
    Fault("pathwise drops the path beside a known left operand", "soft", _one(_PATHWISE, "table.rows(right_R), known_R, width, swapped=True", "table.rows(right_R).detach(), known_R, width, swapped=True"), _SOFT, ("check_pathwise_is_dense", "running_count")),
    Fault("dense drops the path through memory", "soft", _one(_DENSE, '"bkm,bmn->bkn", _cells(s, at), s.old.memory_BMN)', '"bkm,bmn->bkn", _cells(s, at), s.old.memory_BMN.detach())'), _SOFT, ("check_pathwise_is_dense", "count")),
    Fault("dense loads from the cell before", "soft", _one(_DENSE, '"bkm,bmn->bkn", _cells(s, at), s.old.memory_BMN)', '"bkm,bmn->bkn", _cells(s, at), s.old.memory_BMN.roll(1, 1))'), _EXECUTOR, ("dense", "reverse")),
)  # fmt: skip

_CERTIFICATE_FAULTS = tuple(
    Fault(name, "certificate", _one(file, old, new), _TAMPERING)
    for name, file, old, new in (
        ("the seal is not compared", _GATE, '"seal": certificate.content_digest()', '"seal": certificate.seal'),
        ("what is required is taken from the certificate", _GATE, "unmet(required_obligations(artefact, policy), certificate.obligations)", "unmet({o.id: Requirement((o.verdict,), {}) for o in certificate.obligations}, certificate.obligations)"),
        ("digests skip the files in subfolders", _SOURCES, "if name.endswith(SUFFIXES)]", 'if name.endswith(SUFFIXES) and inside.count("/") < 2]'),
        ("what elects the answer is exempt", _SOURCES, '    "ncl/cli/output.py": "', '    "ncl/llama/reader/ensemble.py": "elects", "ncl/cli/output.py": "'),
        ("data files are not digested", _SOURCES, '".pyd", ".json", ', '".pyd", '),
        ("a room that is absent passes", _SOURCES, "if absent := [room for room in ROOMS if not rooms[room]]:", "if absent := [room for room in rooms if room not in ROOMS]:"),
        ("modules from elsewhere are not seen", _SOURCES, "if not _lies_in(module, place):", "if _origin(module) is None:"),
        ("compiled files of another source are not seen", _SOURCES, "elif fault := _compiled_otherwise(module):", 'elif fault := "":'),
        ("the width is not compared", _GATE, "if program.sizes.width != certificate.width:", "if not program.sizes.width:"),
        ("the policy's digest is not compared", _GATE, '"policy": policy.digest, ', ""),
        ("the last of two equal keys counts", _STRICT, "    if len(found) != len(pairs):", "    if len(found) > len(pairs):"),
        ("NaN is a number", _STRICT, "float if endless else _constant", "float"),
        ("what no double holds is endless", _STRICT, "if not math.isfinite(value):", "if math.isnan(value):"),
        ("numbers past 2^53 are rounded by others", _STRICT, "or abs(int(digits)) > largest", ""),
        ("half a character is one", _STRICT, "if not text.isascii() and any(", "if text.isascii() and any("),
        ("a certificate's numbers may be texts", _RECORD, "json.dumps(data), strict=True)", "json.dumps(data), strict=False)"),
        ("the floor may be tested", _POLICY, '"source/{program}": (("proved",), {}),', '"source/{program}": (ACCEPTABLE, {}),'),
        ("circuits of one bit do", _POLICY, '(("proved", "proved-bounded"), {"width": 10})', '(("proved", "proved-bounded"), {"width": 1})'),
        ("a later rule shadows the floor", _POLICY, "for other in earlier if _meet(other, template))", "for other in earlier if other == template)"),
        ("bounds of nothing do", _POLICY, "if any(least < 1 for", "if any(least < 0 for"),
        ("rules of no obligation do", _POLICY, "        if numbers is None:\n            yield", "        if numbers is None:\n            continue\n            yield"),
        ("verdicts that are none do", _POLICY, "not set(accept) <= set(ACCEPTABLE)", "not set(accept) & set(ACCEPTABLE)"),
        ("unknown does", _POLICY, "if found.verdict not in self.accept:", 'if found.verdict == "refuted":'),
        ("bounds are not compared", _POLICY, "if found.limits.get(name, 0) < least", "if found.limits.get(name, 0) < 0"),
        ("weights are digested without their bytes", _DIGESTS, "repr(tuple(shape)).encode(), data):", "repr(tuple(shape)).encode()):"),
        ("witnesses are digested by name", _GATE, "digest(canonical_json(w.to_json()))", "digest(name.encode())"),
        ("versions are not compared", _GATE, "        for name in policy.versions\n", "        for name in policy.versions[:1]\n"),
        ("the second look leaves out the weights", _GATE, '("programs", "witnesses", "tensors") if getattr', '("programs", "witnesses") if getattr'),
        ("an obligation may stand there twice", _GATE, "if len(items) != 1:", "if not items:"),
        ("what is refuted beyond the policy passes", _GATE, 'any(r.verdict == "refuted" for r in by_id[i])', "not by_id[i]"),
        ("an uncertified executor passes", _GATE, "if executor is not None and executor not in certificate.executors:", "if executor == certificate.executors:"),
        ("programs that were added are not seen", _RECORD, "for key in sorted({*written, *there}):", "for key in sorted(written):"),
    )
)  # fmt: skip

_COVERAGE_FAULTS = (
    Fault("a package is not digested", "certificate", _one(_SOURCES, "in places.items():\n", "in [*places.items()][:2]:\n"), _TAMPERING, (), "GateRefused"),
)  # fmt: skip

_GULLIBLE = _one("ncl/verify/contracts/proof.py", "return not self.gaps and not self.lacking", "return True")
_LOOKING_FAULTS = tuple(
    Fault(name, "certificate", _one("ncl/llama/computer/permit.py", old, new), "ncl.verify.certification.integrity:check")
    for name, old, new in (
        ("the second look compares no bits of tables", "copied(tensor) == self.copies.get(name)", "name in self.copies"),
        ("the second look compares no dtypes", "return str(tensor.dtype), tuple", 'return "", tuple'),
        ("the second look leaves out tables that came", "sorted({*tables, *self.copies})", "sorted(self.copies)"),
        ("the second look does not count what was written in place", "-1 if p.is_inference() else p._version", "-1"),
        ("the second look takes moved weights for the same", "if digest() == self.backbone:", 'if digest() != "":'),
        ("the second look compares how many programs there are", "all(a is b for a, b in zip(programs, self.programs))", "True"),
        ("the second look leaves out the configuration", "if settings.get(name) != self.settings[name]", "if name not in settings"),
        ("the second look trusts modules that came later", "if loaded - self.known:", "if loaded < self.known:"),
    )
)  # fmt: skip

_VERIFIER_FAULTS = (
    Fault("the prover of contracts believes everything", "verifier", _GULLIBLE, _CONTRACT, ("a sum that wraps",)),
    Fault("the prover of contracts believes what fails on long arrays", "verifier", _GULLIBLE, _CONTRACT, ("a sum that wraps only when long",)),
    Fault("the prover of contracts believes what fails on large numbers", "verifier", _GULLIBLE, _CONTRACT, ("large numbers",)),
    Fault("the prover of contracts believes what nothing meets", "verifier", _GULLIBLE, _CONTRACT, ("a contradiction",)),
    Fault("the prover of contracts believes of a loop that nothing enters", "verifier", _GULLIBLE, _CONTRACT, ("a loop without a round",)),
    Fault("the lift reads at least as above", "verifier", _one("ncl/verify/smt/lift_rules.py", '_compare("ge", lambda x, y: x >= y)', '_compare("ge", lambda x, y: x > y)'), _STEPS, ("rules", 8)),
    Fault("the solver compares words with their signs", "verifier", _one("ncl/verify/smt/algebra.py", "z3.ULT(x, y)", "x < y"), _ALGEBRA, ("less", 16)),
    Fault("what a model raises is taken for right", "verifier", _one(_CONFORMANCE, "            return fault\n", "            return self.meaning(arguments)\n"), _MODELS),
    Fault("of a model's lists nothing is compared", "verifier", _one(_CONFORMANCE, "and got == expected:", "and (isinstance(got, list) or got == expected):"), _MODELS),
    Fault("models are not tried on long lists", "verifier", _one(_CONFORMANCE, "for length in lengths:", "for length in lengths[:5]:"), _MODELS),
    Fault("models are not tried on lists of one word with an exception", "verifier", _one(_CONFORMANCE, "st.lists(places, max_size=SPARSE)", "st.lists(places, max_size=0)"), _MODELS),
    Fault("the solver shifts the sign in", "verifier", _one("ncl/verify/smt/algebra.py", "return z3.LShR(x, y)", "return x >> y"), _ALGEBRA, ("shift_right", 16)),
)  # fmt: skip

FAULTS: tuple[Fault, ...] = (
    *_SPEC_FAULTS, *_CIRCUIT_FAULTS, *_KERNEL_FAULTS, *_BYTES_FAULTS, *compiler_faults.FAULTS, *_STEP_FAULTS,
    *_NUMERIC_FAULTS, *_TEMPERATURE_FAULTS, *_SOFT_FAULTS, *_CERTIFICATE_FAULTS, *_COVERAGE_FAULTS, *_LOOKING_FAULTS, *_VERIFIER_FAULTS,
    *contract_faults.FAULTS, *fuzzer_faults.FAULTS,
)  # fmt: skip

# Checkers spoiled in the ways in which checkers do get spoiled.
BROKEN: tuple[Broken, ...] = (
    Broken("enumeration stops at one bit", _one("ncl/verify/ops/exhaustive.py", "ONEHOT_WIDTH = 6", "ONEHOT_WIDTH = 1"), "one-hot subtraction adds"),
    Broken("a circuit is compared with itself", (
        Edit("ncl/verify/ops/exhaustive.py", "expected_P, got_P = table(opcode, width), run(circuit, opcode, x_P, y_P, width)", "expected_P, got_P = [run(circuit, opcode, x_P, y_P, width)] * 2"),
        Edit("ncl/verify/ops/exhaustive.py", "        if got != spec(opcode, width, x, y):", "        if got != got:"),
    ), "the loop's less is at most"),
    Broken("a lost counterexample is unknown, and unknown is green", (
        Edit("ncl/verify/ops/symbolic.py", 'if answer.said == "sat" and', 'if answer.said == "never" and'),
        Edit("ncl/verify/engine/obligation.py", 'frozenset({"proved", "proved-bounded", "tested"})', 'frozenset({"proved", "proved-bounded", "tested", "unknown"})'),
    ), "the high half of a product is put too low"),
    Broken("side conditions are not proved", _one("ncl/verify/step/check.py", "false = z3.Not(every([condition for _, condition in conditions]))", "false = z3.BoolVal(False)"), "the stack is read at -1"),
    Broken("premises contradict each other and nobody looks", (
        Edit("ncl/verify/step/inputs.py", 'found.append(inputs.true_size("memory_size") <= number(1 << inputs.width))', "found.append(z3.BoolVal(False))"),
        Edit("ncl/verify/step/check.py", "    if empty:\n", "    if not empty:\n"),
    ), "the step's budget is a tick too long"),
    Broken("what is proved is not run", _one("ncl/verify/contracts/check.py", "    if tried.found:\n        return _refuted(tried.found, function)\n    if tried.lost", "    tried.found = None\n    if tried.lost"), "the prover of contracts believes everything"),
    Broken("only short arrays are tried", _one("ncl/verify/contracts/inputs.py", "min(longest, self.top, sizes.memory)", "min(longest, self.top, sizes.memory, 4)"), "the prover of contracts believes what fails on long arrays"),
    Broken("literals do not count when widths are chosen", (
        Edit("ncl/verify/contracts/inputs.py", "        yield node.value\n", "        yield 0\n"),
        Edit("ncl/verify/contracts/search.py", "    (16, 200, 16),\n    (32, 120, 12),\n", ""),
        Edit("ncl/verify/contracts/solver_inputs.py", "WIDTHS = (3, 4, 8, 16, 32)", "WIDTHS = (3, 4, 8)"),
        Edit("ncl/verify/contracts/check.py", "    if hollow := _hollow(function, tried):", "    if hollow := None:"),
        Edit("ncl/verify/contracts/check.py", "    if sieve.refuted < WRONG:", "    if not sieve:"),
    ), "the prover of contracts believes what fails on large numbers"),
    Broken("nobody asks whether requires can be met", (
        Edit("ncl/verify/contracts/check.py", "    if hollow := _hollow(function, tried):", "    if hollow := None:"),
        Edit("ncl/verify/contracts/check.py", "    if sieve.refuted < WRONG:", "    if not sieve:"),
    ), "the prover of contracts believes what nothing meets"),
    Broken("loops need not be entered", _one("ncl/verify/contracts/vacuity.py", 'Mark("head", name, statement.position), Mark("round", name, statement.position)]', 'Mark("head", name, statement.position)]'), "the prover of contracts believes of a loop that nothing enters"),
    Broken("golden examples are skipped", _one("ncl/verify/runs/golden.py", "    if faults:\n", "    if not count:\n"), "the spec's at most is below"),
    Broken("executors always agree", _one("ncl/verify/engine/executors.py", "return mine.same_meaning(theirs)", "return True"), "ast_to_blocks does not swap the operands of >"),
    Broken("a program is compared with itself", _one("ncl/verify/runs/differential.py", "again, _ = compile_function(function, program.sizes)", "again = program"), "a load from another place than compiled"),
    Broken("whatever happens counts as refused", _one("ncl/verify/certification/tampering.py", '    return "let through"', '    return ""'), "the seal is not compared"),
    Broken("rules are compared with nothing", _one("ncl/verify/smt/rule_tests.py", "if expected.reshape(-1).tolist() != past:", "if not past:"), "the lift reads at least as above"),
    Broken("weights are scanned for NaN only", _one("ncl/verify/certification/obligations.py", "not bool(tensor.isfinite().all())", "bool(tensor.isnan().any())"), "an Inf among the weights"),
    Broken("soft operands are not tried", _one("ncl/verify/ops/pushforward.py", "        if _parted(form, masses, constants_P, torch.float64):\n            return _refuted(form, masses, constants_P)\n        if fault", "        if fault"), "every chunk takes the first rows"),
    Broken("gradients are compared with nothing", _one("ncl/properties/gradients.py", "    if not function(*given).requires_grad:\n        return", "    if function(*given).requires_grad:\n        return"), "equality has no gradient to its left"),
    *compiler_faults.BROKEN,
    Broken("no row is tried", _one("ncl/verify/runs/temperature.py", "    for row in _rows():", "    for row in [*_rows()][:0]:"), "hard is only nearly hard"),
)  # fmt: skip

# Harmless edits: other text, same meaning, which every checker must accept.
RIGHT: tuple[Fault, ...] = (
    Fault("a sum the other way round", "step", _one(_STEP, "heap_B = state.hp_B + rb_B", "heap_B = rb_B + state.hp_B"), _STEPS, ("hp", 8)),
    Fault("a dead node in the step", "step", _one(_STEP, "    ra_B = _read(", "    dead_B = target_B + 1\n    ra_B = _read("), _STEPS, ("registers", 8)),
    Fault("a difference cut without N", "ops", _one(_INTEGER, "(x - y + (1 << width))", "(x - y)"), _CIRCUIT, ("subtract", 16)),
    Fault("at most as below or equal", "ops", _one(_OPS, "_truth(k, k.negate(k.less(y, x)))", "_truth(k, k.either(k.less(x, y), k.equal(x, y)))"), _GOLDEN, (30,)),
    Fault("copies added from the last to the first", "ops", _one(_ONEHOT, "for shift in range(short_PY.shape[-1]):", "for shift in reversed(range(short_PY.shape[-1])):"), _HOT, ("add",)),
    Fault("a bound asked the other way round", "kernel", _one(_KERNEL, "if registers[a] >= registers[b]", "if not registers[a] < registers[b]"), _LOOP, (15,)),
    Fault("registers are taken from the top", "compiler", _one(_REGISTERS, "choices += [Register(number) for number in range(colours)]", "choices += [Register(number) for number in reversed(range(colours))]"), _SOURCE, ("insertion_sort",)),
    Fault("powers normalised once more", "temperature", _one(_HEAT, "top_1 = p_N.amax(-1, keepdim=True)", "top_1 = p_N.max(-1, keepdim=True).values"), _TEMPERATURE, ("sharpening",)),
    Fault("faults listed in another order", "certificate", _one(_GATE, "for name, requirement in required.items():", "for name, requirement in reversed(list(required.items())):"), _TAMPERING),
    Fault("a gradient by another formula", "soft", _one(_ONEHOT, "(x_PS * y_PS).sum(-1)", "(y_PS * x_PS).sum(-1)"), _GRADIENT, ("equal",)),
)  # fmt: skip

# They look like faults, and their checkers prove that they are none.
EQUIVALENT: tuple[Equivalent, ...] = (
    Equivalent(Fault("a shift by W is let in", "ops", _one(_INTEGER, "within = (y < width) * 1\n    return (x >>", "within = (y <= width) * 1\n    return (x >>"), _CIRCUIT, ("shift_right", 16)),
               "a word is below 2^W, so moved right by W it is 0 anyway"),
    Equivalent(Fault("the stack is full only at its depth", "step", _one(_STEP, "state.sp_B >= limits.depth", "state.sp_B == limits.depth"), _STEPS, ("trap", 8)),
               "0 ≤ sp ≤ depth is an invariant, proved of the step and checked by the runner"),
    Equivalent(Fault("the stack is empty below 1", "step", _one(_STEP, "state.sp_B == 0", "state.sp_B < 1"), _STEPS, ("pc", 8)),
               "sp is never negative, by the same invariant"),
)  # fmt: skip
