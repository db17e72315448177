"""Adapters: what was fitted to a base model, without the base: reader, library and certificate.

A folder of `adapter.json`, `readers.safetensors`, the certified library and a model card. It names its base by digest,
and does not load onto another. Written whole or not at all.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ncl import certificate as record
from ncl import gate
from ncl.build import Artefact
from ncl.errors import ConfigurationError, FormatError, GateRefused, InputError, NclError, NotFoundError
from ncl.llama.augment import LIBRARY
from ncl.llama.base import Base, depths, load_base, markers
from ncl.llama.chat import NCLChatLlamaForCausalLM
from ncl.llama.config import NCLLlamaConfig
from ncl.llama.numbers import NumberLexer
from ncl.llama.reader import Reader
from ncl.llama.tokenizer import digest_of

ADAPTER, READERS, CARD = "adapter.json", "readers.safetensors", "README.md"
PROGRAMS = ("reverse", "insertion_sort", "count", "modsum", "stack")


class AdapterRecord(BaseModel):
    """`adapter.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_: int = Field(1, alias="schema")
    base: str  # where it was loaded from
    base_digest: str
    programs: tuple[str, ...]
    width: int = Field(ge=8, le=32)
    layers: tuple[int, int]
    channels: int = Field(ge=1)
    readers: int = Field(1, ge=1)
    most_calls: int = Field(16, ge=1)


def dressed(
    base: Base, readers: Sequence[Reader], settings: AdapterRecord, lexer: NumberLexer
) -> NCLChatLlamaForCausalLM:
    """The base model with readers; its modules are shared, not copied. No library is attached yet."""
    around = markers(base.tokenizer)
    shape = {k: v for k, v in base.model.config.to_dict().items() if k not in ("model_type", "architectures")}
    shape.pop("quantization_config", None)
    config = NCLLlamaConfig(
        **shape,
        ncl_programs=list(settings.programs),
        ncl_width=settings.width,
        ncl_side_size=settings.channels,
        ncl_layers=list(settings.layers),
        ncl_before=list(around.before),
        ncl_after=list(around.after),
        ncl_most_calls=settings.most_calls,
        ncl_readers=settings.readers,
    )
    config._attn_implementation = base.model.config._attn_implementation
    with torch.device("meta"):
        model = NCLChatLlamaForCausalLM(config)
    model.model, model.lm_head = base.model.model, base.model.lm_head
    model.model.config = config
    model.lexer, model.readers = lexer, torch.nn.ModuleList(readers)
    model.generation_config = base.model.generation_config
    model.tokenizer = base.tokenizer
    return model.eval()


def default_settings(base: Base, channels: int = 64, width: int = 16, readers: int = 1) -> AdapterRecord:
    """What is fitted to a base by default."""
    return AdapterRecord(
        schema=1, base=base.source, base_digest=base.digest, programs=PROGRAMS, width=width,
        layers=depths(base.model.config), channels=channels, readers=readers,
    )  # fmt: skip


def save_adapter(model: NCLChatLlamaForCausalLM, settings: AdapterRecord, folder: Path) -> None:
    """Raises InputError when something else is there, ConfigurationError without a certified library."""
    if model.artefact is None or model.paper is None:
        raise ConfigurationError("a model without a certified library is not saved", remedy="attach one first")
    if folder.exists() and not (folder / ADAPTER).is_file() and (folder.is_file() or any(folder.iterdir())):
        raise InputError("there is something else that is no adapter", where=str(folder), remedy="name a new folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as name:
        fresh = Path(name) / "new"
        model.artefact.save(fresh / LIBRARY)
        record.write(model.paper, fresh / LIBRARY / record.FILE_NAME)
        save_file({n: t.detach().cpu().contiguous() for n, t in model.readers.state_dict().items()}, fresh / READERS)
        (fresh / ADAPTER).write_text(settings.model_dump_json(by_alias=True, indent=1) + "\n", encoding="utf-8")
        (fresh / CARD).write_text(_card(settings, model.paper.seal), encoding="utf-8")
        if folder.exists():
            os.replace(folder, Path(name) / "old")
        os.replace(fresh, folder)


def load_adapter(folder: Path, base: Base | None = None, policy: gate.Policy | None = None) -> NCLChatLlamaForCausalLM:
    """Load an adapter onto its base (loaded from where it names, unless given). Raises GateRefused on another base."""
    settings = read_settings(folder)
    under = base or load_base(settings.base)
    if under.digest != settings.base_digest:
        raise GateRefused(
            f"fitted to the base {settings.base_digest[:12]}…, this one is {under.digest[:12]}…",
            where=str(folder), remedy=f"load it onto {settings.base}",
        )  # fmt: skip
    lexer = NumberLexer(under.model.config.vocab_size).fill(under.tokenizer)
    hidden, programs = under.model.config.hidden_size, len(settings.programs)
    readers = torch.nn.ModuleList(Reader(hidden, settings.channels, programs) for _ in range(settings.readers))
    try:
        readers.load_state_dict(load_file(folder / READERS))
    except (OSError, SafetensorError, RuntimeError) as fault:
        raise FormatError(f"not the readers' weights: {fault}", where=str(folder / READERS)) from fault
    model = dressed(under, list(readers), settings, lexer)
    try:
        artefact, paper = Artefact.load(folder / LIBRARY), record.read(folder / LIBRARY)
    except GateRefused:
        raise
    except NclError as fault:
        raise GateRefused(str(fault).splitlines()[0], where=str(folder / LIBRARY)) from fault
    model.attach(artefact, paper, policy, digest_of(under.tokenizer))
    return model


def read_settings(folder: Path) -> AdapterRecord:
    """Raises NotFoundError, FormatError."""
    try:
        return AdapterRecord.model_validate(json.loads((folder / ADAPTER).read_text(encoding="utf-8")))
    except FileNotFoundError as fault:
        raise NotFoundError("no adapter here", where=str(folder), remedy="fit one with `ncl train natural`") from fault
    except (OSError, ValueError, ValidationError) as fault:
        raise FormatError(f"not an adapter: {fault}", where=str(folder / ADAPTER)) from fault


def weights_for(tokenizer: Any, vocabulary: int) -> dict[str, torch.Tensor]:
    """The lexer's tables, as the library's certificate covers them."""
    return NumberLexer(vocabulary).fill(tokenizer).tables()


def _card(settings: AdapterRecord, seal: str) -> str:
    programs = ", ".join(settings.programs)
    return (
        "---\nlicense: apache-2.0\nlibrary_name: neurally-compiled-libraries\n---\n\n"
        "# A reader for certified programs\n\n"
        f"Fitted with NCL to `{settings.base}` (weights {settings.base_digest[:12]}…). Where a prompt asks for it, the "
        f"answer comes from certified programs ({programs}; width {settings.width}), else from the base model, "
        f"untouched.\n\nCertificate: `{seal}`.\n\nLoad it with `ncl.llama.load_adapter(folder)` or "
        "`NCLLlamaForCausalLM.from_pretrained(folder)`.\n"
    )
