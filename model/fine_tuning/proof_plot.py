"""The picture of a proof: clicks against corrections, for each order."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

COLOURS = {"random": "#1f5fa8", "uncertainty": "#d9730d"}


def draw(report: Mapping[str, Any], path: Path) -> None:
    """Write the PNG file of what `proof.prove` returns."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    try:
        titles = {
            "held_out": f"{report['objects']} held-out objects of the domain",
            "replay": f"{report['replayed']} objects of the replay set",
        }
        for place, (part, title) in zip(axes, titles.items(), strict=True):
            _draw_part(place, report["lessons"], part)
            place.set_title(title)
        axes[0].legend()
        figure.suptitle(f"{report['model']}: clicks before and after corrections")
        figure.savefig(path, dpi=130)
    finally:
        plt.close(figure)


def _draw_part(axes: Axes, lessons: list[Mapping[str, Any]], part: str) -> None:
    before = lessons[0][part][0]["first"]
    axes.axhline(before, color="#666666", linestyle=":", label="before")
    for order in dict.fromkeys(lesson["order"] for lesson in lessons):
        mine = [lesson for lesson in lessons if lesson["order"] == order]
        counts = [0, *(lesson["count"] for lesson in mine)]
        found = [lesson[part][0] for lesson in mine]
        axes.plot(
            counts,
            [before, *(each["second"] for each in found)],
            "o-",
            color=COLOURS[order],
            label=f"{order} order",
        )
        # The interval is that of the difference, in pairs.
        low = [before, *(before + each["low"] for each in found)]
        high = [before, *(before + each["high"] for each in found)]
        axes.fill_between(counts, low, high, color=COLOURS[order], alpha=0.15, linewidth=0)
    axes.set_xlabel("corrections")
    axes.set_ylabel("NoC@85, lower is better")
    axes.set_ylim(bottom=0)
