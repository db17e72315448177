"""`ncl train` from an installation in which one line of the machine's step was edited: refused in one line, exit 1."""

import subprocess
import sys

from ncl.sources import copy_to

PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]); from ncl.cli.main import run_main; sys.exit(run_main(sys.argv[2:]))"
)


def test_one_edited_line_of_the_step_stops_the_trainer(small, artefact, tmp_path):
    copy = tmp_path / "installed"
    copy_to(copy)
    step = copy / "ncl" / "machine" / "step.py"
    text = step.read_text(encoding="utf-8")
    assert text.count("state.ticks_B >= limits") == 1
    step.write_text(text.replace("state.ticks_B >= limits", "state.ticks_B > limits"), encoding="utf-8")
    config = tmp_path / "config.json"
    config.write_text(small.model_dump_json(), encoding="utf-8")
    options = ["train", str(config), "--artefact", str(artefact), "--out", str(tmp_path / "run")]
    command = [sys.executable, "-P", "-c", PROGRAM, str(copy), *options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    lines = [line for line in done.stderr.splitlines() if line.startswith("ncl: ")]
    assert done.returncode == 1 and done.stdout == ""
    assert len(lines) == 1 and "sources machine" in lines[0] and "language" not in lines[0]
    assert not (tmp_path / "run").exists()
