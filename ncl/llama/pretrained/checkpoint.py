"""Folders of pretrained models with readers: an adapter, which is what was fitted without the base, or a merged one.

A folder of `adapter.json`, `readers.safetensors`, the certified library, a model card, and a configuration by which
transformers knows it. It names its base by digest, and does not load onto another. A *merged* folder is an adapter that
brings its base with it. Written whole or not at all.

Called by the model's `save_pretrained` and `from_pretrained`, which hand themselves in: this module does not know it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import PreTrainedModel

from ncl import atomic, gate
from ncl import certificate as record
from ncl.build import Artefact, writable
from ncl.digests import (
    backbone_state,
    chat_tokenizer_digest,
    json_digest,
    tensors_digest,
    tokenizer_digest,
    weights_digest,
)
from ncl.errors import ConfigurationError, FormatError, GateRefused, InputError, NclError
from ncl.llama.computer.loading import LOADING
from ncl.llama.computer.model import LIBRARY, LlamaWithComputer
from ncl.llama.pretrained.adapter_record import (
    ADAPTER,
    OWN_FOLDER,
    AdapterRecord,
    claim_adapter,
    dtype_name,
    read_settings,
)
from ncl.llama.pretrained.base_model import Base, load_base
from ncl.llama.pretrained.chat_format import markers
from ncl.llama.pretrained.config import NCLChatLlamaConfig
from ncl.llama.pretrained.number_lexer import NumberLexer
from ncl.llama.reader.network import Reader
from ncl.llama.reader.quantised_weights import from_stored, to_stored

READERS, MODEL_CARD = "readers.safetensors", "README.md"
LOG = logging.getLogger(__name__)
Model = TypeVar("Model", bound=LlamaWithComputer)


def with_readers(
    kind: type[Model], base: Base, readers: Sequence[Reader], settings: AdapterRecord, lexer: NumberLexer
) -> Model:
    """The base model with readers; its modules are shared, not copied. No library is attached yet."""
    around = markers(base.tokenizer)
    shape = {k: v for k, v in base.model.config.to_dict().items() if k not in ("model_type", "architectures")}
    shape.pop("quantization_config", None)
    config = NCLChatLlamaConfig(
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
    with LOADING, torch.device("meta"):
        model = kind(config)
    model.model, model.lm_head = base.model.model, base.model.lm_head
    model.model.config = config
    model.lexer, model.readers = lexer, torch.nn.ModuleList(readers)
    if base.model.device.type != "meta":  # there they would lose their weights
        model.readers.to(base.model.device)
    model.generation_config = base.model.generation_config
    model.tokenizer = base.tokenizer
    return model.eval()


# --- saving ----------------------------------------------------------------------------------------------------------


def save_adapter(model: LlamaWithComputer, settings: AdapterRecord, folder: Path) -> None:
    """Raises InputError when something else is there, ConfigurationError without a certified library."""
    _save(model, settings, folder, lambda fresh: model.config.save_pretrained(fresh))


def save_merged(model: LlamaWithComputer, folder: Path) -> None:
    """An adapter with its base, tokenizer included, in one folder. Raises as `save_adapter`."""
    _write_merged(model, folder, None)


def save_into(
    model: LlamaWithComputer, folder: Path, state: Mapping[str, Tensor] | None = None, **options: Any
) -> None:
    """A merged folder as transformers saves: what else lies in the folder stays. `state`: instead of the model's own.

    Put in place in one step where nothing else lies there; else file by file, the record last, so that a folder of two
    halves does not load. Raises InputError where another model lies, ConfigurationError for a state of another model.
    Tensors of the state have the shapes (…,) of the model's own.
    """
    _demand_no_other_model(folder)
    try:
        with atomic.workspace(folder.absolute().parent) as place:
            fresh = place / "new"
            _write_merged(model, fresh, state, **options)
            if not folder.is_dir() or all((fresh / p.name).exists() or _is_weights(p) for p in folder.iterdir()):
                atomic.put(fresh, folder)
            else:
                _move_in(fresh, folder)
    except OSError as fault:
        raise InputError(f"cannot write: {fault.strerror or fault}", where=str(folder)) from fault


def _demand_no_other_model(folder: Path) -> None:
    if (folder / "config.json").is_file() and not (folder / ADAPTER).is_file():
        raise InputError("another model lies there, which would be lost", where=str(folder), remedy="name a new folder")
    if folder.exists() and not folder.is_dir():
        raise InputError("there is a file", where=str(folder), remedy="name a new folder")
    writable(folder)


def _is_weights(path: Path) -> bool:
    """As transformers names them, in one file or in many; those of an earlier save do not stay."""
    return path.name.startswith("model") and path.name.endswith((".safetensors", ".safetensors.index.json"))


def _move_in(fresh: Path, folder: Path) -> None:
    whole = sorted(fresh.iterdir(), key=lambda path: (path.name == ADAPTER, path.name))
    for path in folder.iterdir():
        if _is_weights(path) and not (fresh / path.name).exists():
            path.unlink()
    for path in whole:
        atomic.put(path, folder / path.name)


def _write_merged(model: LlamaWithComputer, folder: Path, state: Mapping[str, Tensor] | None, **options: Any) -> None:
    backbone, readers = _parts(model, state)

    def bring(fresh: Path) -> None:
        PreTrainedModel.save_pretrained(model, fresh, state_dict=dict(backbone), **options)
        model.tokenizer.save_pretrained(fresh)

    config = model.config
    settings = AdapterRecord(
        schema=1, base=OWN_FOLDER, base_digest=weights_digest(model, backbone), programs=tuple(config.ncl_programs),
        width=config.ncl_width, layers=model.layers, channels=config.ncl_side_size, readers=config.ncl_readers,
        most_calls=config.ncl_most_calls, dtype=dtype_name(next(iter(backbone.values())).dtype),
    )  # fmt: skip
    _save(model, settings, folder, bring, readers)


def _parts(
    model: LlamaWithComputer, state: Mapping[str, Tensor] | None
) -> tuple[Mapping[str, Tensor], dict[str, Tensor]]:
    """The backbone's weights and the readers', out of a state that must be one of this model."""
    backbone, readers = backbone_state(model), model.readers.state_dict()
    if state is None:
        return backbone, readers
    own = {**{f"readers.{name}": tensor for name, tensor in readers.items()}, **backbone}
    wrong = sorted(n for n, t in own.items() if n not in state or state[n].shape != t.shape)
    tables = {f"lexer.{name}": tensor for name, tensor in model.lexer.state_dict().items()}
    wrong += [n for n, t in tables.items() if n in state and not torch.equal(state[n].to(t.device), t)]
    if wrong:
        raise ConfigurationError(
            f"not a state of this model: {', '.join(wrong[:3])}{' …' if len(wrong) > 3 else ''} is missing or another",
            where="state_dict", remedy="pass all of `model.state_dict()`, or leave it out",
        )  # fmt: skip
    return {name: state[name] for name in backbone}, {name: state[f"readers.{name}"] for name in readers}


def _save(
    model: LlamaWithComputer, settings: AdapterRecord, folder: Path, bring: Callable[[Path], object],
    own_readers: Mapping[str, Tensor] | None = None,
) -> None:  # fmt: skip
    if model.artefact is None or model.certificate is None:
        raise ConfigurationError("a model without a certified library is not saved", remedy="attach one first")
    claim_adapter(folder)
    readers = {n: t.detach().cpu() for n, t in (own_readers or model.readers.state_dict()).items()}
    digests = {
        "readers_digest": tensors_digest(readers),
        "library_digest": _library_digest(model.artefact),
        "tokenizer_digest": chat_tokenizer_digest(model.tokenizer),
    }
    whole = settings.model_copy(update=digests)
    whole = whole.model_copy(update={"seal": whole.content_digest()})
    try:
        with atomic.folder(folder) as fresh:
            model.artefact.save(fresh / LIBRARY, model.certificate)
            bring(fresh)
            save_file(to_stored(readers), fresh / READERS)
            (fresh / ADAPTER).write_text(whole.model_dump_json(by_alias=True, indent=1) + "\n", encoding="utf-8")
            (fresh / MODEL_CARD).write_text(_card(whole, model.certificate.seal), encoding="utf-8")
            _demand_nothing_lost(folder, fresh)
    except OSError as fault:
        raise InputError(f"cannot write: {fault.strerror or fault}", where=str(folder)) from fault


def _demand_nothing_lost(folder: Path, fresh: Path) -> None:
    lost = sorted(p.name for p in folder.iterdir() if not (fresh / p.name).exists()) if folder.exists() else []
    if lost:
        raise InputError(
            f"beside an adapter there is {', '.join(lost)}, which would be lost", where=str(folder),
            remedy="move it, or name a new folder",
        )  # fmt: skip


def _library_digest(artefact: Artefact) -> str:
    """Of programs and tables; a library that was certified again is still the same."""
    found = gate.digests(artefact)
    return json_digest({name: found[name] for name in ("programs", "tensors")})


def _card(settings: AdapterRecord, seal: str) -> str:
    programs = ", ".join(settings.programs)
    under = "The base model lies beside it" if settings.base == OWN_FOLDER else f"Fitted with NCL to `{settings.base}`"
    return (
        "---\nlicense: apache-2.0\nlibrary_name: neurally-compiled-libraries\n---\n\n"
        "# A reader for certified programs\n\n"
        f"{under} (weights {settings.base_digest[:12]}…). Where a prompt asks for it, the answer comes from certified "
        f"programs ({programs}; width {settings.width}), else from the base model, untouched.\n\n"
        f"Certificate: `{seal}`.\n\nLoad it with `ncl.llama.load_adapter(folder)` or "
        "`NCLLlamaForCausalLM.from_pretrained(folder)`.\n"
    )


# --- loading ---------------------------------------------------------------------------------------------------------


def load(
    kind: type[Model],
    folder: Path,
    base: Base | None = None,
    policy: gate.Policy | None = None,
    dtype: torch.dtype | str | None = None,
    **options: Any,
) -> Model:
    """A model of this kind: the adapter on its base, which is loaded from where the record says unless it is given.

    `dtype` and further options are transformers', for loading the base; by default it runs in what the readers were
    fitted in, and a warning is logged where it does not. Raises GateRefused on another base, for readers, a library or
    a record that were edited, and where the certificate does not cover what was loaded. Raises FormatError where the
    readers' weights are of another shape.
    """
    settings = read_settings(folder)
    artefact, certificate = _read_library(folder / LIBRARY, settings)
    weights = _read_readers(folder / READERS, settings)
    if base is None:
        place = str(folder) if settings.base == OWN_FOLDER else settings.base
        base = load_base(place, dtype or settings.dtype or torch.float32, **options)
    found = dtype_name(base.model.dtype)
    if dtype is None and settings.dtype and found != settings.dtype:
        LOG.warning("%s was fitted to its base in %s, which runs in %s here", folder, settings.dtype, found)
    _demand_base(base, settings, folder)
    hidden, programs = base.model.config.hidden_size, len(settings.programs)
    readers = torch.nn.ModuleList(Reader(hidden, settings.channels, programs) for _ in range(settings.readers))
    try:
        readers.load_state_dict(weights)
    except RuntimeError as fault:
        raise FormatError(f"not the readers' weights: {fault}", where=str(folder / READERS)) from fault
    lexer = NumberLexer(base.model.config.vocab_size).fill(base.tokenizer)
    model = with_readers(kind, base, list(readers), settings, lexer)
    model.lexer.to(base.model.device)
    model.readers.to(base.model.device)
    model.attach(artefact, certificate, policy, tokenizer_digest(base.tokenizer))
    model.watch_base(base.digest)
    return model


def _demand_base(base: Base, settings: AdapterRecord, folder: Path) -> None:
    """Raise GateRefused unless this is what the readers were fitted to."""
    if base.digest != settings.base_digest:
        raise GateRefused(
            f"fitted to the base {settings.base_digest[:12]}…, this one is {base.digest[:12]}…: its weights or its "
            "configuration are others",
            where=str(folder), remedy=f"load it onto {settings.base}, as it was",
        )  # fmt: skip
    if chat_tokenizer_digest(base.tokenizer) != settings.tokenizer_digest:
        raise GateRefused(
            "the base's tokenizer or chat template is not the one that it was fitted with",
            where=str(folder), remedy=f"load it onto {settings.base}, as it was",
        )  # fmt: skip


def demand_as_saved(folder: Path) -> AdapterRecord:
    """The record, where record, readers and library are as they were saved, and the base that lies beside them.

    A base from elsewhere is looked at when it is loaded. Raises NotFoundError, FormatError, GateRefused.
    """
    settings = read_settings(folder)
    _read_library(folder / LIBRARY, settings)
    _read_readers(folder / READERS, settings)
    if settings.base == OWN_FOLDER:
        _demand_base(load_base(str(folder), settings.dtype or torch.float32), settings, folder)
    return settings


def _read_library(folder: Path, settings: AdapterRecord) -> tuple[Artefact, record.Certificate]:
    try:
        artefact, certificate = Artefact.load(folder), record.read(folder)
    except GateRefused:
        raise
    except NclError as fault:
        raise GateRefused(str(fault).splitlines()[0], where=str(folder)) from fault
    if _library_digest(artefact) != settings.library_digest:
        raise GateRefused("the library is not the one that was saved with the adapter", where=str(folder))
    return artefact, certificate


def _read_readers(path: Path, settings: AdapterRecord) -> Mapping[str, Tensor]:
    try:
        weights = from_stored(load_file(path))
    except (OSError, SafetensorError, ValueError) as fault:
        raise GateRefused(f"the readers' weights cannot be read: {fault}", where=str(path)) from fault
    if tensors_digest(weights) != settings.readers_digest:
        raise GateRefused("the readers' weights are not those that were saved", where=str(path))
    return weights
