"""Pixels resampled: images made smaller, maps made larger, with the least work and memory for either."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Pixel = TypeVar("Pixel", np.uint8, np.float32)

Edges = tuple[int, int, int, int]
"""Pixels beyond an image: above, below, left, right."""


MOST_AROUND = 3
"""A part is enlarged with whole pixels of the map around it, if it does not become more than so many times as large."""


def halved(image: NDArray[Pixel], beyond: Edges, least: tuple[int, int]) -> tuple[NDArray[Pixel], Edges]:
    """An image averaged over squares of 2 x 2 pixels, again and again: many times as fast as over other areas.

    Args:
        image: (H, W) or (H, W, C).
        beyond: what it is to be padded by, and not padded by yet, so that the smaller image is.
        least: rows and columns that must remain, with the padding.

    Returns:
        the same image and padding, as they are where one of their sizes is odd or the sum less than twice `least`.
    """
    top, bottom, left, right = beyond
    rows, columns = image.shape[:2]
    while (
        not any(size % 2 for size in (rows, columns, top, bottom, left, right))
        and top + rows + bottom >= 2 * least[0]
        and left + columns + right >= 2 * least[1]
    ):
        rows, columns, top, bottom, left, right = (
            size // 2 for size in (rows, columns, top, bottom, left, right)
        )
        image = _as(image, cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA))
    return image, (top, bottom, left, right)


def padded(image: NDArray[Pixel], beyond: Edges, value: Sequence[float]) -> NDArray[Pixel]:
    """An (H, W) or (H, W, C) image with so many pixels more on each side, of one value per channel."""
    if not any(beyond):
        return image
    return _as(image, cv2.copyMakeBorder(image, *beyond, cv2.BORDER_CONSTANT, value=value))


def resized(image: NDArray[Pixel], rows: int, columns: int) -> NDArray[Pixel]:
    """To that size; colours are averaged if a side becomes half as long or shorter, masks whenever one gets shorter.

    Up to there bilinear interpolation sees the neighbourhood of every pixel, as in the samples of the training, and is
    six times as fast; but a line in a mask, one pixel wide, could fall between what it sees.
    """
    least = 2.0 if image.ndim == 3 else 1.0
    averages = image.shape[0] > least * rows or image.shape[1] > least * columns
    rule = cv2.INTER_AREA if averages else cv2.INTER_LINEAR
    return _as(image, cv2.resize(image, (columns, rows), interpolation=rule))


def resampled_in_steps(
    image: NDArray[Pixel], beyond: Edges, size: tuple[int, int], value: Sequence[float]
) -> NDArray[Pixel]:
    """As padding an image by `beyond` and resampling it, one axis after the other, the longer one first.

    On each it is padded to whole new pixels only, so little memory is taken however far `beyond` reaches.

    Args:
        image: (H, W) or (H, W, C).
        size: rows and columns, fewer than those of the padded image.
        value: of what is beyond, for each channel.
    """
    rows, columns = image.shape[:2]
    down: _Cells = _cells(beyond[0], rows, beyond[1], size[0])
    across: _Cells = _cells(beyond[2], columns, beyond[3], size[1])
    for axis in (1, 0) if columns >= rows else (0, 1):
        if axis:
            image = resized(padded(image, (0, 0, *across.padding), value), image.shape[0], across.count)
        else:
            image = resized(padded(image, (*down.padding, 0, 0), value), down.count, image.shape[1])
    return padded(image, (*down.missing, *across.missing), value)


def magnified(
    values: NDArray[np.float32], whole: tuple[int, int], rows: tuple[int, int], columns: tuple[int, int]
) -> NDArray[np.float32]:
    """A part of a map that is enlarged bilinearly to `whole` rows and columns, without the rest of it.

    Args:
        values: (h, w).
        rows, columns: first and end of the part.

    Returns:
        (rows, columns) of the part; what it shows lies at most half a pixel off.
    """
    down, across = _around(*rows, whole[0], values.shape[0]), _around(*columns, whole[1], values.shape[1])
    height, width = down.end - down.start, across.end - across.start
    if height * width <= MOST_AROUND * (rows[1] - rows[0]) * (columns[1] - columns[0]):
        seen = values[down.first : down.last, across.first : across.last]
        part = cv2.resize(np.ascontiguousarray(seen), (width, height), interpolation=cv2.INTER_LINEAR)
        top, left = rows[0] - down.start, columns[0] - across.start
        return np.asarray(
            part[top : top + rows[1] - rows[0], left : left + columns[1] - columns[0]], np.float32
        )
    # Long and thin: exactly the part, at three times the time.
    x, y = values.shape[1] / whole[1], values.shape[0] / whole[0]
    to_values = np.array([[x, 0, (columns[0] + 0.5) * x - 0.5], [0, y, (rows[0] + 0.5) * y - 0.5]])
    part = cv2.warpAffine(
        values,
        to_values,
        (columns[1] - columns[0], rows[1] - rows[0]),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(part, np.float32)


@dataclass(frozen=True)
class _Around:
    """On an axis, pixels `first` to `last` of a map, and where these begin and end once it is enlarged."""

    first: int
    last: int
    start: int
    end: int


def _around(first: int, end: int, whole: int, count: int) -> _Around:
    """What of `count` pixels, enlarged to `whole`, is needed for those from `first` to `end`."""
    low = max(math.floor(first * count / whole) - 1, 0)
    high = min(math.ceil(end * count / whole) + 1, count)
    return _Around(low, high, round(low * whole / count), round(high * whole / count))


@dataclass(frozen=True)
class _Cells:
    """The network pixels of an axis that show some of an image.

    Attributes:
        count: of them.
        padding: image pixels, before and after the image, up to their edges.
        missing: network pixels of the view before and after them.
    """

    count: int
    padding: tuple[int, int]
    missing: tuple[int, int]


def _cells(before: int, seen: int, after: int, count: int) -> _Cells:
    """Which of `count` network pixels show the image on an axis of `before` + `seen` + `after` image pixels."""
    pixels = (before + seen + after) / count
    if seen < pixels:  # averaged with what lies beyond, hardly anything of it would be left
        first = math.floor((before + seen / 2) / pixels)
        return _Cells(1, (0, 0), (first, count - first - 1))
    first, last = math.floor(before / pixels), min(math.ceil((before + seen) / pixels), count)
    padding = (round(before - first * pixels), round(last * pixels - before - seen))
    return _Cells(last - first, padding, (first, count - last))


def _as(image: NDArray[Pixel], result: NDArray[Any]) -> NDArray[Pixel]:
    """OpenCV keeps the type, but its signatures do not say so."""
    return result.astype(image.dtype, copy=False)
