"""GGUF files unpacked once: what transformers makes of one, in NCL's cache, from which it loads in a few seconds.

The folder's name digests the file, the dtype and the versions that unpacked it; a list of digests tells whether all in
it is as it was written. What is not is made anew. A folder is written whole; while one process unpacks, others wait.
What was unpacked loads as the file itself does, to the bit: that is compared before it is kept. Called by `base_model`.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from filelock import FileLock
from transformers import AutoTokenizer, LlamaConfig

from ncl import atomic, cached
from ncl.digests import file_digest, json_digest, tokenizer_digest

LIST = "unpacked.json"
SCHEMA = 1


def place_of(file: Path, dtype: Any) -> Path:
    """Where this file is, or will be, unpacked for loading in a dtype."""
    facts = [SCHEMA, file_digest(file), str(dtype)]
    for name in ("transformers", "gguf", "tokenizers", "torch"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            facts.append(f"{name} {metadata.version(name)}")
    return cached.folder() / "models" / json_digest(facts)[:32]


def whole(place: Path) -> bool:
    """Whether all that was written there is there, to the byte."""
    try:
        listed = json.loads((place / LIST).read_text(encoding="utf-8"))["files"]
        names = {path.name for path in place.iterdir()} - {LIST}
        return bool(listed) and names == set(listed) and all(file_digest(place / n) == d for n, d in listed.items())
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return False


@contextlib.contextmanager
def alone(place: Path) -> Iterator[None]:
    """Nobody else unpacks to this place meanwhile. Where no lock can be had several may, which costs time alone."""
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError, NotImplementedError):
            locks = cached.folder() / "locks"
            locks.mkdir(parents=True, exist_ok=True)
            held.enter_context(FileLock(locks / f"{place.name}.lock"))
        yield


def keep(place: Path, model: Any, tokenizer: Any) -> None:
    """Leave there what was loaded. Where that cannot be written, or would load as something else, nothing is kept."""
    with contextlib.suppress(OSError, _Differs), atomic.folder(place) as fresh:
        config = _plain(model.config)
        model.save_pretrained(fresh)
        config.save_pretrained(fresh)  # it says nothing of how the file was packed
        tokenizer.save_pretrained(fresh)
        _demand_same(fresh, config, tokenizer)
        listed = {path.name: file_digest(path) for path in sorted(fresh.iterdir())}
        (fresh / LIST).write_text(json.dumps({"schema": SCHEMA, "files": listed}, indent=1), encoding="utf-8")


class _Differs(Exception):
    """What was written does not load as what was meant."""


def _plain(config: LlamaConfig) -> LlamaConfig:
    facts = {name: value for name, value in config.to_dict().items() if name not in ("quantization_config", "dtype")}
    return LlamaConfig.from_dict({**facts, "dtype": config.dtype})


def _demand_same(folder: Path, config: LlamaConfig, tokenizer: Any) -> None:
    again = AutoTokenizer.from_pretrained(folder)
    probe = "Sort 12, 7 and 300. Don't stop!\n\tÜber 5 x = 3"
    parts = [
        (tokenizer_digest(one), one.chat_template, one(probe)["input_ids"], one.eos_token_id, one.pad_token_id,
         one.bos_token_id, one.padding_side, one.decode(one(probe)["input_ids"]))
        for one in (tokenizer, again)
    ]  # fmt: skip
    if parts[0] != parts[1] or _shape(LlamaConfig.from_pretrained(folder)) != _shape(config):
        raise _Differs


def _shape(config: LlamaConfig) -> dict[str, Any]:
    facts = config.to_dict()
    return {name: facts[name] for name in facts if name not in ("dtype", "transformers_version", "_name_or_path")}
