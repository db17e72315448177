"""The picture of a result: exact answers against length, one line an arm, one panel a task."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from ncl.training.evaluate import Cell

COLOURS = {"ncl": "#1b6ca8", "plain": "#d1495b"}
LABELS = {"ncl": "LLaMA with NCL", "plain": "the same LLaMA alone"}


def accuracy_plot(cells: Sequence[Cell], trained_to: int) -> bytes:
    """A PNG. Bars are the exact 95 % intervals; the shaded part is what training saw."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    tasks = list(dict.fromkeys(c.task for c in cells))
    lengths = sorted({c.length for c in cells})
    figure = Figure(figsize=(2.5 * len(tasks) + 0.6, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    panels: list[Any] = list(figure.subplots(1, len(tasks), sharey=True, squeeze=False)[0])
    for panel, task in zip(panels, tasks, strict=True):
        panel.axvspan(0.1, trained_to, color="#e8e3d3", zorder=0, label=f"lengths seen in training (≤ {trained_to})")
        for arm in dict.fromkeys(c.arm for c in cells):
            line = sorted((c for c in cells if c.task == task and c.arm == arm), key=lambda c: c.length)
            low = [max(0.0, c.exact - c.interval[0]) for c in line]
            high = [max(0.0, c.interval[1] - c.exact) for c in line]
            panel.errorbar(
                [_place(c.length) for c in line], [c.exact for c in line], yerr=[low, high], marker="o", markersize=4,
                capsize=2, color=COLOURS.get(arm, "#666666"), label=LABELS.get(arm, arm), clip_on=False,
            )  # fmt: skip
        panel.set(
            title=task, xscale="log", ylim=(-0.03, 1.05), xlim=(_place(lengths[0]) / 2, _place(lengths[-1]) * 1.5)
        )
        panel.set_xticks([_place(n) for n in lengths], labels=[str(n) for n in lengths], minor=False)
        panel.set_xticks([], minor=True)
        panel.grid(axis="y", color="#e4e7eb", linewidth=0.6)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("exact answers")
    figure.supxlabel("numbers in the prompt", fontsize=10)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), fontsize=9, frameon=False)
    out = BytesIO()
    # Without the version the same figures give the same bytes.
    figure.savefig(out, format="png", dpi=140, metadata={"Software": None})
    return out.getvalue()


def _place(length: int) -> float:
    """Where a length stands on the logarithmic axis, which has no 0."""
    return max(length, 0.5)
