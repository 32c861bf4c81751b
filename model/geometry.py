"""Boxes and views: the one place that converts image pixels to network pixels and back.

All points are pixel centres. A `Box` is in whole image pixels and half-open, and may reach beyond the image; a `View`
is a box resampled to a network's input size.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from model.resampling import Pixel, halved, magnified, padded, resampled_in_steps, resized

COARSE_SIDE = 1280
"""From this side on, pixels, windows and padding keep to grids of 4 and 8: a few pixels do not show there."""

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
        right, bottom = max(round(width / scale), image_width), max(round(height / scale), image_height)
        if max(image_width, image_height) >= COARSE_SIDE:  # to sizes that can be halved, see `halved`
            right, bottom = -(-right // 8) * 8, -(-bottom // 8) * 8
        return View(Box(0, 0, right, bottom), height, width)

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
            return resampled_in_steps(part, beyond, least, value)
        part, _ = halved(padded(part, beyond, value), (0, 0, 0, 0), least)
        return resized(part, *least)

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
            rows = (target.top - box.top, target.bottom - box.top)
            columns = (target.left - box.left, target.right - box.left)
            return magnified(values, (box.height, box.width), rows, columns)
        whole = np.asarray(
            cv2.resize(values, (box.width, box.height), interpolation=cv2.INTER_LINEAR), np.float32
        )
        shown = slice(target.top - box.top, target.bottom - box.top)
        return whole[shown, target.left - box.left : target.right - box.left]

    def paste(self, values: NDArray[np.float32], canvas: NDArray[np.float32]) -> None:
        """Write a map of the view, of any resolution, into a full-size (H, W) `canvas`; clip to it."""
        canvas[self.inside(canvas.shape)] = self.enlarged(values, canvas.shape)

    @property
    def _shrinks(self) -> bool:
        return self.box.width * self.box.height > self.width * self.height

    def _mostly_beyond(self, pixels: int, seen: int) -> bool:
        """Whether padding what is `seen` of the image to so many `pixels` would take much more memory than it does."""
        return self._shrinks and pixels > seen and (pixels > MOST_PADDING * seen or pixels > MOST_PADDED)
