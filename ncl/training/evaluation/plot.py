"""The picture of a result: exact answers against length, one line a system, one panel a task; and against calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

from ncl.training.evaluation.accuracy import Cell

COLOURS = {
    "ncl": "#1b6ca8", "plain": "#d1495b", "base": "#8d99ae", "base-few-shot": "#d1495b", "tool": "#edae49",
    "lora": "#66a182", "random-library": "#7b5ea7",
}  # fmt: skip
LABELS = {
    "ncl": "LLaMA with NCL", "plain": "the same LLaMA alone", "base": "the base model",
    "base-few-shot": "base model with examples", "tool": "base model writing Python",
    "lora": "base model with LoRA", "random-library": "with a random library",
}  # fmt: skip
UNSEEN = "unseen"  # the phrasing whose lines are dashed
CHAIN, CHAT = "chain", "chat"
Place = Callable[[Cell], float]


def accuracy_plot(cells: Sequence[Cell], trained_to: int) -> bytes:
    """A PNG. Bars are the exact 95 % intervals; the shaded part is what training saw."""
    tasks = list(dict.fromkeys(c.task for c in cells))
    figure, panels = _figure(len(tasks))
    for panel, task in zip(panels, tasks, strict=True):
        mine = [c for c in cells if c.task == task]
        _lengths(panel, task, mine, trained_to, sorted({c.length for c in cells}))
    return _png(figure, panels)


def natural_plot(cells: Sequence[Cell], trained_to: int, trained_calls: int = 2) -> bytes:
    """A PNG: a panel a task against length, in phrasings of known and (dashed) unknown words, and one for chains."""
    single = [c for c in cells if c.task not in (CHAIN, CHAT) and c.phrasing in ("seen", UNSEEN)]
    chained = [c for c in cells if c.task == CHAIN]
    tasks = list(dict.fromkeys(c.task for c in single))
    figure, panels = _figure(len(tasks) + bool(chained))
    for panel, task in zip(panels, tasks):
        mine = [c for c in single if c.task == task]
        _lengths(panel, task, mine, trained_to, sorted({c.length for c in single}))
    if chained:
        panel = panels[-1]
        panel.axvspan(0.6, trained_calls + 0.4, color="#e8e3d3", zorder=0)
        _lines(panel, chained, lambda c: float(c.calls or 0))
        panel.set(title="by calls in a row", ylim=(-0.03, 1.05), xticks=sorted({c.calls or 0 for c in chained}))
        _with_axes(panel)
    return _png(figure, panels)


def _figure(panels: int) -> tuple[Any, list[Any]]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.5 * panels + 0.6, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(1, panels, sharey=True, squeeze=False)[0])


def _lengths(panel: Any, task: str, cells: Sequence[Cell], trained_to: int, lengths: Sequence[int]) -> None:
    panel.axvspan(0.1, trained_to, color="#e8e3d3", zorder=0, label=f"lengths seen in training (≤ {trained_to})")
    _lines(panel, cells, lambda c: _place(c.length))
    panel.set(title=task, xscale="log", ylim=(-0.03, 1.05), xlim=(_place(lengths[0]) / 2, _place(lengths[-1]) * 1.5))
    panel.set_xticks([_place(n) for n in lengths], labels=[str(n) for n in lengths], minor=False)
    panel.set_xticks([], minor=True)
    _with_axes(panel)


def _lines(panel: Any, cells: Sequence[Cell], place: Place) -> None:
    """A line a system and phrasing."""
    for system, phrasing in dict.fromkeys((c.system, c.phrasing) for c in cells):
        line = sorted((c for c in cells if (c.system, c.phrasing) == (system, phrasing)), key=place)
        low = [max(0.0, c.exact - c.interval[0]) for c in line]
        high = [max(0.0, c.interval[1] - c.exact) for c in line]
        panel.errorbar(
            [place(c) for c in line], [c.exact for c in line], yerr=[low, high], marker="o", markersize=4, capsize=2,
            color=COLOURS.get(system, "#666666"), linestyle="--" if phrasing == UNSEEN else "-", clip_on=False,
            label="dashed: unknown words" if phrasing == UNSEEN else LABELS.get(system, system),
        )  # fmt: skip


def _with_axes(panel: Any) -> None:
    panel.grid(axis="y", color="#e4e7eb", linewidth=0.6)
    panel.spines[["top", "right"]].set_visible(False)


def _png(figure: Any, panels: Sequence[Any]) -> bytes:
    panels[0].set_ylabel("exact answers")
    figure.supxlabel("numbers in the prompt", fontsize=10)
    handles: dict[str, Any] = {}
    for panel in panels:
        for handle, label in zip(*panel.get_legend_handles_labels()):
            handles.setdefault(label, handle)
    columns = min(len(handles), len(panels))
    figure.legend(
        handles.values(), handles.keys(), loc="outside upper center", ncols=columns, fontsize=9, frameon=False
    )
    out = BytesIO()
    # Without the version the same figures give the same bytes.
    figure.savefig(out, format="png", dpi=140, metadata={"Software": None})
    return out.getvalue()


def _place(length: int) -> float:
    """Where a length stands on the logarithmic axis, which has no 0."""
    return max(length, 0.5)
