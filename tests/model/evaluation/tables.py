"""Rows made up by hand, for tests of what is computed from them."""

import math
from typing import Any

from model.evaluation.rows import Row


def rows_of(name: str, ious: list[float], oracles: list[float] | None = None, **fields: Any) -> list[Row]:
    """Rows of one object; click k takes 10 k ms. `fields` go into every row."""
    rows = []
    for click, iou in enumerate(ious, start=1):
        first = click == 1
        values = {
            "x": 1.0,
            "y": 1.0,
            "oracle": math.nan if first else (oracles or ious)[click - 1],
            "contour_distance": math.nan if first else 2.0,
            "final_distance": math.nan if first else 3.0,
            "held": 1.0,
            "crop_area": 0.25,
            "milliseconds": 10.0 * click,
            "role": "select" if first else "boundary",
            "encode_milliseconds": 7.0 if first else math.nan,
            "truth_pixels": 100,
        }
        rows.append(Row(object=name, click=click, iou=iou, **{**values, **fields}))
    return rows
