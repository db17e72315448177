"""The page of results, from the newest JSON of each kind in benchmarks/results/.

    python benchmarks/results.py > docs/results.md

A file's kind is its name up to the date: `natural-2026-11-26-2340.json` is of the kind `natural`. Each section is made
of one kind and names its file, commit and device. A test compares the page with what this makes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import mean
from textwrap import fill
from typing import Any

from ncl.training.data import former_names

FOLDER = Path(__file__).resolve().parent / "results"
NAME = re.compile(r"(?P<kind>[a-z0-9-]+?)-\d{4}-\d{2}-\d{2}-\d{4}\.json")
TASKS = ("reverse", "sort", "count", "modsum", "stack")
CALLS = (2, 3, 4, 5, 6)
FORMER = {**former_names.FIELDS, "arms": "baselines"}
Document = dict[str, Any]
Cell = dict[str, Any]


def newest(folder: Path = FOLDER) -> dict[str, Path]:
    """The newest file of each kind; names sort by date."""
    found = {}
    for file in sorted(folder.glob("*.json")):
        if match := NAME.fullmatch(file.name):
            found[match["kind"]] = file
    return found


def older(folder: Path = FOLDER) -> list[Path]:
    """The files that are not the newest of their kind."""
    return sorted(set(folder.glob("*.json")) - set(newest(folder).values()))


def page(folder: Path = FOLDER) -> str:
    parts = [INTRODUCTION]
    for kind, section in SECTIONS.items():
        file = newest(folder)[kind]
        document = under_current_names(json.loads(file.read_text(encoding="utf-8")))
        parts.append(section(document).rstrip() + "\n\n" + source(file, document))
    return "\n\n".join(parts) + "\n"


def under_current_names(found: Any) -> Any:
    """The document with fields of earlier versions under the names that they have today, at every depth."""
    if isinstance(found, list):
        return [under_current_names(part) for part in found]
    if not isinstance(found, dict):
        return found
    return {FORMER.get(name, name): under_current_names(value) for name, value in found.items()}


def source(file: Path, document: Document) -> str:
    how = document.get("command") or document.get("how")
    said = [f"`{file.name}`", f"commit {document['commit'][:7]}", document["device"], *([how] if how else [])]
    return "*" + fill(", ".join(said).replace("the arms", "the baselines"), 128) + "*"


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def number(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")


def chosen(cells: Iterable[Cell], **fields: Any) -> list[Cell]:
    return [cell for cell in cells if all(cell[key] == value for key, value in fields.items())]


def exact(cells: Iterable[Cell], **fields: Any) -> list[str]:
    return [number(cell["exact"]) for cell in chosen(cells, **fields)]


def right(cells: Iterable[Cell]) -> str:
    """How many of how many answers were exact."""
    found = list(cells)
    return f"{sum(round(c['exact'] * c['n']) for c in found)} of {sum(c['n'] for c in found)}"


# --- a pretrained model ----------------------------------------------------------------------------------------------


def natural(document: Document) -> str:
    runs = sorted(document["runs"], key=lambda run: (run["data_seed"], run["seed"]))
    every = [cell for run in runs for cell in run["cells"]]
    head = ["data seed", "seed", *TASKS, "lowest cell, unseen words", "2 … 6 calls", "chat"]
    told = "\n".join(
        f"* {what}: mean {mean(c['exact'] for c in cells):.4f}, "
        f"{sum(c['exact'] >= least for c in cells)} of {len(cells)} cells at {least} or more, lowest {lowest(cells)}."
        for what, cells, least in (
            ("seen words, one call", chosen(every, phrasing="seen", calls=1), 0.99),
            ("unseen words, one call", chosen(every, phrasing="unseen"), 0.9),
            ("several lists of which one is meant", chosen(every, phrasing="several"), 0.9),
            ("chains of 2 to 6 calls", chosen(every, task="chain"), 0.95),
        )
    )
    return f"""## A pretrained model

SmolLM2-135M-Instruct, frozen, with readers fitted to lists of at most ten numbers. Each row is one fit: `data seed`
chooses the training prompts, `seed` the readers. The columns of tasks are exact answers at 10 / 100 / 1000 numbers, in
held-out phrasings made of words that training has; `chat` counts prompts on which nothing was called.

{table(head, map(fit, runs))}

{told}"""


def fit(run: Document) -> list[Any]:
    cells = run["cells"]
    tasks = [" / ".join(exact(cells, task=task, phrasing="seen", calls=1)) for task in TASKS]
    calls = " ".join(value for k in CALLS for value in exact(cells, task="chain", calls=k))
    return [run["data_seed"], run["seed"], *tasks, lowest(chosen(cells, phrasing="unseen")), calls,
            right(chosen(cells, task="chat"))]  # fmt: skip


def lowest(cells: Iterable[Cell]) -> str:
    cell = min(cells, key=lambda c: c["exact"])
    what = f"{cell['calls']} calls" if cell["task"] == "chain" else f"{cell['task']}, {cell['length']}"
    return f"{number(cell['exact'])} ({what})"


def blind(document: Document) -> str:
    (run,) = document["runs"]
    cells = run["cells"]
    rows = [
        [task, *(" / ".join(exact(cells, task=task, phrasing=p, calls=1)) for p in ("seen", "unseen", "several"))]
        for task in TASKS
    ]
    rows.append(["all", *(right(chosen(cells, phrasing=p, calls=1)) for p in ("seen", "unseen", "several"))])
    calls = " ".join(value for k in CALLS for value in exact(cells, task="chain", calls=k))
    return f"""## The independently written test set

The same model on prompts whose author has seen neither the training phrasings in use, nor the other test set, nor a
model. {run["left_out"]} phrasings that training has too are left out. Exact answers at 10 / 100 / 1000 numbers.

{table(["task", "seen words", "unseen words", "several lists"], rows)}

2 … 6 calls: {calls}. Chat with nothing called: {right(chosen(cells, task="chat"))}."""


def demo(document: Document) -> str:
    cells = chosen(document["cells"], system="ncl")
    # fmt: off
    rows = [[f"{phrasing}, {calls} call{'s' * (calls > 1)}", right(chosen(cells, phrasing=phrasing, calls=calls))]
            for phrasing, calls in (("seen", 1), ("unseen", 1), ("several", 1), *(("seen", k) for k in CALLS))]
    # fmt: on
    rows.append(["chat, nothing called", right(chosen(cells, task="chat"))])
    stages = table(["stage", "seconds"], [[s["name"], s["seconds"]] for s in document["stages"]])
    return f"""## The demo in {document["base"]["dtype"]}

`ncl demo` from an empty cache: {document["seconds"]:.0f} seconds, {document["restarts"]} readers fitted again.

{table(["prompts", "exact"], rows)}

{stages}"""


def baselines(document: Document) -> str:
    cells = document["baselines"]
    rows = []
    for model in dict.fromkeys(cell["system"] for cell in cells):
        own = chosen(cells, system=model)
        values = [v for task in TASKS for v in exact(own, task=task)]
        rows.append([f"`{model}`", *values, " ".join(v for k in CALLS for v in exact(own, task="chain", calls=k))])
    parsed = ", ".join(
        f"{task} {number(c['parsed'])}" for task in TASKS for c in chosen(cells, system="tool", task=task)
    )
    lora = document["lora"]
    return f"""## Baselines

Other models on the same prompts of 10 numbers. `lora` had {lora["seconds"]:.0f} seconds and {lora["steps"]} steps.

{table(["model", *TASKS, "2 … 6 calls"], rows)}

Calls of `tool` that can be parsed: {parsed}."""


def answering(document: Document) -> str:
    answer, silent = document["answer"], document["no_call"]
    span = silent.get("overhead_range")
    between = f" (between {span[0]:.1%} and {span[1]:.1%})" if span else ""
    return f"""## Speed of answers on {"a GPU" if "NVIDIA" in document["device"] else "two cores"}

* A sorted list of {answer["numbers"]} numbers, the reading of the prompt included: {answer["seconds"]} seconds, which
  is {answer["ratio"]:.0f} times the tokens a second of the base model.
* 32 tokens behind a prompt that calls nothing take {silent["overhead"]:.1%} longer: the median of {silent["prompts"]}
  prompts{between}. The tokens are the base model's own."""


def ablation(document: Document) -> str:
    groups: dict[str, list[Document]] = {}
    for run in document["runs"]:
        groups.setdefault(run["switch"], []).append(run)
    rows = [
        [what, *(f"{mean(values):.3f} ({min(values):.2f})" for values in zip(*map(shares, runs), strict=True)),
         f"{mean(r['seconds'] for r in runs):.0f}"]
        for what, runs in groups.items()
    ]  # fmt: skip
    return f"""## What each part of a reader contributes

One switch changed at a time: single readers, {document["single_calls"]} prompts of one call, {document["steps"]} steps,
{document["n"]} prompts a cell. Means of the seeds, the least in brackets; seconds are those of one core. Words of 8
bits hold numbers up to 60. Words of 5 bits hold numbers up to 30, in lists of 5 and 20 numbers instead of 10 and 100.

{table(["switch", "seen, short", "seen, long", "unseen, short", "unseen, long", "chat left alone", "s"], rows)}"""


def shares(run: Document) -> list[float]:
    """Exact answers of seen and unseen words, each at the shorter and the longer length, and of chat."""
    asked = [key for kind in ("seen ", "unseen ") for key in sorted(run, key=len) if key.startswith(kind)]
    return [run[key] for key in (*asked, "chat")]


# --- proofs and the model from scratch -------------------------------------------------------------------------------


def nightly(document: Document) -> str:
    verify = document["verify"]
    counts = ", ".join(f"{count} {verdict}" for verdict, count in verify["verdicts"].items())
    rows = [
        [task, *(" / ".join(number(mean(c["exact"] for d in document["demos"]
                                        for c in chosen(d["cells"], system=system, task=task, length=length)))
                            for length in (10, 50, 100, 500)) for system in ("ncl", "plain"))]
        for task in TASKS
    ]  # fmt: skip
    return f"""## The whole library, and a model from scratch

`ncl verify --all`: {counts}; {verify["cold"]} seconds with an empty cache, {verify["cached"]} with a full one.

`ncl demo --tiny` for {len(document["demos"])} seeds, exact answers at 10 / 50 / 100 / 500 numbers:

{table(["task", "with the computer", "the same LLaMA without"], rows)}"""


def validation(document: Document) -> str:
    lines: dict[int, list[Document]] = {}
    for program in document["growth"]:
        lines.setdefault(round(program["lines"], -1 if program["lines"] < 100 else -2), []).append(program)
    rows = [
        [f"about {size}", f"{mean(p['instructions'] for p in found):.0f}", f"{mean(p['seconds'] for p in found):.3f}"]
        for size, found in sorted(lines.items())
    ]
    widths = ", ".join(f"{f['seconds']:.2f} at width {f['width']}" for f in document["features"])
    return f"""## Translation validation

Time grows as lines^{document["exponent"]:.2f}. Means of generated programs at width {document["width"]}, one core:

{table(["lines", "instructions", "seconds"], rows)}

One program of ten features, in seconds: {widths}."""


INTRODUCTION = """# Results

*Made from the newest JSON of each kind by `python benchmarks/results.py > docs/results.md`.*

Each section names its file in `benchmarks/results/`, the commit and the device. `benchmarks/README.md` says how a
figure is measured, and [the page on pretrained models](natural.md) what is fitted. A cell is exact when every number of
an answer is right and the answer ends."""

SECTIONS: dict[str, Callable[[Document], str]] = {
    "natural": natural,
    "blind": blind,
    "demo": demo,
    "demo-float32": demo,
    "baselines": baselines,
    "answering": answering,
    "answering-gpu": answering,
    "ablation": ablation,
    "nightly": nightly,
    "validation": validation,
}


if __name__ == "__main__":
    print(page(), end="")
