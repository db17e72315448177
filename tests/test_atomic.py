"""Files are whole or not there, for whom umask says, and what is no file is not taken away."""

import os
from pathlib import Path

import pytest

from ncl import atomic


@pytest.mark.parametrize("mask, mode", [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_umask_says_who_may_read(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        atomic.write_text(tmp_path / "made" / "x", "ü")
    finally:
        os.umask(before)
    assert (tmp_path / "made" / "x").stat().st_mode & 0o777 == mode
    assert (tmp_path / "made" / "x").read_bytes() == "ü".encode()


def test_what_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    atomic.write_text(tmp_path / "x", "old")
    with pytest.raises(RuntimeError), atomic.file(tmp_path / "x") as beside:
        beside.write_text("half")
        raise RuntimeError
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("x", "old")]


def test_a_pipe_is_written_to_and_stays(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    atomic.write_text(tmp_path / "pipe", "told")
    assert os.read(reader, 10) == b"told" and (tmp_path / "pipe").is_fifo()
    os.close(reader)


def test_asking_makes_no_folder_and_leaves_nothing(tmp_path):
    atomic.probe(tmp_path / "not" / "yet" / "x")
    atomic.probe(Path("/dev/null"))
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_written_is_told_when_asked(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "x", tmp_path / ("x" * 300), tmp_path / "not" / ("x" * 300)):
        with pytest.raises(OSError):
            atomic.probe(path)
