"""The figures of an evaluation, from its rows."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from model.evaluation.crops import HELD
from model.evaluation.rows import PADDINGS, Table
from model.evaluation.statistics import Mean, Percentile, Ratio, Statistic, Total

NOC_THRESHOLDS = (80, 85, 90, 95)
NOF_THRESHOLDS = (85, 90)

HARM = 0.02
"""A click that lowers the IoU by more than this has done harm."""

FIRST_CLICKS = 5
"""Clicks after the selection whose harm is also given apart: few people make more."""

Profile = Literal["standard", "paper"]
"""`paper` (section 4.2): an object that its crop does not hold whole counts all the clicks in NoC."""


def figures(table: Table, profile: Profile = "standard") -> dict[str, Statistic]:
    """Every figure by its name in the report's `intervals`."""
    return {
        **_counts(table, profile),
        **{f"miou{k}": Mean(column) for k, column in enumerate(table.column("iou").T, start=1)},
        **_efficiency(table),
        **_harm(table),
        "contour_distance": Percentile(table.column("final_distance"), 50),
        "contour_distance_after_click": Percentile(table.column("contour_distance"), 50),
        **_crops(table),
        **_times(table),
    }


def clicks_to(iou: NDArray[np.float64], threshold: int) -> NDArray[np.float64]:
    """(objects,) NoC: the first click whose IoU reaches the threshold in percent; all clicks if none does.

    Args:
        iou: (objects, clicks).
    """
    reached = iou >= threshold / 100
    first = np.where(reached.any(axis=1), reached.argmax(axis=1) + 1, iou.shape[1])
    return np.asarray(first, np.float64)


def _counts(table: Table, profile: Profile) -> dict[str, Statistic]:
    iou = table.column("iou")
    lost = table.column("held")[:, 0] < HELD
    found: dict[str, Statistic] = {}
    for threshold in NOC_THRESHOLDS:
        clicks = clicks_to(iou, threshold)
        if profile == "paper":
            clicks[lost] = table.clicks
        found[f"noc{threshold}"] = Mean(clicks)
    for threshold in NOF_THRESHOLDS:
        found[f"nof{threshold}"] = Total((iou.max(axis=1) < threshold / 100).astype(np.float64))
    return found


def _efficiency(table: Table) -> dict[str, Statistic]:
    """IoU gain of clicks / gain of repairing the whole largest error component; all of them, and click 2, 3, 4."""
    iou, made = table.column("iou"), table.made()[:, 1:]
    gain = np.where(made, np.diff(iou, axis=1), 0)
    possible = np.where(made, table.column("oracle")[:, 1:] - iou[:, :-1], 0)
    found: dict[str, Statistic] = {"click_efficiency_all": Ratio(gain.sum(axis=1), possible.sum(axis=1))}
    for click in range(2, min(table.clicks, 4) + 1):
        found[f"click_efficiency_{click}"] = Ratio(gain[:, click - 2], possible[:, click - 2])
    return found


def _harm(table: Table) -> dict[str, Statistic]:
    made = table.made()[:, 1:]
    harmed = made & (np.diff(table.column("iou"), axis=1) < -HARM)

    def share(clicks: slice) -> Ratio:
        above, below = harmed[:, clicks].sum(axis=1), made[:, clicks].sum(axis=1)
        return Ratio(above.astype(np.float64), below.astype(np.float64))

    return {"harmful": share(slice(None)), "harmful_first_five": share(slice(FIRST_CLICKS))}


def _crops(table: Table) -> dict[str, Statistic]:
    """Of the crop after the selection click, and by padding (Fig. 3a)."""
    held = table.column("held")[:, 0]
    found: dict[str, Statistic] = {
        "crop_recall": Mean((held >= HELD).astype(np.float64)),
        "crop_recall_whole": Mean((held >= 1).astype(np.float64)),
        "crop_area": Mean(table.column("crop_area")[:, 0]),
    }
    holds, areas = table.by_padding("held_by_padding"), table.by_padding("area_by_padding")
    for padding, hold, area in zip(PADDINGS, holds.T, areas.T, strict=False):
        found[f"crop_recall_at_{padding:g}"] = Mean((hold >= HELD).astype(np.float64))
        found[f"area_reduction_at_{padding:g}"] = Mean(1 - area)
    return found


def _times(table: Table) -> dict[str, Statistic]:
    """Of the zoom passes during selection clicks, of the selection clicks and of the clicks after them."""
    milliseconds = np.where(table.made(), table.column("milliseconds"), np.nan)
    columns = {
        "encode": table.column("encode_milliseconds")[:, :1],
        "select": milliseconds[:, :1],
        "boundary": milliseconds[:, 1:],
    }
    return {f"ms_{name}_p{q}": Percentile(column, q) for name, column in columns.items() for q in (50, 95)}
