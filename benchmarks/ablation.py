"""What each part of the reader is worth: one switch turned at a time, on a pretrained LLaMA.

    python benchmarks/ablation.py [--only NAME …] [--seeds 3] [--single-calls 800] [--steps 300] [--n 40] [--out FILE]

Readers are fitted one by one to prompts of one call, without votes and without second attempts, and asked the held-out
phrasings at 10 and 100 numbers: the share of exact answers, of `seen` words and of `unseen` ones, and of held-out chat
prompts for which nothing is called. Nothing here passes the gate, since nothing is used. Some rows have small numbers
in words of 8 or 5 bits, for distributions over them; those of 5 bits are trained on lists of at most five and asked at
5 and 20 numbers. A table goes to stdout, and JSON with commit, device and versions to benchmarks/results/; with --out
of a file that is there only what it lacks is made. Seconds are those of one core.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import torch
from natural import HERE, begun
from torch import Tensor

from ncl.build import build_library
from ncl.cli.natural import feature_cache, load
from ncl.digests import weights_digest
from ncl.llama.pretrained.adapter import with_readers
from ncl.llama.pretrained.adapter_record import PROGRAMS, default_settings
from ncl.llama.pretrained.base_model import Base
from ncl.llama.pretrained.decision import SYMBOLS
from ncl.llama.pretrained.hidden_states import PromptStates, collate
from ncl.llama.pretrained.layer_hooks import layers_to_read
from ncl.llama.pretrained.number_lexer import DIGITS, NumberLexer
from ncl.llama.pretrained.prompt_units import Message
from ncl.llama.reader.call_plan import Library, execute, most_probable
from ncl.llama.reader.network import Reader
from ncl.training.data.features import features
from ncl.training.pretrained.config import NaturalConfig
from ncl.training.pretrained.fine_tuning import TuneConfig, tune
from ncl.training.pretrained.fit import FitConfig, fit, worst_task
from ncl.training.pretrained.recipe import NEGLIGIBLE
from ncl.training.pretrained.training_examples import TrainingExample, hidden_of, messages_of
from ncl.training.tasks.natural_prompts import TASKS, Prompt, held_out_wording, phrasings, sample, training_wording

LENGTHS, KINDS = (10, 100), ("seen", "unseen")
DEFAULTS, TINY = FitConfig(), FitConfig(batch=16)
# Where words are small: the largest number, how long training lists are, and those of the exam.
SMALL = {8: (60, 10, (10, 100)), 5: (30, 5, (5, 20))}
TOGETHER = 64
TUNE_STEPS, TUNE_BATCH = 60, 8
SLOW = "5 bits: dense"  # minutes a step: only where it is named


class Mean(Reader):
    """Selection by the mean over text."""

    @staticmethod
    def pool(channels_XUC: Tensor, inside_XU: Tensor) -> Tensor:
        there_XU1 = inside_XU[..., None]
        return (channels_XUC * there_XU1).sum(-2) / there_XU1.sum(-2).clamp(min=1)


class Last(Reader):
    """Selection by the last piece of text."""

    @staticmethod
    def pool(channels_XUC: Tensor, inside_XU: Tensor) -> Tensor:
        size = inside_XU.shape[-1]
        last_X = (inside_XU * torch.arange(1, size + 1)).amax(-1)
        return (channels_XUC * (torch.arange(1, size + 1) == last_X[..., None])[..., None]).sum(-2)


def unlooking(hidden: int, channels: int, programs: int, dropout: float) -> Reader:
    return Reader(hidden, channels, programs, dropout, near=1, far=1)


def farsighted(hidden: int, channels: int, programs: int, dropout: float) -> Reader:
    return Reader(hidden, channels, programs, dropout, near=7, far=7)


@dataclass(frozen=True)
class Switch:
    """One row. layers: as shares of the depth, None for the default; split: a digit token is a number of its own.

    tuned: after the fit reader and backbone are trained together, by LoRA; feature_dropout: as `hidden_of`.
    """

    layers: tuple[float, float] | None = None
    split: bool = False
    make: Callable[[int, int, int, float], Reader] = Reader
    chat: bool = True
    small: int = 0
    tuned: bool = False
    feature_dropout: float = NaturalConfig().feature_dropout
    fit: FitConfig = DEFAULTS


SWITCHES = {
    "as shipped": Switch(),
    "layers at 1/8 of the depth": Switch(layers=(1 / 8, 1 / 8)),
    "layers at 1/4": Switch(layers=(1 / 4, 1 / 4)),
    "last layer": Switch(layers=(1.0, 1.0)),
    "lexer: digits are not merged": Switch(split=True),
    "no convolution (width 1)": Switch(make=unlooking),
    "wide convolutions (7)": Switch(make=farsighted),
    "pooling: mean": Switch(make=Mean),
    "pooling: last text": Switch(make=Last),
    "no examples without a call": Switch(chat=False, fit=FitConfig(no_call_share=0.0)),
    "no text hidden": Switch(feature_dropout=0.0),
    "4 tapes a prompt instead of 16": Switch(fit=FitConfig(plan_samples=4)),
    "backbone trained along: LoRA": Switch(tuned=True),
    "8 bits: sampled": Switch(small=8),
    "8 bits: pathwise": Switch(small=8, fit=FitConfig(estimator="pathwise")),
    "5 bits: sampled": Switch(small=5, fit=TINY),
    "5 bits: pathwise": Switch(small=5, fit=replace(TINY, estimator="pathwise")),
    "5 bits: dense": Switch(small=5, fit=replace(TINY, estimator="dense")),
}


@dataclass(frozen=True)
class Bench:
    """What all rows share."""

    base: Base
    single_calls: int
    n: int
    libraries: dict[int, Library]  # by small
    cache: Path

    def training(self, switch: Switch) -> list[Prompt]:
        rng, wording = Random("ablation/train"), training_wording()
        if switch.small:
            wording = replace(wording, values=(0, SMALL[switch.small][0]))
        longest = SMALL[switch.small][1] if switch.small else 10
        found = [sample(rng, wording, rng.choice(TASKS), rng.randint(1, longest)) for _ in range(self.single_calls)]
        chat = phrasings("chat_train") if switch.chat else {"plain": (), "near_misses": ()}
        return found + [
            Prompt(text, None, "chat", 0, 0, kind) for kind in ("plain", "near_misses") for text in chat[kind]
        ]

    def test_set(self, switch: Switch) -> list[Prompt]:
        found = []
        for kind in KINDS:
            wording = held_out_wording(kind)
            if switch.small:
                wording = replace(wording, values=(0, SMALL[switch.small][0]))
            for task in TASKS:
                for length in SMALL[switch.small][2] if switch.small else LENGTHS:
                    rng = Random(f"ablation/{kind}/{task}/{length}")
                    found += [sample(rng, wording, task, length) for _ in range(self.n)]
        chat = phrasings("chat_test")
        return found + [
            Prompt(text, None, "chat", 0, 0, kind) for kind in ("plain", "near_misses") for text in chat[kind]
        ]

    def read(
        self, switch: Switch, prompts: Sequence[Prompt], llama: Any = None
    ) -> tuple[list[Message], list[PromptStates]]:
        """`llama`: a trained backbone, else the base."""
        lexer = NumberLexer(self.base.model.config.vocab_size).fill(self.base.tokenizer)
        if switch.split:  # as if a blank stood before every digit
            lexer.code_V.copy_(torch.where(lexer.code_V >= DIGITS, -lexer.code_V, lexer.code_V))
        messages = messages_of(self.base.tokenizer, lexer, [p.text for p in prompts], switch.small or 16)
        depth, layers = self.base.model.config.num_hidden_layers, layers_to_read(self.base.model.config)
        if switch.layers is not None:
            near, deep = (max(1, round(depth * share)) for share in switch.layers)
            layers = near, deep
        pad = int(self.base.model.config.pad_token_id or 0)
        digest = self.base.digest if llama is None else weights_digest(llama)
        seen = features((llama or self.base.model).model, digest, messages, layers, pad, self.cache)
        return messages, seen

    def row(self, switch: Switch, seed: int, steps: int) -> dict[str, Any]:
        library = self.libraries[switch.small]
        prompts = self.training(switch)
        messages, seen = self.read(switch, prompts)
        examples = [
            TrainingExample(
                s,
                m.words,
                p.answer,
                0.0 if p.answer is None else NEGLIGIBLE,
                p.task,
                hidden_of(p, switch.feature_dropout),
            )
            for p, m, s in zip(prompts, messages, seen, strict=True)
        ]
        config = replace(switch.fit, seed=seed, steps=steps, make=switch.make)
        begin = time.process_time()
        reader, losses = fit(examples, library, self.base.model.config.hidden_size, config)
        llama = None
        if switch.tuned:
            llama, reader = self.tune(reader, messages, examples, library, config)
        seconds = time.process_time() - begin  # of one core
        cells = self.asked(reader, library, switch, llama)
        told = {
            "loss": sum(losses[-20:]) / len(losses[-20:]),
            "worst": worst_task(reader, examples, library, config)[0],
        }
        return {"seed": seed, "seconds": round(seconds, 1), **{k: round(v, 4) for k, v in told.items()}, **cells}

    def tune(
        self,
        reader: Reader,
        messages: list[Message],
        examples: list[TrainingExample],
        library: Library,
        config: FitConfig,
    ) -> tuple[Any, Reader]:
        lexer = NumberLexer(self.base.model.config.vocab_size).fill(self.base.tokenizer)
        model = with_readers(self.base, [reader], default_settings(self.base), lexer)
        model.library = library
        how = TuneConfig("lora", TUNE_STEPS, TUNE_BATCH, 1e-4, 16, 1.0, config)
        llama, (trained,), _ = tune(self.base, model, messages, examples, how)
        return llama, trained

    def asked(self, reader: Reader, library: Library, switch: Switch, llama: Any) -> dict[str, float]:
        prompts = self.test_set(switch)
        messages, seen = self.read(switch, prompts, llama)
        right: dict[str, list[bool]] = {}
        order = sorted(range(len(prompts)), key=lambda i: len(messages[i].place))
        for begin in range(0, len(order), TOGETHER):
            part = order[begin : begin + TOGETHER]
            for i, (plan, programs) in zip(
                part, most_probable(reader, collate([seen[i] for i in part]), 16), strict=True
            ):
                p = prompts[i]
                steps = execute(library, plan, programs, messages[i].words) if any(programs) else []
                name = "chat" if p.answer is None else f"{p.phrasing} {p.length}"
                answered = tuple(steps[-1].result) if steps else None
                right.setdefault(name, []).append(answered == p.answer)
        return {name: round(sum(bits) / len(bits), 4) for name, bits in sorted(right.items())}


def library(width: int) -> Library:
    made = build_library(PROGRAMS, width=width).programs
    symbols = tuple(((1 << width) - 1,) if name in SYMBOLS else () for name in PROGRAMS)
    return Library(tuple(made[name] for name in PROGRAMS), symbols)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=list(SWITCHES), default=[n for n in SWITCHES if n != SLOW])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--single-calls", type=int, default=800)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--n", type=int, default=40)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    out = given.out or HERE / "results" / f"ablation-{datetime.now(UTC):%Y-%m-%d-%H%M}.json"
    record = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {**begun(), **shape(given)}
    base = load("smollm2", False)
    bench = Bench(base, given.single_calls, given.n, {small: library(small or 16) for small in (0, *SMALL)},
                  feature_cache(None))  # fmt: skip
    made = {(run["switch"], run["seed"]) for run in record["runs"]}
    for seed in range(given.seeds):
        for name in given.only:
            if (name, seed) not in made:
                record["runs"].append({"switch": name, **bench.row(SWITCHES[name], seed, given.steps)})
                print(record["runs"][-1], file=sys.stderr, flush=True)
                fresh = out.with_name(f".{out.name}.new")
                fresh.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
                fresh.replace(out)
    print(table(record["runs"]))


def shape(given: argparse.Namespace) -> dict[str, int]:
    return {"single_calls": given.single_calls, "steps": given.steps, "n": given.n}


def table(runs: Sequence[dict[str, Any]]) -> str:
    """A row a switch: the mean over seeds, and the least."""
    heads = [f"{kind} {length}" for kind in KINDS for length in ("short", "long")] + ["chat"]
    lines = [f"| | {' | '.join(heads)} | s |", "|---" * (len(heads) + 2) + "|"]
    for name in dict.fromkeys(run["switch"] for run in runs):
        own = [run for run in runs if run["switch"] == name]
        lengths = SMALL[SWITCHES[name].small][2] if SWITCHES[name].small else LENGTHS
        columns = [f"{kind} {length}" for kind in KINDS for length in lengths] + ["chat"]
        told = [f"{sum(r[c] for r in own) / len(own):.3f} ({min(r[c] for r in own):.3f})" for c in columns]
        lines.append(f"| {name} | {' | '.join(told)} | {sum(r['seconds'] for r in own) / len(own):.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
