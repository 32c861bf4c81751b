"""Polygons of strangers as masks: refused where drawing them would take more memory than there is."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco

from model.errors import InvalidImage

FARTHEST = 1e6
"""Pixels from the origin that a corner may lie."""

LONGEST = 4_000_000
"""Pixels that outlines may run along altogether; pycocotools takes some fifty bytes for each."""

Encoded = dict[str, Any]
"""COCO's compressed run lengths with their size."""


def encode_polygons(outlines: Sequence[Sequence[float]], height: int, width: int) -> Encoded:
    """The union of polygons on an image of that size.

    Args:
        outlines: x and y of each corner in turn, pixels from the image's top left corner.

    Raises:
        InvalidImage: no polygons, or corners or outlines beyond all bounds.
    """
    require_drawable(outlines)
    encoded: Encoded = coco.merge(coco.frPyObjects([list(outline) for outline in outlines], height, width))
    return encoded


def draw_polygon(corners: NDArray[np.float64], height: int, width: int) -> NDArray[np.bool_]:
    """(H, W) mask of one polygon.

    Args:
        corners: (N, 2) x and y.

    Raises:
        InvalidImage: as `encode_polygons`.
    """
    mask: NDArray[np.bool_] = coco.decode(encode_polygons([corners.ravel().tolist()], height, width)).astype(
        np.bool_
    )
    return mask


def require_drawable(outlines: Sequence[Sequence[float]]) -> None:
    """Raise InvalidImage for outlines that are none, or beyond all bounds."""
    if not len(outlines):
        raise InvalidImage("polygon: expected at least one outline, got none")
    length = 0.0
    for outline in outlines:
        try:
            numbers = np.asarray(outline, np.float64)
        except (TypeError, ValueError, OverflowError):
            numbers = np.zeros(0)
        if numbers.ndim != 1 or numbers.size < 6 or numbers.size % 2 or not (abs(numbers) <= FARTHEST).all():
            raise InvalidImage(
                f"polygon: expected x and y of three corners or more within {FARTHEST:g} pixels, got something else"
            )
        corners = numbers.reshape(-1, 2)
        length += float(np.abs(corners - np.roll(corners, -1, axis=0)).max(axis=1).sum())
    if not length <= LONGEST:
        raise InvalidImage(
            f"polygon: expected an outline of at most {LONGEST} pixels, got {length:.3g}; simplify it"
        )
