"""Curves of an evaluation as PNG files."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from model.evaluation.rows import Table

HISTOGRAM_CLICKS = (1, 3, 6)
BINS = 20
BLUE, ORANGE, GREY = "#1f5fa8", "#d9730d", "#666666"

Report = Mapping[str, Any]


def draw_curves(report: Report, table: Table, folder: Path) -> None:
    """Write miou.png, iou_histogram.png and crop_recall.png."""
    with _figure(folder / "miou.png") as axes:
        _draw_miou(axes, report)
    with _figure(folder / "iou_histogram.png", rows=len(_histogram_clicks(table))) as panels:
        _draw_histograms(np.atleast_1d(panels), report, table)
    if report["crop_by_padding"]:
        with _figure(folder / "crop_recall.png") as axes:
            _draw_crop_recall(axes, report)


def title(report: Report) -> str:
    """What was evaluated, in two lines."""
    return (
        f"{report['model']} on {report['dataset'].partition(':')[0]}\n"
        f"{report['objects']} objects, clicker {report['clicker']}, noise {report['noise']:g} px"
    )


@contextmanager
def _figure(path: Path, rows: int = 1) -> Iterator[Any]:
    figure, axes = plt.subplots(rows, 1, figsize=(7, 2.2 + 2.3 * rows), sharex=True, layout="constrained")
    try:
        yield axes
        figure.savefig(path, dpi=130)
    finally:
        plt.close(figure)


def _draw_miou(axes: Axes, report: Report) -> None:
    clicks = np.arange(1, len(report["miou"]) + 1)
    low, high = np.array([report["intervals"][f"miou{k}"] for k in clicks]).T
    axes.fill_between(clicks, low, high, color=BLUE, alpha=0.18, linewidth=0, label="95 % interval")
    axes.plot(clicks, report["miou"], "o-", color=BLUE, markersize=4, label="mean IoU")
    for level in (0.85, 0.9):
        axes.axhline(level, color=GREY, linewidth=0.8, linestyle=":")
    axes.set(
        xlabel="clicks, the selection included",
        ylabel="mIoU",
        ylim=(min(np.floor(float(low.min()) * 10) / 10, 0.9), 1),
    )
    axes.set_title(title(report), fontsize=10)
    axes.set_xticks(clicks[:: max(len(clicks) // 20, 1)])
    axes.grid(axis="y", alpha=0.25)
    axes.legend(loc="lower right", frameon=False)


def _histogram_clicks(table: Table) -> list[int]:
    return [click for click in HISTOGRAM_CLICKS if click <= table.clicks]


def _draw_histograms(panels: Any, report: Report, table: Table) -> None:
    iou = table.column("iou")
    for axes, click in zip(panels, _histogram_clicks(table), strict=True):
        values = iou[:, click - 1]
        axes.hist(values, bins=BINS, range=(0, 1), color=BLUE, alpha=0.75, rwidth=0.92)
        axes.axvline(float(values.mean()), color=ORANGE, label=f"mean {values.mean():.3f}")
        axes.axvline(
            float(np.median(values)), color=ORANGE, linestyle="--", label=f"median {np.median(values):.3f}"
        )
        axes.set_ylabel(f"objects\nafter {click} click{'s' if click > 1 else ''}")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(loc="upper left", frameon=False)
    panels[0].set_title(title(report), fontsize=10)
    panels[-1].set(xlabel="IoU", xlim=(0, 1))


def _draw_crop_recall(axes: Axes, report: Report) -> None:
    """As Fig. 3a of the paper."""
    curve = report["crop_by_padding"]
    padding = [each["padding"] for each in curve]
    for name, text, colour in (
        ("recall", "objects that the crop holds", BLUE),
        ("area_reduction", "area reduction", ORANGE),
    ):
        axes.plot(padding, [each[name] for each in curve], "o-", markersize=4, color=colour, label=text)
    axes.set(xlabel="padding on each side, in crop sides", ylim=(0, 1.02))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_title(title(report), fontsize=10)
    axes.grid(alpha=0.25)
    axes.legend(loc="lower right", frameon=False)
