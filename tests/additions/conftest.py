"""Additions are made on a copy of the packages and tried in a process that sees the copy before anything else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ncl.verify.mutation import laboratory
from ncl.verify.mutation.laboratory import Edit

sys.path.insert(0, str(Path(__file__).parent))


class Copy:
    """The packages in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *command: str, code: int = 0) -> str:
        """What a Python command prints, errors behind; it must end with this code."""
        paths = {"PYTHONPATH": str(self.folder), "NCL_CACHE_DIR": str(self.folder / "cache")}
        done = subprocess.run(
            [sys.executable, *command], cwd=self.folder, env={**os.environ, **paths, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path


@pytest.fixture
def copy_with(tmp_path):
    """A copy of the packages with these edits: (file, old, new) each."""

    def make(*edits: tuple[str, str, str]) -> Copy:
        folder = tmp_path / "copy"
        folder.mkdir()
        laboratory.plant([Edit(*edit) for edit in edits], folder)
        return Copy(folder)

    return make
