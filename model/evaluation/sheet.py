"""The worst objects of an evaluation on one sheet."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from model.datasets.layouts import EvaluationObject
from model.evaluation.rows import Row, Table
from model.geometry import Box

WORST = 12
COLUMNS = 4
MARGIN = 0.15
"""Shown around object, mask and clicks, in shares of their longer side."""

TRUTH, MASK, SELECTION, CLICK = "#ffffff", "#ff3b30", "#34c759", "#ffd60a"


@dataclass(frozen=True)
class Panel:
    """One object of the sheet: its rows and its final mask, (H, W)."""

    item: EvaluationObject
    rows: Sequence[Row]
    mask: NDArray[np.bool_]


def worst_objects(table: Table, count: int = WORST) -> list[str]:
    """Names of the objects with the lowest IoU after the last click, worst first."""
    order = np.argsort(table.column("iou")[:, -1], kind="stable")
    return [table.names[index] for index in order[:count]]


def draw_sheet(panels: Sequence[Panel], title: str, path: Path) -> None:
    """Write the sheet: true outline white, mask red, selection click green, further clicks yellow, numbered."""
    columns = min(COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    figure, grid = plt.subplots(
        rows, columns, figsize=(4.2 * columns, 4.2 * rows + 0.9), squeeze=False, layout="constrained"
    )
    try:
        for axes in grid.flat:
            axes.set_axis_off()
        for axes, panel in zip(grid.flat, panels, strict=False):
            _draw(axes, panel)
        figure.suptitle(title, fontsize=12)
        figure.legend(handles=_legend(), loc="outside lower center", ncols=4, frameon=False)
        figure.savefig(path, dpi=100)
    finally:
        plt.close(figure)


def _draw(axes: Axes, panel: Panel) -> None:
    box = _shown(panel)
    extent = (box.left - 0.5, box.right - 0.5, box.bottom - 0.5, box.top - 0.5)
    part = (slice(box.top, box.bottom), slice(box.left, box.right))
    axes.imshow(_tinted(panel.item.image[part], panel.mask[part]), extent=extent)
    x, y = np.arange(box.left, box.right), np.arange(box.top, box.bottom)
    for mask, colour, width in ((panel.mask, MASK, 1.6), (panel.item.truth, TRUTH, 1.4)):
        inside = mask[part]
        if inside.any() and not inside.all() and min(inside.shape) > 1:
            outline = axes.contour(x, y, inside, levels=[0.5], colors=[colour], linewidths=width)
            outline.set_path_effects([patheffects.withStroke(linewidth=width + 1, foreground="#00000090")])
    for row in panel.rows:
        if row.role:
            _mark(axes, row)
    axes.set(xlim=extent[:2], ylim=extent[2:])
    first, last = panel.rows[0].iou, panel.rows[-1].iou
    axes.set_title(f"{panel.item.name}   IoU {last:.3f} (selection {first:.3f})", fontsize=9)


def _mark(axes: Axes, row: Row) -> None:
    colour = SELECTION if row.role == "select" else CLICK
    axes.plot(row.x, row.y, "o", markersize=5, color=colour, markeredgecolor="black", markeredgewidth=0.7)
    if row.role != "select":
        sign = {"positive": "+", "negative": "-"}.get(row.role, "")
        axes.annotate(
            f"{sign}{row.click}",
            (row.x, row.y),
            xytext=(3, 3),
            textcoords="offset points",
            fontsize=7,
            color=colour,
            path_effects=[patheffects.withStroke(linewidth=1.6, foreground="black")],
        )


def _tinted(image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The image, red inside the mask and darker outside."""
    tinted = image.astype(np.float32) * 0.8
    tinted[mask] = tinted[mask] * 0.7 + np.array([255, 59, 48], np.float32) * 0.3
    return tinted.astype(np.uint8)


def _shown(panel: Panel) -> Box:
    """The part of the image with object, mask and clicks in it."""
    rows, columns = panel.mask.shape
    box = Box.of_mask(panel.item.truth | panel.mask)
    for row in panel.rows:
        if row.role:
            column, line = min(max(round(row.x), 0), columns - 1), min(max(round(row.y), 0), rows - 1)
            box = box.union(Box(column, line, column + 1, line + 1))
    margin = max(round(max(box.width, box.height) * MARGIN), 4)
    wider = Box(box.left - margin, box.top - margin, box.right + margin, box.bottom + margin)
    return wider.clipped(columns, rows)


def _legend() -> list[Line2D]:
    line, point = {"linewidth": 2.5}, {"linestyle": "", "marker": "o", "markeredgecolor": "black"}
    return [
        Line2D(
            [],
            [],
            color=TRUTH,
            label="truth",
            path_effects=[patheffects.withStroke(linewidth=4, foreground="grey")],
            **line,  # type: ignore[arg-type]
        ),
        Line2D([], [], color=MASK, label="mask after the last click", **line),  # type: ignore[arg-type]
        Line2D([], [], color=SELECTION, label="selection click", **point),  # type: ignore[arg-type]
        Line2D([], [], color=CLICK, label="further clicks, by number", **point),  # type: ignore[arg-type]
    ]
