"""Features on disk: by content, resumed, made anew when broken, and the same whether they were there or not."""

import copy

import pytest
import torch
from safetensors.torch import save_file

from ncl.llama.pretrained.hidden_states import extract
from ncl.llama.pretrained.number_lexer import NumberLexer
from ncl.training.data import features as module
from ncl.training.data.features import features
from ncl.training.pretrained.training_examples import messages_of

LAYERS = (2, 3)


@pytest.fixture
def see(chat_base, tmp_path, monkeypatch):
    """`see(texts, …)`: features from the folder, and how many messages a pass had to be made for."""
    lexer = NumberLexer(len(chat_base.tokenizer)).fill(chat_base.tokenizer)
    made = []

    def counted(backbone, messages, *more, original=module.extract):
        made.append(len(messages))
        return original(backbone, messages, *more)

    monkeypatch.setattr(module, "extract", counted)

    def run(texts, digest=chat_base.digest, layers=LAYERS, backbone=chat_base.model.model, **options):
        made.clear()
        messages = messages_of(chat_base.tokenizer, lexer, texts, 16)
        return features(backbone, digest, messages, layers, 0, tmp_path / "cache", **options), sum(made)

    run.folder = tmp_path / "cache"
    return run


def texts(count, begin=0):
    return [f"Sort {i} and {i * i}, please" + "!" * (i % 7) for i in range(begin, begin + count)]


def same(one, other):
    return len(one) == len(other) and all(
        torch.equal(a.near_UH, b.near_UH) and torch.equal(a.deep_UH, b.deep_UH)
        and (a.number, a.lead, a.begins, a.ends, a.same) == (b.number, b.lead, b.begins, b.ends, b.same)
        for a, b in zip(one, other)
    )  # fmt: skip


def test_what_was_seen_is_read_again_to_the_bit(see):
    first, made = see(texts(100))
    again, none = see(texts(100))
    assert (made, none) == (100, 0) and same(first, again)


def test_features_are_in_the_order_of_the_messages(see):
    mixed, _ = see(["Reverse 1 2 3 4 5 6 7", "Hi", "Sort 3 1"])
    assert [sum(one.number) for one in mixed] == [7, 0, 2]
    assert all(len(one.near_UH) == len(one.number) for one in mixed)


def test_what_is_read_is_what_the_backbone_shows_in_half_the_bytes(see, chat_base):
    lexer = NumberLexer(len(chat_base.tokenizer)).fill(chat_base.tokenizer)
    (message,) = messages_of(chat_base.tokenizer, lexer, ["Sort 3 1 2"], 16)
    ((one,), _), (plain,) = see(["Sort 3 1 2"]), extract(chat_base.model.model, [message], LAYERS, 0)
    assert torch.equal(one.near_UH, plain.near_UH.bfloat16()) and torch.equal(one.deep_UH, plain.deep_UH.bfloat16())


@pytest.mark.parametrize("change", [{"digest": "another"}, {"layers": (1, 3)}], ids=["base", "layers"])
def test_another_base_or_other_layers_are_seen_anew(see, change):
    see(texts(5))
    assert see(texts(5), **change)[1] == 5 and see(texts(5))[1] == 0


def test_another_dtype_is_seen_anew(see, chat_base):
    see(texts(5))
    assert see(texts(5), backbone=copy.deepcopy(chat_base.model.model).bfloat16())[1] == 5


def test_other_prompts_are_seen_anew(see):
    see(texts(5))
    assert see(texts(5, begin=1))[1] == 5


def test_an_interrupted_run_goes_on_where_it_was(see, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 64)
    done = []

    def stop(count):
        done.append(count)
        if len(done) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        see(texts(200), advance=stop)
    whole, made = see(texts(200))
    assert made == 200 - 2 * module.CHUNK
    assert len(whole) == 200 and see(texts(200))[1] == 0


def test_progress_counts_every_prompt_whether_it_was_there_or_not(see):
    for _ in range(2):
        done = []
        see(texts(100), advance=done.append)
        assert sum(done) == 100


@pytest.mark.parametrize("harm", ["emptied", "cut", "of another shape", "of other names"])
def test_a_broken_file_is_made_anew(see, harm):
    first, _ = see(texts(10))
    (path,) = see.folder.glob("*.safetensors")
    body = path.read_bytes()
    if harm == "emptied":
        path.write_bytes(b"")
    elif harm == "cut":
        path.write_bytes(body[: len(body) // 2])
    elif harm == "of another shape":
        save_file({"near": torch.zeros(3, 4), "deep": torch.zeros(3, 4)}, path)
    else:
        save_file({"far": torch.zeros(3, 4)}, path)
    again, made = see(texts(10))
    assert made == 10 and same(first, again) and see(texts(10))[1] == 0


def test_a_write_that_fails_leaves_nothing_behind(see, monkeypatch):
    def full(tensors, name):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "save_file", full)
    with pytest.raises(OSError, match="No space"):
        see(texts(3))
    assert list(see.folder.iterdir()) == []
