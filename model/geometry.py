"""Boxes and views: the one place that converts image pixels to network pixels and back.

All points are pixel centres. A `Box` is in whole image pixels and half-open, and may reach beyond the image; a `View`
is a box resampled to a network's input size.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Pixel = TypeVar("Pixel", np.uint8, np.float32)

MOST_PADDING = 4
"""A box may have so many times the pixels of the image inside it before it is no longer padded."""

MOST_PADDED = 16_000_000
"""Pixels of the largest box that is padded."""


@dataclass(frozen=True)
class Box:
    """Columns left..right-1 and rows top..bottom-1 in image pixels; may reach beyond the image."""

    left: int
    top: int
    right: int
    bottom: int

    def __post_init__(self) -> None:
        if self.right <= self.left or self.bottom <= self.top:
            raise ValueError(f"box: expected left < right and top < bottom, got {self}")

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.bottom - self.top

    def contains(self, x: float, y: float, margin: float = 0.0) -> bool:
        """Whether a point lies in the box, at least `margin` pixels from its edges."""
        return (
            self.left - 0.5 + margin <= x <= self.right - 0.5 - margin
            and self.top - 0.5 + margin <= y <= self.bottom - 0.5 - margin
        )

    def union(self, other: "Box") -> "Box":
        """Smallest box that holds both."""
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def clipped(self, width: int, height: int) -> "Box":
        """The part inside a `width` x `height` image; ValueError if there is none."""
        return Box(max(self.left, 0), max(self.top, 0), min(self.right, width), min(self.bottom, height))

    @staticmethod
    def of_mask(mask: NDArray[np.bool_]) -> "Box":
        """Bounding box of a (H, W) mask's True pixels; ValueError if there are none."""
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if rows.size == 0:
            raise ValueError("box of a mask: expected at least one True pixel, got an empty mask")
        return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


COARSE_SIDE = 1280
"""Side of a window from which on it keeps to a grid of four pixels; a shift by two does not show there."""


def square_window(box: Box, padding: float, minimum: int) -> Box:
    """The square around a box: side = longest side times (1 + 2 `padding`), at least `minimum` pixels.

    Rounded up to a multiple of four, and large ones moved to one, so that they can be halved twice, see `halved`.
    """
    side = max(math.ceil(max(box.width, box.height) * (1 + 2 * padding) / 4) * 4, minimum, 1)
    step = 4 if side >= COARSE_SIDE and side % 4 == 0 else 1
    left = math.floor((box.left + box.right - side) / 2 / step + 0.5) * step
    top = math.floor((box.top + box.bottom - side) / 2 / step + 0.5) * step
    return Box(left, top, left + side, top + side)


@dataclass(frozen=True)
class View:
    """A box of the image, resampled to `height` x `width` network pixels."""

    box: Box
    height: int
    width: int

    @staticmethod
    def whole(image_width: int, image_height: int, long_side: int, multiple: int) -> "View":
        """The whole image with its long side at `long_side`, the box enlarged so that both sides are multiples."""
        scale = long_side / max(image_width, image_height)
        # In whole numbers: a product that misses its integer by the last bit would add a whole `multiple`.
        cell = max(image_width, image_height) * multiple
        width = max(-(-image_width * long_side // cell), 1) * multiple
        height = max(-(-image_height * long_side // cell), 1) * multiple
        beyond = (max(round(width / scale) - image_width, 0), max(round(height / scale) - image_height, 0))
        # Of a large image a multiple of eight pixels is added, so that it can be halved with the image, see `halved`.
        step = 8 if scale <= 0.5 else 1
        right, below = (-(-pixels // step) * step for pixels in beyond)
        return View(Box(0, 0, image_width + right, image_height + below), height, width)

    def to_view(self, x: float, y: float) -> tuple[float, float]:
        """Image pixels to network pixels."""
        return (
            (x - self.box.left + 0.5) * self.width / self.box.width - 0.5,
            (y - self.box.top + 0.5) * self.height / self.box.height - 0.5,
        )

    def to_image(self, x: float, y: float) -> tuple[float, float]:
        """Network pixels to image pixels."""
        return (
            (x + 0.5) * self.box.width / self.width - 0.5 + self.box.left,
            (y + 0.5) * self.box.height / self.height - 0.5 + self.box.top,
        )

    def box_to_image(self, box: Box) -> Box:
        """Smallest box of whole image pixels that holds a box of network pixels."""
        left, top = self.to_image(box.left - 0.5, box.top - 0.5)
        right, bottom = self.to_image(box.right - 0.5, box.bottom - 0.5)
        return Box(
            math.floor(left + 0.5), math.floor(top + 0.5), math.ceil(right + 0.5), math.ceil(bottom + 0.5)
        )

    def extract(self, image: NDArray[Pixel], fill: float | Sequence[float] = 0) -> NDArray[Pixel]:
        """Resample an image into the view.

        Args:
            image: (H, W) or (H, W, C), uint8 or float32.
            fill: value of the pixels beyond the image.

        Returns:
            (height, width) or (height, width, C), same type; averaged when shrinking to half or less,
            else bilinear.
        """
        box, inside = self.box, self.box.clipped(image.shape[1], image.shape[0])
        part = image[inside.top : inside.bottom, inside.left : inside.right]
        value = [float(fill)] * 4 if isinstance(fill, (int, float)) else [float(v) for v in fill]
        least = (self.height, self.width)
        beyond = (
            inside.top - box.top,
            box.bottom - inside.bottom,
            inside.left - box.left,
            box.right - inside.right,
        )
        part, beyond = halved(part, beyond, least)
        rows, columns = part.shape[:2]
        whole = (rows + beyond[0] + beyond[1]) * (columns + beyond[2] + beyond[3])
        if self._mostly_beyond(whole, rows * columns):
            target = self._cells(inside)
            beyond = (target.top, self.height - target.bottom, target.left, self.width - target.right)
            return _padded(_resized(part, target.height, target.width), beyond, value)
        part, _ = halved(_padded(part, beyond, value), (0, 0, 0, 0), least)
        return _resized(part, *least)

    def inside(self, shape: tuple[int, int]) -> tuple[slice, slice]:
        """Rows and columns of a (H, W) image that the view shows."""
        shown = self.box.clipped(shape[1], shape[0])
        return slice(shown.top, shown.bottom), slice(shown.left, shown.right)

    def enlarged(self, values: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
        """A map of the view, of any resolution, at that of the image, bilinearly.

        Args:
            shape: (H, W) of the image.

        Returns:
            the part `inside` it.
        """
        target, box = self.box.clipped(shape[1], shape[0]), self.box
        if self._mostly_beyond(box.width * box.height, target.width * target.height):
            cells = self._cells(target)
            seen = cv2.resize(values, (self.width, self.height), interpolation=cv2.INTER_LINEAR)
            seen = np.ascontiguousarray(seen[cells.top : cells.bottom, cells.left : cells.right])
            part = cv2.resize(seen, (target.width, target.height), interpolation=cv2.INTER_LINEAR)
            return np.asarray(part, np.float32)
        resized = np.asarray(
            cv2.resize(values, (box.width, box.height), interpolation=cv2.INTER_LINEAR), np.float32
        )
        rows = slice(target.top - box.top, target.bottom - box.top)
        return resized[rows, target.left - box.left : target.right - box.left]

    def paste(self, values: NDArray[np.float32], canvas: NDArray[np.float32]) -> None:
        """Write a map of the view, of any resolution, into a full-size (H, W) `canvas`; clip to it."""
        canvas[self.inside(canvas.shape)] = self.enlarged(values, canvas.shape)

    @property
    def _shrinks(self) -> bool:
        return self.box.width * self.box.height > self.width * self.height

    def _mostly_beyond(self, pixels: int, seen: int) -> bool:
        """Whether padding what is `seen` of the image to so many `pixels` would take much more memory than it does.

        Then the part inside is resampled alone, to whole network pixels: at most half a network pixel off.
        """
        return self._shrinks and pixels > seen and (pixels > MOST_PADDING * seen or pixels > MOST_PADDED)

    def _cells(self, inside: Box) -> Box:
        """The network pixels that show a part of the box, at least one in each direction."""
        left = min(round((inside.left - self.box.left) * self.width / self.box.width), self.width - 1)
        top = min(round((inside.top - self.box.top) * self.height / self.box.height), self.height - 1)
        right = round((inside.right - self.box.left) * self.width / self.box.width)
        bottom = round((inside.bottom - self.box.top) * self.height / self.box.height)
        return Box(left, top, max(right, left + 1), max(bottom, top + 1))


Edges = tuple[int, int, int, int]
"""Pixels beyond an image: above, below, left, right."""


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


def _padded(image: NDArray[Pixel], beyond: Edges, value: Sequence[float]) -> NDArray[Pixel]:
    if not any(beyond):
        return image
    return _as(image, cv2.copyMakeBorder(image, *beyond, cv2.BORDER_CONSTANT, value=value))


def _resized(image: NDArray[Pixel], rows: int, columns: int) -> NDArray[Pixel]:
    """To that size; averaged if a side becomes half as long or shorter.

    Up to there bilinear interpolation sees every pixel, as in the samples of the training, and is six times as fast.
    """
    averages = image.shape[0] >= 2 * rows or image.shape[1] >= 2 * columns
    rule = cv2.INTER_AREA if averages else cv2.INTER_LINEAR
    return _as(image, cv2.resize(image, (columns, rows), interpolation=rule))


def _as(image: NDArray[Pixel], result: NDArray[Any]) -> NDArray[Pixel]:
    """OpenCV keeps the type, but its signatures do not say so."""
    return result.astype(image.dtype, copy=False)
