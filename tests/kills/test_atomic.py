"""A file or folder is the old or the new one, whenever its writer dies; the next writer leaves nothing else behind."""

import os
import resource
import stat

import pytest
import torch
from deaths import deaths, temporaries
from safetensors.torch import save_file

from ncl import atomic


def put(place, content):
    with atomic.folder(place) as fresh:
        (fresh / "inner").mkdir()
        (fresh / "inner" / "a").write_text(content)
        (fresh / "b").write_text(content)


def told(place):
    return {(place / "inner" / "a").read_text(), (place / "b").read_text()}


@pytest.fixture(params=["exchanged", "set aside"])
def way(request, monkeypatch):
    """Both ways to put a folder where another is; the second is that of systems that cannot exchange two."""
    if request.param == "set aside":
        monkeypatch.setattr(atomic, "_exchanged", lambda one, other: False)
    return request.param


def test_a_folder_is_the_old_or_the_new_one_wherever_its_writer_dies(tmp_path, way):
    place, count = tmp_path / "place", 0
    put(place, "old")
    for count in deaths(lambda: put(place, "new")):  # noqa: B007
        assert way == "set aside" or place.exists()
        atomic.recover(place)
        assert told(place) in ({"old"}, {"new"})
        put(place, "old")
        assert told(place) == {"old"} and os.listdir(tmp_path) == ["place"]
    assert count > 8 and told(place) == {"new"}


def test_a_file_is_the_old_or_the_new_one_wherever_its_writer_dies(tmp_path):
    path, count = tmp_path / "file", 0
    atomic.write_text(path, "old")
    for count in deaths(lambda: atomic.write_text(path, "new")):  # noqa: B007
        assert path.read_text() in ("old", "new")
        atomic.write_text(path, "old")
        assert os.listdir(tmp_path) == ["file"]
    assert count > 3 and path.read_text() == "new"


def test_what_a_killed_probe_left_goes_with_the_next_one(tmp_path):
    path, count = tmp_path / "not" / "yet" / "file", 0
    for count in deaths(lambda: atomic.probe(path)):  # noqa: B007
        atomic.probe(path)
        assert os.listdir(tmp_path) == []
    assert count > 1


def test_what_a_killed_workspace_left_goes_with_the_next_writing(tmp_path):
    def work():
        with atomic.workspace(tmp_path) as made:
            put(made / "place", "new")

    for _ in deaths(work):
        atomic.sweep(tmp_path)
        assert not temporaries(tmp_path)


def test_a_writer_at_work_is_not_swept_away_by_another(tmp_path):
    with atomic.workspace(tmp_path) as made, atomic.folder(tmp_path / "place") as fresh:
        (fresh / "b").write_text("here")
        atomic.write_text(tmp_path / "file", "text")
        atomic.sweep(tmp_path)
        assert made.is_dir() and (fresh / "b").read_text() == "here"
    assert sorted(os.listdir(tmp_path)) == ["file", "place"]


def test_what_fails_leaves_what_was_there(tmp_path, way):
    put(tmp_path / "place", "old")
    with pytest.raises(RuntimeError), atomic.folder(tmp_path / "place") as fresh:
        (fresh / "b").write_text("new")
        raise RuntimeError
    atomic.write_text(tmp_path / "file", "old")
    with pytest.raises(RuntimeError), atomic.file(tmp_path / "file") as fresh:
        fresh.write_text("new")
        raise RuntimeError
    assert told(tmp_path / "place") == {"old"} and (tmp_path / "file").read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == ["file", "place"]


@pytest.fixture
def full():
    """A disk on which no file grows past 300 bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("write", [
    lambda path: atomic.write_bytes(path, b"x" * 1000),
    lambda path: write_tensors(atomic.file(path)),
    lambda path: write_tensors(atomic.folder(path), "inner"),
])  # fmt: skip
def test_a_full_disk_is_an_error_of_the_system_whoever_writes_and_leaves_nothing(tmp_path, full, write):
    with pytest.raises(OSError, match="too large"):
        write(tmp_path / "place")
    assert os.listdir(tmp_path) == []


def write_tensors(writing, *inside):
    with writing as fresh:
        save_file({"x": torch.zeros(1000)}, fresh.joinpath(*inside))


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077])
def test_modes_follow_the_umask_whoever_writes_the_bytes(tmp_path, umask):
    before = os.umask(umask)
    try:
        with atomic.folder(tmp_path / "place") as fresh:
            os.close(os.open(fresh / "private", os.O_CREAT, 0o600))
        with atomic.file(tmp_path / "file") as path:
            path.unlink()
            os.close(os.open(path, os.O_CREAT, 0o600))
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("place", "place/private", "file")]
    assert modes == [0o777 & ~umask, 0o666 & ~umask, 0o666 & ~umask]


def test_what_a_link_points_to_is_written_and_a_pipe_stays_one(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere" / "file")
    atomic.write_text(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "elsewhere" / "file").read_text() == "text"
    (tmp_path / "null").symlink_to("/dev/null")
    atomic.write_text(tmp_path / "null", "text")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
