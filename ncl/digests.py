"""Digests of all kinds: of bytes, JSON, files, tensors, tokenizers and models. All are sha256 in hex.

Certificates, adapters and caches name by them what they are about, so what goes into each is fixed here alone. A tensor
arrives as (name, dtype, shape, bytes), or loads torch when it is one. Which sources run is found by `ncl.sources`.
Called by the certificate, the gate, policies, models and caches.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ncl import strict_json
from ncl.errors import FormatError

if TYPE_CHECKING:
    from torch import Tensor, nn


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def canonical_json(value: Any) -> bytes:
    """As RFC 8785 writes it, so that others can recompute the digests."""
    return strict_json.canonical(value)


def json_digest(value: Any) -> str:
    """Of a value that JSON can say."""
    return digest(canonical_json(value))


def file_digest(path: Path) -> str:
    """Raises OSError."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_digest(files: Iterable[tuple[str, Path]]) -> str:
    """Over (name, bytes) of files, in order of name. Raises OSError."""
    whole = hashlib.sha256()
    for name, file in sorted(files):
        body = file.read_bytes()
        whole.update(f"{name}:{len(body)}:".encode() + body)
    return whole.hexdigest()


# --- tensors ---------------------------------------------------------------------------------------------------------


def digest_tensors(parts: Iterable[tuple[str, str, tuple[int, ...], bytes]]) -> str:
    """Over (name, dtype, shape, bytes) of each tensor, in order of name; every part is framed by its length."""
    whole = hashlib.sha256()
    for name, dtype, shape, data in sorted(parts, key=lambda part: part[0]):
        for piece in (name.encode(), dtype.encode(), repr(tuple(shape)).encode(), data):
            whole.update(b"%d:" % len(piece))
            whole.update(piece)
    return whole.hexdigest()


def tensors_digest(tensors: Mapping[str, Any]) -> str:
    """Over (name, dtype, shape, bytes) of torch tensors, wherever they lie."""
    return digest_tensors(_parts(name, tensor) for name, tensor in tensors.items())


def _parts(name: str, tensor: Any) -> tuple[str, str, tuple[int, ...], bytes]:
    import torch

    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return name, str(tensor.dtype), tuple(tensor.shape), flat.view(torch.uint8).numpy().tobytes()


# --- tokenizers ------------------------------------------------------------------------------------------------------


def tokenizer_digest(tokenizer: Any) -> str:
    """Of everything that turns text into tokens; how a batch was last padded or cut does not count."""
    return _digest_of_text(tokenizer.backend_tokenizer.to_str())


@lru_cache(maxsize=4)
def _digest_of_text(text: str) -> str:
    return _tokenizer_parts(json.loads(text))


def chat_tokenizer_digest(tokenizer: Any) -> str:
    """Of all that stands between a chat and its tokens: the tokenizer, its chat template, its special tokens."""
    document = {
        "tokenizer": tokenizer_digest(tokenizer),
        "template": tokenizer.chat_template,
        "special": {name: str(token) for name, token in tokenizer.special_tokens_map.items()},
        "cleans": bool(tokenizer.clean_up_tokenization_spaces),
    }
    return json_digest(document)


def saved_tokenizer_digest(folder: Path) -> str | None:
    """The digest of the tokenizer saved in a folder, None where there is none. Raises FormatError."""
    file = folder / "tokenizer.json"
    if not file.is_file():
        return None
    try:
        return _tokenizer_parts(strict_json.read(file, "tokenizer"))
    except (ValueError, AttributeError) as fault:
        raise FormatError(f"not a tokenizer: {fault}", where=str(file)) from fault


def _tokenizer_parts(parts: dict[str, Any]) -> str:
    return json_digest({k: v for k, v in parts.items() if k not in ("padding", "truncation")})


# --- models ----------------------------------------------------------------------------------------------------------


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


def function_of(config: Any) -> dict[str, Any]:
    """What of a LLaMA's configuration changes what the weights compute: rope, norms, activation, heads, ends, …"""
    fields = config.to_dict()
    return {name: value for name, value in fields.items() if name not in _IDLE and not name.startswith("ncl_")}


def weights_digest(model: nn.Module, state: Mapping[str, Tensor] | None = None) -> str:
    """Over the backbone as a function: its configuration, and names, shapes and values of its parameters.

    Values are rounded to bfloat16, so it is the same in either dtype. `state`: parameters instead of the model's own.
    """
    import torch

    whole = hashlib.sha256(canonical_json(function_of(model.config)))
    for name, tensor in sorted((backbone_state(model) if state is None else state).items()):
        whole.update(f"{name}:{tuple(tensor.shape)}:".encode())
        whole.update(tensor.detach().to("cpu", torch.bfloat16).contiguous().view(torch.uint8).numpy().tobytes())
    return whole.hexdigest()


def backbone_state(model: nn.Module) -> Mapping[str, Tensor]:
    """Parameters of the LLaMA itself: nothing of the computer, nothing of LoRA."""
    own = ("model.", "lm_head.")
    return {n: p for n, p in model.named_parameters() if n.startswith(own) and "lora_" not in n}
