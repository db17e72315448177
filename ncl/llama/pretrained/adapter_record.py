"""The record of an adapter, `adapter.json`: what it was fitted to, and by digest what lies beside it.

The certificate covers programs and lexer; nothing is proved about what readers choose. So the record names readers and
library by digest and is sealed itself: what is loaded is what was saved, or nothing is. Called by `checkpoint`, and by
runs that look at what lies in a folder.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ncl import atomic, strict_json
from ncl import certificate as record
from ncl.build import writable
from ncl.digests import json_digest
from ncl.errors import FormatError, GateRefused, InputError, NotFoundError, refused
from ncl.llama.pretrained.base_model import Base
from ncl.llama.pretrained.layer_hooks import layers_to_read

ADAPTER = "adapter.json"
PROGRAMS = ("reverse", "insertion_sort", "count", "modsum", "stack")
OWN_FOLDER = "."  # as a base: in the adapter's own folder


class AdapterRecord(BaseModel):
    """`adapter.json`. `base` says where the base model is looked for, and is all that may be changed by hand."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_: int = Field(1, alias="schema")
    base: str
    base_digest: str
    programs: tuple[str, ...]
    width: int = Field(ge=8, le=32)
    layers: tuple[int, int]
    channels: int = Field(ge=1)
    readers: int = Field(1, ge=1)
    most_calls: int = Field(16, ge=1)
    dtype: str = ""  # in which the base model ran when readers were fitted to it; empty where that is not known
    # Of what lies beside the record; filled in when it is saved.
    readers_digest: str = ""
    library_digest: str = ""
    tokenizer_digest: str = ""
    seal: str = ""

    def content_digest(self) -> str:
        """Of all but the base's place and the seal: what the seal must be."""
        unsaid = set() if self.dtype else {"dtype"}  # so that records without it keep their seal
        content = self.model_dump(mode="json", by_alias=True, exclude={"base", "seal"} | unsaid)
        return json_digest(content)


def default_settings(
    base: Base, channels: int = 64, width: int = 16, readers: int = 1, programs: tuple[str, ...] = PROGRAMS
) -> AdapterRecord:
    """What is fitted to a base by default."""
    return AdapterRecord(
        schema=1, base=base.source, base_digest=base.digest, programs=programs, width=width,
        layers=layers_to_read(base.model.config), channels=channels, readers=readers,
        dtype=dtype_name(base.model.dtype),
    )  # fmt: skip


def dtype_name(dtype: torch.dtype) -> str:
    """float32, bfloat16 …"""
    return str(dtype).removeprefix("torch.")


def claim_adapter(folder: Path) -> None:
    """Raise InputError unless an adapter can be written there; called before long work, too."""
    if folder.exists() and not (folder / ADAPTER).is_file() and (folder.is_file() or any(folder.iterdir())):
        raise InputError("there is something else that is no adapter", where=str(folder), remedy="name a new folder")
    writable(folder)


def read_settings(folder: Path) -> AdapterRecord:
    """Raises NotFoundError, FormatError, GateRefused when it was edited."""
    path = folder / ADAPTER
    atomic.recover(folder)
    try:
        content = strict_json.read(path, "adapter")
        settings = AdapterRecord.model_validate_json(json.dumps(content), strict=True)
    except NotFoundError as fault:
        raise NotFoundError("no adapter here", where=str(folder), remedy="fit one with `ncl train natural`") from fault
    except ValidationError as fault:
        raise refused(FormatError(f"not an adapter: {record.validation_message(fault)}", where=str(path))) from fault
    if settings.seal != settings.content_digest():
        raise GateRefused("the record was edited: its seal does not fit", where=str(path))
    return settings
