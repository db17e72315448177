"""transformers' own `Trainer` trains, saves, trains again and resumes, as its users do."""

import warnings

import pytest
import torch
from safetensors.torch import load_file
from transformers import Trainer, TrainingArguments

from ncl.errors import ConfigurationError
from ncl.llama import NCLLlamaForCausalLM

ROWS = ["reverse 3 1 2 = 2 1 3", "reverse 5 6 = 6 5", "sort 4 2 9 = 2 4 9", "count 4 in 4 4 1 = 2"]


class Rows(torch.utils.data.Dataset):
    def __init__(self, tokenizer):
        self.rows = [tokenizer(text)["input_ids"] for text in ROWS]
        self.sign = tokenizer.convert_tokens_to_ids("=")

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        row, cut = self.rows[i], self.rows[i].index(self.sign) + 1
        return {"input_ids": row, "labels": [-100] * cut + row[cut:], "attention_mask": [1] * len(row)}


@pytest.fixture
def trainer(model, tokenizer, tmp_path):
    def make(steps=4, **options):
        options = {
            "output_dir": str(tmp_path / "out"), "max_steps": steps, "per_device_train_batch_size": 1,
            "per_device_eval_batch_size": 1, "save_steps": 1, "save_total_limit": 2, "eval_strategy": "steps",
            "eval_steps": 1, "load_best_model_at_end": True, "report_to": [], "use_cpu": True, "seed": 3,
            "disable_tqdm": True, "logging_steps": 1, "dataloader_pin_memory": False, "learning_rate": 1e-3, **options,
        }  # fmt: skip
        rows = Rows(tokenizer)
        return Trainer(model, TrainingArguments(**options), train_dataset=rows, eval_dataset=rows,
                       processing_class=tokenizer, data_collator=lambda batch: {
                           name: torch.tensor([row[name] for row in batch]) for name in batch[0]})  # fmt: skip

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch and accelerate about processors without an accelerator
        yield make


def loads(folder):
    return NCLLlamaForCausalLM.from_pretrained(folder).permit is not None


def test_a_trainer_saves_takes_the_best_trains_again_and_resumes(trainer, tokenizer, tmp_path):
    out = tmp_path / "out"
    tokenizer.save_pretrained(out)
    first = trainer()
    first.train()
    first.save_model()
    assert loads(out) and len(list(out.glob("checkpoint-*"))) == 2
    assert all(loads(folder) for folder in out.glob("checkpoint-*"))
    second = trainer(load_best_model_at_end=False)
    second.train()
    second.save_model()
    saved = load_file(out / "model.safetensors")
    assert all(torch.equal(tensor, saved[name]) for name, tensor in second.model.state_dict().items())
    third = trainer(steps=6, load_best_model_at_end=False)
    assert third.train(resume_from_checkpoint=True).global_step == 6
    third.save_model()
    assert loads(out)


# --- the options of save_pretrained ----------------------------------------------------------------------------------


def test_a_state_that_is_given_is_what_is_saved(model, tmp_path):
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state["lm_head.weight"] += 1
    model.save_pretrained(tmp_path / "model", state_dict=dict(state))
    assert torch.equal(load_file(tmp_path / "model" / "model.safetensors")["lm_head.weight"], state["lm_head.weight"])
    assert loads(tmp_path / "model")


def test_only_the_main_process_writes(model, tmp_path):
    model.save_pretrained(tmp_path / "model", is_main_process=False)
    assert not list((tmp_path / "model").rglob("*.safetensors"))


def test_weights_are_sharded_as_asked(model, tmp_path):
    model.save_pretrained(tmp_path / "model", max_shard_size="20KB")
    assert len(list((tmp_path / "model").glob("model-*.safetensors"))) > 1 and loads(tmp_path / "model")


def test_a_push_is_refused_in_one_sentence_before_anything_is_written(model, tmp_path):
    with pytest.raises(ConfigurationError, match="without the library") as told:
        model.save_pretrained(tmp_path / "model", push_to_hub=True)
    assert "\n" not in told.value.message and not (tmp_path / "model").exists()
