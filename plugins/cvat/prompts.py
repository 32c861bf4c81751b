"""An annotator's clicks on one object, as CVAT tells them, and what they mean."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from model import Click
from model.errors import InvalidClick
from model.geometry import Box

Point = tuple[float, float]
"""x, y in image pixels from the image's top left corner: the middle of the first pixel is (0.5, 0.5)."""

RightClick = Literal["boundary", "ignore"]
"""What a click with the right button is; CVAT calls it negative, which this method has no use for."""

SLACK = 1.0
"""Pixels beyond the image that are still taken for its edge: a region of interest includes its right edge."""


@dataclass(frozen=True)
class Prompts:
    """All the clicks of a request.

    Args:
        positive: left clicks in the order they were made.
        negative: right clicks, likewise; how the two took turns is not known.
        box: corners of a box, perhaps of several, one behind the other.
    """

    positive: tuple[Point, ...]
    negative: tuple[Point, ...] = ()
    box: tuple[Point, ...] = ()

    @property
    def middle_of_box(self) -> Point | None:
        """The middle of the (first) box, None without one."""
        return middle(self.box[:2]) if len(self.box) > 1 else None


def middle(points: Sequence[Point]) -> Point:
    """Mean of one or more points."""
    return sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)


def first_box(box: Sequence[Point]) -> Box | None:
    """The (first) box in whole image pixels, from two opposite corners on CVAT's canvas; None without one."""
    if len(box) < 2:
        return None
    (x0, y0), (x1, y1) = box[:2]
    left, top = math.floor(min(x0, x1)), math.floor(min(y0, y1))
    right, bottom = math.ceil(max(x0, x1)), math.ceil(max(y0, y1))
    return Box(left, top, max(right, left + 1), max(bottom, top + 1))


def to_clicks(selection: Point, boundary: Iterable[Point], width: int, height: int) -> list[Click]:
    """The selection click, then the boundary clicks, each place once.

    Args:
        width, height: size of the image in pixels.

    Raises:
        InvalidClick: a point beyond the image.
    """
    places = dict.fromkeys((selection, *boundary))
    return [
        Click(_pixel(x, width, "x"), _pixel(y, height, "y"), "boundary" if index else "select")
        for index, (x, y) in enumerate(places)
    ]


def _pixel(position: float, length: int, axis: str) -> float:
    """Pixel-centre coordinate of a position on CVAT's canvas."""
    if not -SLACK <= position <= length + SLACK:
        raise InvalidClick(
            f"click {axis}: expected 0 to {length}, the image's size in pixels, got {position:g}; click inside"
        )
    return min(max(position, 0.0), float(length)) - 0.5
