"""A natural run's folder: what it holds, who answers from it, and training of each system that is trained.

`OUT/adapter` is what was fitted (an NCL adapter, or peft's for `lora`), `OUT/run.json` tells how, `OUT/artefact` is the
certified library. Proving comes from above. Called by the command line and the natural demo.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ncl import atomic, gate, strict_json
from ncl.build import Artefact, writable
from ncl.errors import FormatError, InputError, NotFoundError
from ncl.llama.pretrained.adapter import load_adapter
from ncl.llama.pretrained.adapter_record import ADAPTER, OWN_FOLDER, claim_adapter, dtype_name, read_settings
from ncl.llama.pretrained.base_model import Base
from ncl.llama.pretrained.model import NCLChatLlamaForCausalLM
from ncl.training.baselines.lora import CONFIG as PEFT
from ncl.training.baselines.lora import demand_peft, load_lora, train_lora
from ncl.training.baselines.random_library import random_library
from ncl.training.data.former_names import current, with_former
from ncl.training.data.ranks import ranks
from ncl.training.evaluation.system import System
from ncl.training.pretrained.config import NaturalConfig
from ncl.training.pretrained.recipe import FITTING, Progress, natural_library, train_natural
from ncl.training.pretrained.system import computer_system
from ncl.training.pretrained.training_examples import training_prompts

RECORD, PLACE = "run.json", "adapter"
SYSTEMS = ("ncl", "lora", "random-library")


@dataclass(frozen=True)
class Run:
    """A run that was found. `adapter` is the folder of what was fitted, `base` where its base model comes from.

    dtype: in which the base model ran then; empty where that is not known.
    """

    adapter: Path
    system: str
    base: str
    dtype: str = ""


def find_run(folder: Path) -> Run | None:
    """The natural run in a folder, or around its `adapter/`; None when there is none. Raises FormatError."""
    for adapter in (folder / PLACE, folder):
        if (adapter / ADAPTER).is_file():
            record = read_record(adapter.parent) if adapter.name == PLACE else {}
            settings = read_settings(adapter)
            base = str(adapter) if settings.base == OWN_FOLDER else settings.base
            return Run(adapter, str(record.get("system", "ncl")), base, settings.dtype)
        if (adapter / PEFT).is_file():
            record = read_record(adapter.parent)
            if "base" not in record:
                raise FormatError("it does not tell its base model", where=str(adapter.parent / RECORD))
            return Run(adapter, "lora", str(record["base"]), str(record.get("dtype", "")))
    return None


def read_record(folder: Path) -> dict[str, Any]:
    """What `run.json` says, under current names; nothing where there is none. Raises FormatError."""
    try:
        found = strict_json.read(folder / RECORD, "readable JSON")
    except NotFoundError:
        return {}
    if not isinstance(found, dict):
        raise FormatError("not the record of a run", where=str(folder / RECORD))
    where = str(folder / RECORD)
    named = current(found, where, ("system",))
    if isinstance(config := named.get("config"), dict):
        named["config"] = current(config, where, NaturalConfig.model_fields)
    return named


def open_computer(run: Run, base: Base, policy: gate.Policy | None = None) -> NCLChatLlamaForCausalLM:
    """The model of a run that has a computer. Raises GateRefused; InputError for `lora`, which has none."""
    if run.system == "lora":
        raise InputError("a LoRA run calls nothing", where=str(run.adapter), remedy="name a run of the system ncl")
    return load_adapter(run.adapter, base, policy)


def open_system(run: Run, base: Base, policy: gate.Policy | None = None, cache: Path | None = None) -> System:
    """Who answers from a run. `cache`: where a computer keeps what it has read of prompts; None for nowhere."""
    if run.system == "lora":
        return load_lora(base, run.adapter)
    return computer_system(open_computer(run, base, policy), base, run.system, cache)


# --- training --------------------------------------------------------------------------------------------------------


def claim(out: Path) -> None:
    """Raise InputError unless a natural run can be written there; called before long work."""
    writable(out)
    if not (out / PLACE / PEFT).is_file():
        claim_adapter(out / PLACE)
    if (out / "model").is_dir():
        raise InputError("a run of the tiny recipe lies here", where=str(out), remedy="name another --out")


def library_for(system: str, config: NaturalConfig, base: Base, out: Path) -> Artefact:
    """What is to be certified for a system: the shipped programs, or random ones whose source is left in the folder."""
    if system == "random-library":
        return random_library(base, config.width, config.seed, out)
    return natural_library(base, config.width)


def train_system(
    system: str,
    config: NaturalConfig,
    base: Base,
    out: Path,
    *,
    artefact: Path | None,
    cache: Path,
    seconds: float,
    policy: gate.Policy | None = None,
    progress: Progress | None = None,
    jobs: int = 1,
    resume: bool = False,
    advance: Callable[[float, float], None] = lambda seconds, loss: None,
) -> dict[str, Any]:
    """Train one system and write its folder; returns the record. `adapter` in it is relative to the folder.

    `resume`: go on from what was fitted there before; the record of a finished run is returned as it is. `lora` is
    trained by the clock, so it begins anew; `seconds`: how long, given to `advance`. The others take what they take
    and tell `progress`.
    """
    if ranks().first:
        claim(out)
    begin = time.perf_counter()
    about = {
        "system": system, "base": base.source, "base_digest": base.digest, "dtype": dtype_name(base.model.dtype),
        "seed": config.seed, "adapter": PLACE, "config": config.model_dump(mode="json"),
    }  # fmt: skip
    if resume and (done := _finished(out, about)):
        if ranks().first:  # who was killed behind the record has left what it needs no more
            shutil.rmtree(out / FITTING, ignore_errors=True)
        return done
    ranks().wait()
    if ranks().first:  # it tells of what lies there, which is to be replaced
        (out / RECORD).unlink(missing_ok=True)
    if system == "lora" and ranks().world > 1:
        raise InputError(
            "the baseline lora is trained by one process", where="torchrun", remedy="start it without torchrun"
        )
    if system == "lora":
        record = _lora(config, base, out, seconds, advance)
    elif artefact is None:
        raise InputError(f"the system {system} needs a certified library", where=system)
    else:
        if system == "random-library":  # nothing there can be learned, so another seed would not either
            config = config.model_copy(update={"restarts": 0})
        record = train_natural(
            config, base, out, artefact=artefact, cache=cache, policy=policy, progress=progress, jobs=jobs,
            resume=resume,
        )  # fmt: skip
    record = with_former({**record, **about, "seconds": round(time.perf_counter() - begin, 1)})
    if ranks().first:
        _write(out / RECORD, {"schema": 1, **record})
        shutil.rmtree(out / FITTING, ignore_errors=True)
    ranks().wait()
    return record


def _finished(out: Path, about: dict[str, Any]) -> dict[str, Any] | None:
    """The record of a run that came to its end in the very same way."""
    record = read_record(out)
    if not (out / PLACE).is_dir() or any(record.get(name) != value for name, value in about.items()):
        return None
    return with_former({name: value for name, value in record.items() if name != "schema"})


def _lora(
    config: NaturalConfig, base: Base, out: Path, seconds: float, advance: Callable[[float, float], None]
) -> dict[str, Any]:
    demand_peft()
    out.mkdir(parents=True, exist_ok=True)
    with atomic.folder(out / PLACE) as fresh:
        prompts = training_prompts(config)
        record = train_lora(base, prompts, fresh, seconds, config.seed, advance)
    return {"prompts": len(prompts), "stalled": False, "softness": None, **record}


def _write(path: Path, document: dict[str, Any]) -> None:
    """Whole or not at all."""
    try:
        atomic.write_text(path, json.dumps(document, indent=1) + "\n")
    except OSError as fault:
        raise InputError(f"cannot write: {fault.strerror}", where=str(path)) from fault
