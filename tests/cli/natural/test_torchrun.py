"""Several processes at one run, started by torchrun, make what one process makes."""

import json
import os
import subprocess
import sys

import natural_made
import pytest

from ncl.llama.pretrained.base_model import load_base
from ncl.training.pretrained.run import find_run, open_computer

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
ENTRY = "from ncl.cli.main import main; main()"


@pytest.fixture
def small(here, base, granted, config):
    """A configuration that real prompts fit quickly, and the certified library."""
    few = config.model_copy(
        update={
            "steps": 4,
            "single_calls": 30,
            "multiple_lists": 6,
            "two_calls": 6,
            "readers": 3,
            "channels": 8,
            "batch": 8,
        }
    )
    (here / "small.json").write_text(few.model_dump_json(), encoding="utf-8")
    return "small.json", natural_made.certified("ncl", few, base, here / "library", granted)


def run(here, name, recipe, artefact, torchrun):
    (here / "entry.py").write_text(ENTRY)
    command = [*TORCHRUN, "entry.py"] if torchrun else [sys.executable, "entry.py"]
    options = ["--artefact", str(artefact), "--out", name, "--cache", f"{name}-features", "--json"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    found = subprocess.run(
        [*command, "train", recipe, *options], capture_output=True, text=True, env=environment, timeout=400
    )
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


def test_two_processes_fit_the_readers_that_one_fits(here, small):
    one, two = (run(here, name, *small, torchrun) for name, torchrun in (("one", False), ("two", True)))
    assert one["losses"] == two["losses"] and len(one["losses"]) == 3
    first, second = (here / name / "adapter" / "readers.safetensors" for name in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()


AVERAGE = """
import torch
from ncl.training.data.ranks import ranks
here = ranks()
mine, none = torch.full((3,), float(1 + 2 * here.rank)), None
here.average([mine, none])
assert mine.tolist() == [2.0, 2.0, 2.0], mine
assert here.gathered([f"item {i}" for i in here.mine(range(5))], 5) == [f"item {i}" for i in range(5)]
"""


def test_processes_average_what_each_has_and_gather_what_each_made(here):
    (here / "average.py").write_text(AVERAGE)
    found = subprocess.run([*TORCHRUN, "average.py"], capture_output=True, text=True, timeout=200)
    assert found.returncode == 0, found.stderr


def test_a_backbone_that_two_processes_train_is_one(here, small, base):
    """Every process leaves the last step with the same weights, or the digest that it saved is not what loads."""
    recipe, artefact = small
    config = json.loads((here / recipe).read_text())
    (here / recipe).write_text(json.dumps({**config, "backbone": "full", "tune_steps": 3, "tune_batch": 4}))
    told = run(here, "tuned", recipe, artefact, True)
    own = load_base(str(here / "tuned" / "adapter"))
    assert len(told["tuned"]) == 2 and own.digest != base.digest
    assert open_computer(find_run(here / "tuned"), own).permit is not None


def test_the_tiny_recipe_is_refused(here):
    (here / "entry.py").write_text(ENTRY)
    found = subprocess.run([sys.executable, "entry.py", "train", "tiny", "--out", "x"], capture_output=True, text=True,
                           env={**os.environ, "WORLD_SIZE": "2", "RANK": "0"})  # fmt: skip
    assert found.returncode == 2 and "one process" in found.stderr and not (here / "x").exists()
