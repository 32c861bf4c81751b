"""CVAT's shapes as masks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.errors import InvalidImage, RequestInvalid
from model.polygons import draw_polygon
from plugins.cvat.records import Annotations, Shape
from plugins.cvat.rle import decode

DRAWN = frozenset(("mask", "polygon"))
"""Types of shapes that say which pixels belong to an object."""

MOST_PIXELS = 200_000_000
"""Of a mask; CVAT may claim any size for a frame."""

FARTHEST = 1e9
"""Pixels from the origin; whatever claims to be farther is no point."""


@dataclass(frozen=True)
class Outlined:
    """A shape with the label of what it is."""

    shape: Shape
    label: int


def every_shape(annotations: Annotations) -> Iterator[Outlined]:
    """All shapes, those of tracks where they have been drawn by hand and can be seen."""
    for shape in annotations.shapes:
        yield Outlined(shape, shape.label_id)
    for track in annotations.tracks:
        for drawn in track.shapes:
            if not drawn.outside:
                yield Outlined(drawn, track.label_id)


def draw(shape: Shape, width: int, height: int) -> NDArray[np.bool_]:
    """(H, W) mask of a mask or polygon on an image of that size.

    Raises:
        RequestInvalid: points that are none, or too large an image.
    """
    if width * height > MOST_PIXELS:
        raise RequestInvalid(f"frame: expected at most {MOST_PIXELS} pixels, got {width} x {height}")
    if shape.type == "mask":
        return decode(shape.points, width, height)
    return _polygon(shape.points, width, height)


def _polygon(points: Sequence[object], width: int, height: int) -> NDArray[np.bool_]:
    numbers = [float(n) for n in points if isinstance(n, (int, float)) and abs(n) < FARTHEST]
    if len(numbers) != len(points) or len(numbers) < 6 or len(numbers) % 2:
        raise RequestInvalid("polygon: expected x, y of three points or more, got something else")
    corners = np.clip(np.asarray(numbers).reshape(-1, 2), 0, (width, height))
    left, top = np.floor(corners.min(axis=0)).astype(int)
    right, bottom = np.ceil(corners.max(axis=0)).astype(int)
    mask = np.zeros((height, width), bool)
    if right > left and bottom > top:
        # Only in its box: memory that nobody writes to is none, and a frame may have hundreds of small objects.
        try:
            drawn = draw_polygon(corners - (left, top), bottom - top, right - left)
        except InvalidImage as error:
            raise RequestInvalid(str(error)) from None
        mask[top:bottom, left:right] = drawn
    return mask
