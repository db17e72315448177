"""Printed numbers of integer circuits, the lift's rules, the gate and translation, counted again from what was done."""

import re
from collections import Counter, defaultdict
from types import SimpleNamespace

import numpy as np
import pytest

from ncl import library
from ncl.build import Compiled, sizes_for
from ncl.language.opcodes import UNARY, Opcode
from ncl.verify.certification import tampering, weak_policies
from ncl.verify.ops import exhaustive, symbolic
from ncl.verify.smt import rule_tests
from ncl.verify.translation import check as translation_check
from ncl.verify.translation import segment


@pytest.mark.parametrize("opcode", [Opcode.SUBTRACT, Opcode.INVERT])
def test_integer_circuits_are_computed_on_all_words_and_lifted_at_their_width(monkeypatch, opcode):
    real, lift, seen, lifted = exhaustive.run, symbolic.check, defaultdict(list), []

    def run(which, op, x_P, y_P, width):
        assert (which, op) == ("integer", opcode)
        seen[width].append(np.asarray(x_P) if op in UNARY else np.asarray(x_P) * (1 << width) + np.asarray(y_P))
        return real(which, op, x_P, y_P, width)

    def check(op, width):
        lifted.append((op, width))
        return lift(op, width)

    monkeypatch.setattr(exhaustive, "run", run)
    monkeypatch.setattr(symbolic, "check", check)
    outcome = exhaustive.check_integer(opcode.mnemonic, 16)
    told = re.fullmatch(r"W = 1 … (\d+) all operands; W = (\d+) lifted to the solver", outcome.bound)
    most, width = map(int, told.groups())
    arity = 1 if opcode in UNARY else 2
    assert {w: len(np.unique(np.concatenate(rows))) for w, rows in seen.items()} == {
        w: (1 << w) ** arity for w in range(1, most + 1)
    }
    assert lifted == [(opcode, width)] and outcome.limits == {"width": width, "enumerated_width": most}


def test_rules_are_compared_on_as_many_entries_as_they_say(monkeypatch):
    real, once, entries = rule_tests._entries, rule_tests._compare_once, Counter()

    def counted(lifted, context):
        shape, found = real(lifted, context)
        entries["all"] += sum(fine for _, fine in found)
        return shape, found

    def compared(name, *rest):
        entries[name] += 1
        entries["all"] += name == "aten.sym_size.int"
        return once(name, *rest)

    monkeypatch.setattr(rule_tests, "_entries", counted)
    monkeypatch.setattr(rule_tests, "_compare_once", compared)
    rule_tests._once.cache_clear()
    names = sorted(rule_tests._MAKERS)[:8]
    nodes = [SimpleNamespace(op="call_function", target=name) for name in (*names, *names)]
    outcome = rule_tests.check_used(SimpleNamespace(graph=SimpleNamespace(nodes=nodes)))
    count, rules = map(int, re.fullmatch(r"(\d+) entries over (\d+) rules", outcome.bound).groups())
    assert (count, rules) == (entries.pop("all"), len(entries)) == (outcome.limits["samples"], outcome.limits["rules"])


def test_the_gate_refuses_as_many_as_it_says(monkeypatch):
    tried, policies = [], []
    fault, refusal = tampering.fault_of, weak_policies.refusal

    def fault_of(trial, case):
        tried.append(trial.name)
        return fault(trial, case)

    def refused(change):
        policies.append(change)
        return refusal(change)

    monkeypatch.setattr(tampering, "fault_of", fault_of)
    monkeypatch.setattr(weak_policies, "refusal", refused)
    outcome = tampering.check()
    told = re.match(r"(\d+) tamperings and (\d+) hollow policies refused, ", outcome.bound)
    assert [int(n) for n in told.groups()] == [len(set(tried)), len(policies)]
    assert outcome.limits == {"trials": len(tried)}


@pytest.mark.parametrize("name", ["count", "insertion_sort"])
def test_segments_ends_and_questions_are_those_of_the_walk(monkeypatch, name):
    compiled = Compiled.of(library.get(name), sizes_for(16))
    asked, walked = [], []
    question, walk = segment.satisfiable, segment.Walk.run

    def satisfiable(terms, seconds):
        asked.append(terms)
        return question(terms, seconds)

    def run(self, *nodes):
        walked.append(self)
        return walk(self, *nodes)

    monkeypatch.setattr(segment, "satisfiable", satisfiable)
    monkeypatch.setattr(segment.Walk, "run", run)
    outcome = translation_check.check(compiled.function, compiled.program, compiled.witness)
    told = re.fullmatch(r"(\d+) segments with (\d+) ends, (\d+) questions to the solver", outcome.detail)
    assert [int(n) for n in told.groups()] == [len(walked), sum(one.ends for one in walked), len(asked)]
    assert [int(n) for n in told.groups()] == [outcome.limits[n] for n in ("segments", "ends", "questions")]
