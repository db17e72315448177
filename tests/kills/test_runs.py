"""A killed command is gone on with, and then is what it would have been: bytes, documents, and nothing left behind."""

import os
import shutil

import pytest
from deaths import dies
from runs import Count, finish, in_peace, killed_at_random

KILLS = int(os.environ.get("NCL_KILLS", "200"))


def die_everywhere(command, step=1):
    """It dies at every `step`-th change of a file, and each time is gone on with."""
    wanted, _ = in_peace(command)
    before, count = 1, Count()
    while True:
        shutil.rmtree(command.place)
        command.place.mkdir()
        if not dies(command.begin, before):
            return before
        finish(command, wanted, count)
        assert not count.wrong, (before, count.wrong)
        before += step


@pytest.mark.parametrize(("name", "step"), [("compile", 5), ("tiny", 97), ("natural", 61)])
def test_a_command_may_die_at_changes_of_files(commands, name, step):
    assert die_everywhere(commands[name], step) > step


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["compile", "tiny", "natural"])
def test_a_command_may_die_at_every_change_of_a_file(commands, name):
    assert die_everywhere(commands[name]) > 10


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["verify", "certify"])
def test_a_proof_may_die_at_changes_of_files(commands, name):
    assert die_everywhere(commands[name], 97) > 97


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["compile", "verify", "certify", "tiny", "natural"])
def test_a_command_may_be_killed_at_random_moments(commands, name):
    count = killed_at_random(commands[name], KILLS // 5, seed=0)
    assert not count.wrong and count.kills >= KILLS // 5, count
    print(f"{name}: {count.kills} kills, {count.resumed} resumed to the same, {count.nothing_yet} before anything")
