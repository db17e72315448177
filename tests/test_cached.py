"""Where caches are, as a user says it or as the system has it."""

import os
import sys
from pathlib import Path

import pytest

from ncl import cached
from ncl.errors import InputError


@pytest.fixture
def nothing_said(monkeypatch):
    monkeypatch.delenv("NCL_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)


def test_what_the_user_says_wins(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    monkeypatch.setenv("NCL_CACHE_DIR", str(tmp_path))
    assert cached.folder() == tmp_path


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other places")
def test_on_linux_it_is_below_the_home_folder_or_where_the_desktop_says(monkeypatch, nothing_said):
    monkeypatch.setenv("HOME", "/home/ada")
    assert cached.folder() == Path("/home/ada/.cache/ncl")
    monkeypatch.setenv("XDG_CACHE_HOME", "/fast/disk")
    assert cached.folder() == Path("/fast/disk/ncl")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other places")
def test_a_user_without_a_home_folder_is_told_what_to_say(monkeypatch, nothing_said):
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # what it does for a user without an entry
    with pytest.raises(InputError, match="no home folder") as told:
        cached.folder()
    assert "NCL_CACHE_DIR" in told.value.remedy
