"""Every command explains itself, and so does its page."""

import re
from pathlib import Path

import pytest
import typer

from ncl.cli.main import COMMANDS, app

NAMES = [command.__name__.rstrip("_") for command in COMMANDS]
PAGE = Path(__file__).parents[2] / "docs" / "commands.md"


@pytest.mark.parametrize("name", NAMES)
def test_a_command_has_help_with_an_example_of_itself(ncl, name):
    ran = ncl(name, "--help")
    assert ran.code == 0
    assert f"Example: ncl {name}" in ran.out
    assert "--json" in ran.out


def test_without_arguments_the_help_is_shown_and_nothing_else(ncl):
    ran = ncl()
    assert (ran.code, ran.err) == (2, "")
    assert all(name in ran.out for name in NAMES)


def test_the_version_is_printed(ncl):
    assert re.fullmatch(r"ncl \d+\.\d+\.\d+\n", ncl("--version").out)


def options_of(name):
    """The long options of a command, --no- forms included, as its parser knows them; without former names."""
    command = typer.main.get_command(app).commands[name]
    return {
        o
        for p in command.params
        if not getattr(p, "hidden", False)
        for o in (*p.opts, *p.secondary_opts)
        if o.startswith("--")
    } - {"--help"}


@pytest.mark.parametrize("name", NAMES)
def test_the_page_has_a_section_for_the_command_with_every_option_and_an_example(name):
    text = PAGE.read_text(encoding="utf-8")
    section = re.search(rf"^## `ncl {name}`\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    assert section, f"docs/commands.md has no section for {name}"
    missing = {o for o in options_of(name) if f"`{o}" not in section[1]} - {"--json"}
    assert not missing
    assert f"$ ncl {name}" in section[1] and "--json" in section[1]


def test_the_training_page_has_every_field_of_a_configuration():
    from ncl.training.from_scratch.config import ModelConfig, TrainConfig

    text = (PAGE.parent / "training.md").read_text(encoding="utf-8")
    fields = [*TrainConfig.model_fields, *(f"model.{name}" for name in ModelConfig.model_fields)]
    assert not [name for name in fields if f"| `{name}` |" not in text and name != "model"]
