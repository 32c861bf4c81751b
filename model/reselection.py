"""When a boundary click says that the wrong thing is selected, and where to look for the right one.

What a selection click means hangs on how much is seen around it: the person, or the glove. A boundary click far from
the contour says that the scale was wrong; it also says how far from the selection click the right outline is. So the
object is selected again in windows of such a size, and what makes all the clicks least surprising is taken. The first
selection is not forgotten: it answers again as soon as all the clicks together surprise it clearly less.
"""

import math
from collections.abc import Sequence

from model.clicks import Click
from model.geometry import Box

INSIDE = 0.7
"""A click inside the mask is far from the contour if it is farther than this share of the distance from the selection
click to the farthest boundary click: the object is a part of what is selected."""

OUTSIDE = 1.3
"""A click outside is far if it is farther than this many times the square root of the mask's area: what is selected is
a part of the object."""

LEAST = 0.02
"""Clicks nearer than this share of the crop's side are never far: such errors are the head's to repair."""

REACHES = (1.6, 3.0)
"""From the selection click to the sides of the windows, in distances of the farthest boundary click."""

SMALLEST = 12.0
"""The same, least, image pixels."""

NEAREST = 4.0
"""A boundary click nearer to the selection click than this, image pixels, tells no size: it is a double click."""

AGAIN = 0.7
"""The first selection answers again if it leaves less than this share of the surprise."""

BETTER = 0.4
"""A new selection replaces the mask if it leaves less than this share of the surprise."""


def is_error(outward: float, side: float) -> bool:
    """Whether a click lies off the contour for more than a hand's unsteadiness.

    Args:
        outward: signed distance from the click to the contour, positive outside the mask.
        side: of the crop; both in image pixels.
    """
    return abs(outward) > LEAST * side


def is_far(outward: float, reach: float, area: float) -> bool:
    """Whether a click tells of another object rather than of an error; all in image pixels.

    Args:
        outward: signed distance from the click to the contour, positive outside the mask.
        reach: from the selection click to the farthest boundary click.
        area: of the mask.
    """
    if reach < NEAREST:
        return False
    return abs(outward) > (OUTSIDE * math.sqrt(area) if outward > 0 else INSIDE * reach)


def farthest(selection: Click, boundary: Sequence[Click]) -> float:
    """From the selection click to the farthest boundary click, along either axis, image pixels."""
    return max(max(abs(click.x - selection.x), abs(click.y - selection.y)) for click in boundary)


def windows(selection: Click, reach: float, shape: tuple[int, int]) -> list[Box]:
    """Square windows around the selection click, smallest first; the last may be that of the whole image.

    Args:
        reach: from the selection click to the farthest boundary click, image pixels.
        shape: (height, width) of the image; nothing is to be seen in larger windows.
    """
    height, width = shape
    sides = [2 * max(reach * factor, SMALLEST) for factor in REACHES]
    around = [_square(selection.x, selection.y, side) for side in sides if side < max(shape)]
    if len(around) == len(sides):
        return around
    return [*around, _square(width / 2, height / 2, max(shape))]


def _square(x: float, y: float, side: float) -> Box:
    whole = math.ceil(side / 4) * 4
    left, top = round(x - whole / 2), round(y - whole / 2)
    return Box(left, top, left + whole, top + whole)
