"""A backbone that is trained along with its readers: what comes out is a model of its own that answers and loads."""

from copy import deepcopy

import natural_made
import pytest
import torch

from ncl.digests import weights_digest
from ncl.llama.pretrained.base_model import load_base
from ncl.llama.pretrained.prompt_units import Window
from ncl.training.pretrained.fine_tuning import _drift
from ncl.training.pretrained.run import find_run, open_computer
from ncl.training.pretrained.system import computer_system
from ncl.training.tasks.natural_prompts import Prompt

# peft asks transformers for a name that it has given up.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")

SORT = Prompt("Sort 5, 1, 4.", (1, 4, 5), "sort", 3, 1, "seen")


@pytest.fixture(scope="module", params=["lora", "full"])
def tuned(request, base, config, granted, tmp_path_factory):
    """The run's folder."""
    if request.param == "lora":
        pytest.importorskip("peft")
    before = weights_digest(base.model)
    wanted = config.model_copy(update={"backbone": request.param, "tune_steps": 6, "tune_batch": 4, "tune_rate": 1e-3})
    with pytest.MonkeyPatch.context() as patch:
        folder = natural_made.trained("ncl", wanted, base, tmp_path_factory.mktemp("tuned"), granted, patch)
    assert weights_digest(base.model) == before == base.digest
    return folder


def test_it_is_a_model_of_its_own_that_answers(tuned, base):
    run = find_run(tuned)
    own = load_base(run.base)
    assert own.digest != base.digest
    (outcome,) = computer_system(open_computer(run, own), own).answer([SORT], lambda count: None)
    assert outcome.exact and outcome.answer.calls[0].program == "insertion_sort"


def test_its_readers_are_not_those_that_were_fitted(tuned, run_folder):
    first, then = (find_run(folder).adapter / "readers.safetensors" for folder in (run_folder, tuned))
    assert first.read_bytes() != then.read_bytes()


def test_it_does_not_load_onto_the_base_that_it_came_from(tuned, base):
    with pytest.raises(Exception, match="fitted to the base"):
        open_computer(find_run(tuned), base)


def drift(folder, base):
    shown = [Window(tuple(base.tokenizer("How are you?")["input_ids"]), (), ())]
    return float(_drift(load_base(find_run(folder).base).model, base.model, shown))


@torch.no_grad()
def test_it_is_held_to_what_the_base_says(tuned, base):
    assert 0 <= drift(tuned, base) < 0.05


@pytest.mark.parametrize("kl_weight", [0.0, 1.0])
def test_it_learns_to_drift_less_as_much_as_it_is_held(base, config, granted, tmp_path, kl_weight):
    """With the last norm in the drift's place, of which readers see nothing."""
    wanted = config.model_copy(update={"backbone": "full", "tune_steps": 3, "tune_rate": 1e-2, "kl_weight": kl_weight})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "ncl.training.pretrained.fine_tuning._drift", lambda llama, before, shown: llama.model.norm.weight.sum()
        )
        folder = natural_made.trained("ncl", wanted, base, tmp_path, granted, patch)
    own = load_base(find_run(folder).base)
    moved = (own.model.model.norm.weight - base.model.model.norm.weight).float()
    assert bool((moved < -0.01).all()) == (kl_weight > 0) and bool((moved <= 0).all())


@torch.no_grad()
def test_drift_is_of_the_next_tokens(base):
    shown, other = [Window(tuple(base.tokenizer("How are you?")["input_ids"]), (), ())], deepcopy(base.model)
    assert float(_drift(other, base.model, shown)) == pytest.approx(0, abs=1e-6)
    torch.nn.init.normal_(other.lm_head.weight)
    assert float(_drift(other, base.model, shown)) > 1


def test_its_steps_are_told(tuned):
    lines = (tuned / "metrics.jsonl").read_text().splitlines()
    assert sum('"reader": "' in line for line in lines) == 6
