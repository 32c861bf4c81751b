"""Fig. 3a and Fig. 4 as PNG files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import PercentFormatter

from model.reproduction.published import CROP_RECALL

COLOURS = {"ba-ce": "#1f5fa8", "cb-ce": "#d9730d", "bcr": "#1f5fa8", "pnr": "#d9730d"}


def draw_crops(found: Mapping[str, Mapping[str, Any]], place: str, path: Path) -> None:
    """Fig. 3a: recall, solid, and area reduction, dashed, against the padding, by loss."""
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for loss, curve in found.items():
        colour, title = COLOURS[loss], loss.upper()
        axes.plot(curve["padding"], curve["recall"], "o-", color=colour, label=f"{title}, objects held")
        axes.plot(
            curve["padding"], curve["area_reduction"], "s--", color=colour, label=f"{title}, area reduction"
        )
    axes.axhline(
        CROP_RECALL, color="#666666", linewidth=0.8, linestyle=":", label="recall in the paper, BA-CE, VOC"
    )
    axes.set(xlabel="padding on each side, pixels", ylim=(0, 1.03))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_title(f"Fig. 3a on {place}", fontsize=10)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def draw_miou(found: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Fig. 4: mean IoU against the clicks, a panel for each data set."""
    figure, panels = plt.subplots(
        1, len(found), figsize=(1 + 3.6 * len(found), 3.8), sharey=True, squeeze=False, layout="constrained"
    )
    for axes, (name, each) in zip(panels[0], found.items(), strict=True):
        for run, curve in each["miou"].items():
            clicks = np.arange(1, len(curve) + 1)
            axes.plot(clicks, curve, "o-", markersize=3, color=COLOURS[run], label=f"ours, {run.upper()}")
        axes.set(xlabel="clicks, the selection included", title=f"{name}, {each['objects']} objects")
        axes.grid(alpha=0.25)
    panels[0][0].set_ylabel("mIoU")
    panels[0][0].legend(frameon=False)
    figure.savefig(path, dpi=130)
    plt.close(figure)
