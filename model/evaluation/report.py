"""Figures of an evaluation, all computed from its rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.evaluation.loop import Row

NOC_THRESHOLDS = (80, 85, 90, 95)
NOF_THRESHOLDS = (85, 90)
HARM = 0.02
"""A click that lowers the IoU by more than this has done harm."""

RESAMPLINGS = 1000


def summarise(rows: Sequence[Row]) -> dict[str, Any]:
    """The body of `report.json`.

    Returns:
        noc, nof: by threshold in percent.
        miou: after each click.
        click_efficiency: gain of a boundary click over that of repairing the largest error component, by click.
        harmful: share of the boundary clicks.
        contour_distance: median, pixels.
        crop_recall: share of the objects that lie in their first crop to 99.9 %.
        crop_area: mean share of the image.
        ms: of the clicks.
        intervals: 95 % bootstrap intervals over the objects.
    """
    iou = _table(rows, "iou")
    noc = {str(t): float(_noc(iou, t).mean()) for t in NOC_THRESHOLDS}
    first_crop = _table(rows, "held")[:, 0]
    boundary = [row for row in rows if row.click > 1 and row.milliseconds > 0]
    return {
        "objects": int(iou.shape[0]),
        "noc": noc,
        "nof": {str(t): int((iou.max(axis=1) < t / 100).sum()) for t in NOF_THRESHOLDS},
        "miou": [round(float(v), 5) for v in iou.mean(axis=0)],
        "click_efficiency": _efficiency(rows),
        "harmful": _harmful(iou, _table(rows, "milliseconds")),
        "contour_distance": _median([row.contour_distance for row in boundary]),
        "crop_recall": float((first_crop >= 0.999).mean()),
        "crop_area": float(_table(rows, "crop_area")[:, 0].mean()),
        "ms": {
            "select_p50": _percentile([r.milliseconds for r in rows if r.click == 1], 50),
            "select_p95": _percentile([r.milliseconds for r in rows if r.click == 1], 95),
            "boundary_p50": _percentile([r.milliseconds for r in boundary], 50),
            "boundary_p95": _percentile([r.milliseconds for r in boundary], 95),
        },
        "intervals": _intervals(iou),
    }


def _table(rows: Sequence[Row], field: str) -> NDArray[np.float64]:
    """(objects, clicks) of one field."""
    clicks = max(row.click for row in rows)
    return np.array([getattr(row, field) for row in rows], dtype=np.float64).reshape(-1, clicks)


def _noc(iou: NDArray[np.float64], threshold: int) -> NDArray[np.float64]:
    """(objects,) first click whose IoU reaches the threshold in percent; the number of clicks if none does."""
    reached = iou >= threshold / 100
    first = np.where(reached.any(axis=1), reached.argmax(axis=1) + 1, iou.shape[1])
    return np.asarray(first, np.float64)


def _efficiency(rows: Sequence[Row]) -> dict[str, float]:
    """Over all boundary clicks (`all`) and for each of the clicks 2, 3 and 4."""
    iou, oracle = _table(rows, "iou"), _table(rows, "oracle")
    gain, possible = np.diff(iou, axis=1), oracle[:, 1:] - iou[:, :-1]
    columns = {"all": slice(None), "2": slice(0, 1), "3": slice(1, 2), "4": slice(2, 3)}
    return {
        name: float(gain[:, c].sum() / possible[:, c].sum())
        for name, c in columns.items()
        if gain[:, c].size and possible[:, c].sum() > 0
    }


def _harmful(iou: NDArray[np.float64], milliseconds: NDArray[np.float64]) -> float:
    made = milliseconds[:, 1:] > 0
    return float((np.diff(iou, axis=1) < -HARM)[made].mean()) if made.any() else 0.0


def _intervals(iou: NDArray[np.float64]) -> dict[str, tuple[float, float]]:
    picks = np.random.default_rng(0).integers(iou.shape[0], size=(RESAMPLINGS, iou.shape[0]))
    figures = {f"noc{t}": _noc(iou, t) for t in NOC_THRESHOLDS} | {
        f"miou{k}": iou[:, k - 1] for k in (1, 2, 3, 6) if k <= iou.shape[1]
    }
    bounds = {
        name: np.percentile(values[picks].mean(axis=1), (2.5, 97.5)) for name, values in figures.items()
    }
    return {name: (float(low), float(high)) for name, (low, high) in bounds.items()}


def _median(values: Sequence[float]) -> float:
    return float(np.median(values)) if values else float("nan")


def _percentile(values: Sequence[float], q: float) -> float:
    return float(np.percentile(values, q)) if values else float("nan")
