"""The body of `report.json`."""

import math
from typing import Any

from model.evaluation.figures import NOC_THRESHOLDS, NOF_THRESHOLDS, Profile, figures
from model.evaluation.rows import PADDINGS, Table
from model.evaluation.statistics import intervals, value


def summarise(table: Table, profile: Profile = "standard") -> dict[str, Any]:
    """Every figure with its 95 % bootstrap interval over the objects; null where a figure is not defined.

    Returns:
        objects: their number.
        noc, nof: by threshold in percent.
        miou: after each click.
        click_efficiency: gain of a click over that of repairing the largest error component; all, and click 2, 3, 4.
        harmful, harmful_first_five: share of the clicks after the selection, and of the first five of them.
        contour_distance: median, pixels, from all boundary clicks to the contour after the last one;
            contour_distance_after_click: to the contour after the very click.
        crop_recall: share of the objects of which the crop holds 99.9 %; crop_recall_whole: every pixel.
        crop_area: mean share of the image; area_reduction: the rest of it.
        crop_by_padding: the same for other paddings, before the crop is enlarged where the mask runs over its edge.
        ms: encode: one zoom pass; select, boundary: one click.
        intervals: by figure.
    """
    statistics = figures(table, profile)
    found = {name: _number(value(statistic, len(table))) for name, statistic in statistics.items()}
    bounds = {name: [_number(v) for v in pair] for name, pair in intervals(statistics, len(table)).items()}
    area = found["crop_area"]
    return {
        "objects": len(table),
        "profile": profile,
        "noc": {str(t): found[f"noc{t}"] for t in NOC_THRESHOLDS},
        "nof": {str(t): int(found[f"nof{t}"] or 0) for t in NOF_THRESHOLDS},
        "miou": [found[f"miou{k}"] for k in range(1, table.clicks + 1)],
        "click_efficiency": _named("click_efficiency_", found),
        "harmful": found["harmful"],
        "harmful_first_five": found["harmful_first_five"],
        "contour_distance": found["contour_distance"],
        "contour_distance_after_click": found["contour_distance_after_click"],
        "crop_recall": found["crop_recall"],
        "crop_recall_whole": found["crop_recall_whole"],
        "crop_area": area,
        "area_reduction": None if area is None else 1 - area,
        "crop_by_padding": [
            {
                "padding": padding,
                "recall": found[f"crop_recall_at_{padding:g}"],
                "area_reduction": found[f"area_reduction_at_{padding:g}"],
            }
            for padding in PADDINGS
            if f"crop_recall_at_{padding:g}" in found
        ],
        "ms": _named("ms_", found),
        "intervals": bounds,
    }


def _named(prefix: str, found: dict[str, float | None]) -> dict[str, float | None]:
    return {name.removeprefix(prefix): each for name, each in found.items() if name.startswith(prefix)}


def _number(each: float) -> float | None:
    """JSON has no NaN; more digits than these say nothing."""
    return None if math.isnan(each) else round(each, 5)
