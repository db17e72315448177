"""The independently written test set: its author had seen neither the test set of `ncl evaluate` nor a model.

    python benchmarks/blind.py RUN [--n 40] [--n-long 8] [--seed 0] [--only seen …] [--prompts FILE] [--out FILE]

RUN is a folder of `ncl train natural`. The phrasings are those of benchmarks/phrasings/blind.json: `seen` (made of the
words of the first training phrasings), `unseen` (with words that those have not), `several` lists, chains of 2 to 6
calls, and chat. What stands in today's training too, apart from case and marks, is left out and counted. The prompts go
through `ncl evaluate --prompts`; JSON with commit, device and versions goes to benchmarks/results/. --prompts only
writes the prompts.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any

from natural import HERE, begun, ncl, written

from ncl.training.evaluation.accuracy import samples_for
from ncl.training.evaluation.held_out import CALLS, CHAIN_LENGTH, KINDS, LENGTHS
from ncl.training.tasks.natural_prompts import LISTED, TASKS, Prompt, held_out_wording, phrasings, sample

PHRASINGS = HERE / "phrasings" / "blind.json"
CHAT = "chat"


def plain(text: str) -> str:
    """Letters and slots alone."""
    return " ".join(re.findall(r"[a-z]+|\{\w+\}", text.lower()))


def texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping):
        yield from chain.from_iterable(map(texts, data.values()))
    elif isinstance(data, list):
        yield from chain.from_iterable(map(texts, data))


def unknown(data: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """The phrasings that training has not, and how many it has. Joins stay: they are marks and a word or two."""
    known = {plain(text) for name in ("train", "chat_train") for text in texts(phrasings(name))}
    kept: dict[str, Any] = {CHAT: [text for text in data[CHAT] if plain(text) not in known]}
    dropped = len(data[CHAT]) - len(kept[CHAT])
    for section in (*KINDS, "chain", "steps"):
        kept[section] = {
            name: [text for text in found if name == "joins" or plain(text) not in known]
            for name, found in data[section].items()
        }
        dropped += sum(len(found) - len(kept[section][name]) for name, found in data[section].items())
    return kept, dropped


def prompts(data: Mapping[str, Any], n: int, n_long: int, seed: int) -> Iterator[Prompt]:
    for kind in KINDS:
        wording = held_out_wording(kind, data)
        for task in TASKS:
            for length in LENGTHS:
                rng = Random(f"blind/{seed}/{kind}/{task}/{length}")
                yield from (sample(rng, wording, task, length) for _ in range(samples_for(length, n, n_long)))
    wording = held_out_wording("seen", data)
    for calls in CALLS:
        rng = Random(f"blind/{seed}/chain/{calls}")
        yield from (sample(rng, wording, rng.choice(LISTED), CHAIN_LENGTH, calls) for _ in range(n))
    yield from (Prompt(text, None, CHAT, 0, 0, CHAT) for text in data[CHAT])


def line(prompt: Prompt) -> str:
    told = {"prompt": prompt.text, "answer": prompt.answer, "task": prompt.task, "length": prompt.length}
    return json.dumps({**told, "calls": prompt.calls, "phrasing": prompt.phrasing}, ensure_ascii=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--n", type=int, default=40)
    parser.add_argument("--n-long", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=(*KINDS, CHAT), default=[*KINDS, CHAT])
    parser.add_argument("--prompts", type=Path)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if given.prompts and not given.prompts.absolute().parent.is_dir():
        parser.error(f"--prompts {given.prompts}: no such folder; make it first")
    data, dropped = unknown(json.loads(PHRASINGS.read_text(encoding="utf-8")))
    asked = [p for p in prompts(data, given.n, given.n_long, given.seed) if p.phrasing in given.only]
    print(f"{len(asked)} prompts; {dropped} phrasings that training has are left out", file=sys.stderr)
    with tempfile.TemporaryDirectory() as name:
        file = given.prompts or Path(name) / "blind.jsonl"
        file.write_text("\n".join(map(line, asked)) + "\n", encoding="utf-8")
        if given.prompts:
            return
        cells = ncl("evaluate", str(given.run), "--prompts", str(file))["cells"]
    out = given.out or HERE / "results" / f"blind-{datetime.now(UTC):%Y-%m-%d-%H%M}.json"
    record = begun()
    run = {"commit": record["commit"], "exam_seed": given.seed, "left_out": dropped, "cells": cells}
    written({**record, "runs": [run]}, out, "blind")


if __name__ == "__main__":
    main()
