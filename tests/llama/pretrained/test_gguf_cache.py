"""A packed model is unpacked once, loads to the bit as before, and is unpacked anew when any of it is not whole."""

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

sys.path.append(str(Path(__file__).parents[2] / "kills"))

from deaths import deaths

from ncl.digests import chat_tokenizer_digest, tokenizer_digest
from ncl.llama.pretrained import base_model as bases
from ncl.llama.pretrained import gguf_cache
from ncl.llama.pretrained.adapter import load_adapter
from ncl.llama.pretrained.adapter_record import default_settings
from ncl.llama.pretrained.base_model import load_base
from ncl.llama.pretrained.checkpoint import save_adapter


@pytest.fixture
def packed(base, tmp_path, monkeypatch):
    """A file that says it is GGUF, and how often it was unpacked: what transformers would make of it is made here."""
    monkeypatch.setenv("NCL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(bases, "_demand_gguf", lambda: None)
    base.model.save_pretrained(tmp_path / "source")
    base.tokenizer.save_pretrained(tmp_path / "source")
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF and more")
    times = []

    def loaded(source, place, dtype, wanted, options, original=bases._loaded):
        if not wanted:
            return original(source, place, dtype, wanted, options)
        times.append(dtype)
        return original(source, tmp_path / "source", dtype, {}, {"use_safetensors": True})

    monkeypatch.setattr(bases, "_loaded", loaded)
    return file, times


@pytest.fixture
def adapter_of(fitted):
    """`adapter_of(base, folder)`: an adapter fitted to this base, saved."""

    def make(base, folder):
        save_adapter(fitted(base), default_settings(base, channels=fitted(base).config.ncl_side_size), folder)
        return folder

    return make


def same(one, other):
    before, after = one.model.state_dict(), other.model.state_dict()
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)
    assert (one.digest, one.source, one.model.dtype) == (other.digest, other.source, other.model.dtype)
    assert tokenizer_digest(one.tokenizer) == tokenizer_digest(other.tokenizer)
    assert chat_tokenizer_digest(one.tokenizer) == chat_tokenizer_digest(other.tokenizer)
    assert one.tokenizer.chat_template == other.tokenizer.chat_template
    assert one.model.generation_config.to_diff_dict() == other.model.generation_config.to_diff_dict()


def test_it_is_unpacked_once_a_dtype_and_loads_to_the_bit(packed):
    file, times = packed
    for dtype in (torch.float32, torch.bfloat16):
        first = load_base(str(file), dtype)
        same(first, load_base(str(file), dtype))
    assert times == [torch.float32, torch.bfloat16]


def test_file_and_unpacked_folder_are_one_base_in_either_dtype(packed, adapter_of, tmp_path):
    file, times = packed
    found = [load_base(str(file), dtype) for dtype in (torch.float32, torch.bfloat16) for _ in range(2)]
    assert len(times) == 2 and len({one.digest for one in found}) == 1
    assert len({chat_tokenizer_digest(one.tokenizer) for one in found}) == 1
    for number, one in enumerate(found):
        folder = adapter_of(one, tmp_path / f"adapter-{number}")
        for other in found:
            load_adapter(folder, other)
        assert load_adapter(folder).dtype == one.model.dtype


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "unpacked.json"])
def test_what_was_damaged_or_lost_is_unpacked_anew(packed, name):
    file, times = packed
    load_base(str(file))
    path = gguf_cache.place_of(file, torch.float32) / name
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(bytes(body))
    load_base(str(file))
    path.unlink()
    load_base(str(file))
    load_base(str(file))
    assert len(times) == 3 and gguf_cache.whole(path.parent)


def test_of_several_at_once_one_unpacks_and_the_others_wait(packed):
    file, times = packed
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: load_base(str(file)), range(4)))
    for other in found[1:]:
        same(found[0], other)
    assert len(times) == 1
    place = gguf_cache.place_of(file, torch.float32)
    assert gguf_cache.whole(place) and [path.name for path in place.parent.iterdir()] == [place.name]


def test_where_no_lock_can_be_had_it_is_unpacked_all_the_same(packed, monkeypatch):
    file, times = packed

    def refused(path):
        raise OSError("no locks on this file system")

    monkeypatch.setattr(gguf_cache, "FileLock", refused)
    same(load_base(str(file)), load_base(str(file)))
    assert len(times) == 1


def test_one_that_is_killed_while_it_unpacks_leaves_nothing_that_is_loaded(packed):
    file, _ = packed
    place, count = gguf_cache.place_of(file, torch.float32), 0
    for count in deaths(lambda: load_base(str(file)), step=9):  # noqa: B007
        assert gguf_cache.whole(place) or not place.exists()
        shutil.rmtree(place, ignore_errors=True)
    assert count > 9
    load_base(str(file))
    assert gguf_cache.whole(place) and [path.name for path in place.parent.iterdir()] == [place.name]


def test_another_file_is_another_model(packed):
    file, times = packed
    load_base(str(file))
    file.write_bytes(b"GGUF and other")
    load_base(str(file))
    assert len(times) == 2


def test_where_nothing_can_be_kept_it_loads_all_the_same(packed, tmp_path, monkeypatch):
    file, times = packed
    (tmp_path / "nothing").write_text("")
    monkeypatch.setenv("NCL_CACHE_DIR", str(tmp_path / "nothing" / "below"))
    same(load_base(str(file)), load_base(str(file)))
    assert len(times) == 2


def test_what_would_load_as_something_else_is_not_kept(packed, monkeypatch):
    file, times = packed
    monkeypatch.setattr(gguf_cache, "_shape", lambda config: {"another": object()})
    load_base(str(file))
    load_base(str(file))
    assert len(times) == 2 and not list(gguf_cache.place_of(file, torch.float32).parent.iterdir())
