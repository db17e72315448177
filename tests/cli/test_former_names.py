"""Former flags and fields on the command line: they do what the current ones do, and a line names those."""

import json

import pytest
import typer

from ncl.cli.main import app

SAID = "ncl: --arm is named --system; the former name works in this version only"


def evaluation(**fields):
    return json.dumps({"cells": [{"task": "sort", "length": 1, **fields, "n": 4, "exact": 0.5}]})


def test_a_former_flag_works_and_names_the_current_one(ncl, here):
    (here / "run.json").write_text(evaluation(system="plain"))
    ran = ncl("regress", "run.json", "--baseline", "run.json", "--arm", "plain", "--json")
    assert ran.code == 0 and [c["system"] for c in ran.document["cells"]] == ["plain"]
    assert ran.err.splitlines() == [SAID]


def test_both_names_of_a_flag_at_once_are_refused(ncl, here):
    (here / "run.json").write_text(evaluation(system="ncl"))
    ran = ncl("regress", "run.json", "--baseline", "run.json", "--arm", "ncl", "--system", "ncl")
    assert ran.code == 2 and "former name of --system" in ran.err


def test_former_fields_of_a_file_are_one_line(ncl, here):
    (here / "run.json").write_text(evaluation(arm="ncl"))
    (here / "base.json").write_text(evaluation(system="ncl"))
    ran = ncl("regress", "run.json", "--baseline", "base.json")
    assert ran.code == 0
    assert ran.err.splitlines() == ["ncl: run: `arm` is named `system`; the former name works in this version only"]


def test_a_former_flag_of_the_natural_recipe_is_known_where_it_does_not_belong(ncl, here):
    ran = ncl("train", "tiny", "--arm", "lora")
    assert ran.code == 2 and SAID in ran.err and "natural recipe" in ran.err


def test_the_former_flag_of_a_chat_works_and_both_at_once_are_refused(ncl, here):
    said = "ncl: --most is named --max-new-tokens; the former name works in this version only"
    ran = ncl("chat", ".", "--prompt", "Sort 3, 1.", "--most", "4")
    assert ran.code == 2 and said in ran.err and "no run of the natural recipe" in ran.err
    ran = ncl("chat", ".", "--prompt", "Sort 3, 1.", "--most", "4", "--max-new-tokens", "4")
    assert ran.code == 2 and "former name of --max-new-tokens" in ran.err


@pytest.mark.parametrize(
    ("name", "flag"),
    [("train", "--arm"), ("evaluate", "--arm"), ("regress", "--arm"), ("demo", "--arm"), ("chat", "--most")],
)
def test_former_flags_are_not_in_the_help(ncl, name, flag):
    command = typer.main.get_command(app).commands[name]
    former = [o for p in command.params if p.hidden for o in p.opts]
    assert flag in former
    assert not any(flag in ncl(name, "--help").out for flag in former)
