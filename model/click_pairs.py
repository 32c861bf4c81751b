"""What a boundary click says of its two sides: a point inside the object, and one outside.

The annotator clicks on the true outline. Seen from there, the current contour lies on the side of the error: the pixels
between the two are missing if the click is outside the mask, surplus if it is inside. So each click gives a point on
either side of the outline whose side is known, without any second kind of click.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model import masks

STEP = 8.0
"""Distance from the click of the point on the side without error, and least distance of the other, network pixels.

More than a person's click is off, so that the points lie on their sides.
"""

NEAR = 4.0
"""Below this distance to the contour, network pixels, the direction is taken from the mask around the click."""

WINDOW = 9
"""Half the side of that surrounding, network pixels."""

Point = tuple[float, float]


@dataclass(frozen=True)
class StraddlingPair:
    """Points inside and outside the object on both sides of a boundary click, network pixels.

    Attributes:
        outward: signed distance from the click to the current contour; positive outside the mask.
    """

    inside: Point
    outside: Point
    outward: float


def straddling_pairs(mask: NDArray[np.bool_], clicks: Sequence[Point]) -> list[StraddlingPair]:
    """The pair of each boundary click on a (h, w) mask; the click itself twice where no direction can be told."""
    if not clicks:
        return []
    nearest, outward = masks.nearest_contour(mask, clicks)
    return [
        _pair(mask, click, (float(x), float(y)), float(gap))
        for click, (x, y), gap in zip(clicks, nearest, outward, strict=True)
    ]


def _pair(mask: NDArray[np.bool_], click: Point, nearest: Point, gap: float) -> StraddlingPair:
    if abs(gap) < NEAR:
        direction = _outward_around(mask, click)
    else:
        away = np.array(click) - np.array(nearest)
        direction = away / np.linalg.norm(away) * np.sign(gap) if away.any() else np.zeros(2)
    error_side = max(abs(gap) / 2, STEP)
    inward, out = (error_side, STEP) if gap > 0 else (STEP, error_side)
    inside, outside = np.array(click) - inward * direction, np.array(click) + out * direction
    return StraddlingPair((float(inside[0]), float(inside[1])), (float(outside[0]), float(outside[1])), gap)


def _outward_around(mask: NDArray[np.bool_], click: Point) -> NDArray[np.float64]:
    """(2,) unit vector from the object's side to the other, from the mask near the click; zero if it is all one."""
    column, row = round(click[0]), round(click[1])
    left, top = max(column - WINDOW, 0), max(row - WINDOW, 0)
    part = mask[top : max(row + WINDOW + 1, 0), left : max(column + WINDOW + 1, 0)]
    if not part.any() or part.all():
        return np.zeros(2)
    rows, columns = np.nonzero(part)
    away_rows, away_columns = np.nonzero(~part)
    vector = np.array([away_columns.mean() - columns.mean(), away_rows.mean() - rows.mean()])
    length = float(np.linalg.norm(vector))
    return vector / length if length > 0 else np.zeros(2)
