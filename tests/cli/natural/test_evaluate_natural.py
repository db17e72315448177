"""`ncl evaluate` on a natural run: prompts of a file, the held-out exam, systems beside, and what is refused."""

import json
import shutil

import pytest
from safetensors.torch import load_file, save_file

ROWS = [
    {"prompt": "Sort 5, 3, 9, 2.", "answer": [2, 3, 5, 9], "task": "sort", "length": 4, "calls": 1},
    {"prompt": "Reverse 5, 3, 9.", "answer": [9, 3, 5], "task": "reverse", "length": 3, "phrasing": "mine"},
    {"prompt": "Put 7, 1 in order.", "answer": [7, 1], "task": "sort", "length": 2},
    {"prompt": "Sort 4.", "answer": 4},
    {"prompt": "How are you?", "answer": None},
    {"prompt": "Sort 8, 6.", "answer": None, "task": "chat"},
]


@pytest.fixture
def prompts(here):
    """`prompts(rows)`: the name of a file of them."""

    def write(rows=ROWS):
        (here / "prompts.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n\n", encoding="utf-8")
        return "prompts.jsonl"

    return write


def cells(ran):
    assert ran.code == 0, ran.err
    return {(c["task"], c["length"], c["phrasing"], c["calls"], c["system"]): c for c in ran.document["cells"]}


def test_every_prompt_of_a_file_is_asked_and_counted_in_its_cell(ncl, fitted, prompts):
    found = cells(ncl("evaluate", str(fitted), "--prompts", prompts(), "--json"))
    assert {key: (c["exact"], c["n"]) for key, c in found.items()} == {
        ("sort", 4, "given", 1, "ncl"): (1.0, 1), ("reverse", 3, "mine", 1, "ncl"): (1.0, 1),
        ("sort", 2, "given", 1, "ncl"): (0.0, 1), ("prompts", 1, "given", 1, "ncl"): (1.0, 1),
        ("chat", 0, "given", 0, "ncl"): (0.5, 2),
    }  # fmt: skip
    assert all(0 <= c["interval"][0] <= c["exact"] <= c["interval"][1] <= 1 for c in found.values())


def test_the_adapter_alone_will_do_in_either_dtype(ncl, fitted, prompts, here):
    shutil.copytree(fitted / "adapter", here / "moved")
    file = prompts()
    whole = cells(ncl("evaluate", str(fitted), "--prompts", file, "--json"))
    assert cells(ncl("evaluate", "moved", "--prompts", file, "--float32", "--json")) == whole


def test_all_arms_answer_the_same_prompts_and_every_answer_is_written(ncl, fitted, prompts, here):
    systems = ("--baseline", "base", "--baseline", "base-few-shot", "--baseline", "tool")
    ran = ncl("evaluate", str(fitted), "--prompts", prompts(), *systems, "--answers", "answers.jsonl", "--json")
    found = cells(ran)
    for system in ("base", "base-few-shot", "tool"):
        mine = [c for key, c in found.items() if key[-1] == system]
        assert len(mine) == 4 and {c["exact"] for c in mine} == {0.0}, "random weights answer nothing"
        assert all(("parsed" in c) == (system == "tool") for c in mine)
    lines = [json.loads(line) for line in (here / "answers.jsonl").read_text().splitlines()]
    assert len(lines) == len(ROWS) + 3 * 4
    first = lines[0]
    assert (first["prompt"], first["answer"], first["exact"]) == (ROWS[0]["prompt"], "2, 3, 5, 9", True)
    (call,) = first["calls"]
    assert (call["program"], call["tape"], call["result"]) == ("insertion_sort", [5, 3, 9, 2], [2, 3, 5, 9])


def test_without_a_file_the_held_out_exam_is_asked(ncl, fitted):
    options = ("--task", "reverse", "--task", "chat", "--length", "3", "--length", "300", "--n", "1", "--n-long", "1",
               "--chat", "4", "--phrasing", "seen", "--seed", "2")  # fmt: skip
    found = cells(ncl("evaluate", str(fitted), *options, "--json"))
    assert {key[:4] for key in found if key[0] != "chat"} == {("reverse", 3, "seen", 1), ("reverse", 300, "seen", 1)}
    assert {key[3] for key in found if key[0] == "chat"} == {0}
    marked = {key[1] for key, c in found.items() if c.get("beyond_context")}
    assert marked == {300}, "512 positions"
    assert {c["seed"] for c in found.values()} == {2}


def test_the_table_has_a_row_a_task_phrasing_and_model(ncl, fitted, prompts):
    out = ncl("evaluate", str(fitted), "--prompts", prompts()).out
    assert "phrasing" in out and "mine" in out and "of 2" in out
    many = [{"prompt": f"Sort {', '.join('1' * n)}.", "answer": [1] * n} for n in range(1, 9)]
    assert ncl("evaluate", str(fitted), "--prompts", prompts(many)).out.count("prompts") == 8


def test_a_spoiled_run_regresses(ncl, run, prompts, here):
    rows = [{**ROWS[0], "prompt": f"Sort {n}, 5, 3.", "answer": sorted([n, 5, 3]), "length": 3} for n in range(40, 60)]
    file = prompts(rows)
    base = ncl("evaluate", "run", "--prompts", file, "--json")
    (here / "base.json").write_text(base.out)
    assert [c["exact"] for c in base.document["cells"]] == [1.0]
    spoiled = here / "run" / "adapter" / "readers.safetensors"
    weights = load_file(spoiled)
    save_file({name: -tensor for name, tensor in weights.items()}, spoiled)
    refused = ncl("evaluate", "run", "--prompts", file)
    assert refused.code == 1 and "readers" in refused.err, "an edited adapter does not load"
    (here / "worse.json").write_text(json.dumps({"cells": [{**base.document["cells"][0], "exact": 0.0}]}))
    assert ncl("regress", "worse.json", "--baseline", "base.json").code == 1
    assert ncl("regress", "base.json", "--baseline", "base.json").code == 0


@pytest.mark.parametrize(
    "line, told",
    [
        ("[1]", "line 1"), ('{"prompt": "x"}', "'answer'"), ('{"answer": 1}', "'prompt'"), ("{", "line 1"),
        ('{"prompt": "x", "answer": "1"}', "whole number"), ('{"prompt": "x", "answer": [true]}', "whole number"),
        ('{"prompt": 3, "answer": 1}', "no text"), ('{"prompt": "x", "answer": 1, "length": -1}', "length"),
        ('{"prompt": "x", "answer": 1, "calls": "two"}', "whole number"), ("", "no prompt"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_refused_with_the_line(ncl, fitted, here, line, told):
    (here / "bad.jsonl").write_text(line)
    error = ncl("evaluate", str(fitted), "--prompts", "bad.jsonl", "--json").document["error"]
    assert (error["class"], error["where"]) == ("FormatError", "bad.jsonl") and told in error["message"]


@pytest.mark.parametrize(
    "typed, told",
    [
        ("--prompts nix.jsonl", "no such file"),
        ("--prompts good.jsonl --length 5", "replaces the held-out"),
        ("--prompts good.jsonl --chat 0", "replaces the held-out"),
        ("--baseline lora", "no baseline lora"),
        ("--task nix", "no task nix"),
        ("--length 0", "lengths 0"),
        ("--phrasing nix", "no phrasing nix"),
        ("--prompts good.jsonl --answers .", "folder"),
        ("--prompts good.jsonl --base nix", "no such model"),
    ],
)
def test_what_cannot_be_asked_is_refused(ncl, fitted, here, typed, told):
    (here / "good.jsonl").write_text(json.dumps(ROWS[0]))
    ran = ncl("evaluate", str(fitted), *typed.split())
    assert (ran.code, ran.out) == (2, "") and told in ran.err


@pytest.mark.parametrize("option", [("--prompts", "prompts.jsonl"), ("--baseline", "base"), ("--phrasing", "seen")])
def test_a_tiny_checkpoint_refuses_what_belongs_to_natural_ones(ncl, runs, prompts, option):
    prompts()
    ran = ncl("evaluate", str(runs / "ncl"), *option)
    assert ran.code == 2 and "natural recipe" in ran.err and option[0] in ran.err


def test_another_base_is_refused(ncl, fitted, base, here, prompts):
    shutil.copytree(base.source, here / "other")
    file = here / "other" / "model.safetensors"
    weights = load_file(file)
    weights["model.norm.weight"] += 1
    save_file(weights, file, metadata={"format": "pt"})
    ran = ncl("evaluate", str(fitted), "--prompts", prompts(), "--base", "other")
    assert ran.code == 1 and "fitted to the base" in ran.err
