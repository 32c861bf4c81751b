"""Boxes and views: the one place that converts image pixels to network pixels and back.

All points are pixel centres. A `Box` is in whole image pixels and half-open, and may reach beyond the image; a `View` is a
box resampled to a network's input size.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


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
    """The square around a box: side = longest side times (1 + 2 `padding`), at least `minimum` pixels."""
    side = max(math.ceil(max(box.width, box.height) * (1 + 2 * padding)), minimum, 1)
    left = math.floor((box.left + box.right - side) / 2 + 0.5)
    top = math.floor((box.top + box.bottom - side) / 2 + 0.5)
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
        width = max(math.ceil(image_width * scale / multiple), 1) * multiple
        height = max(math.ceil(image_height * scale / multiple), 1) * multiple
        return View(
            Box(0, 0, max(round(width / scale), image_width), max(round(height / scale), image_height)),
            height,
            width,
        )

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

    def extract(self, image: NDArray[np.generic], fill: float | Sequence[float] = 0) -> NDArray[np.generic]:
        """Resample an image into the view.

        Args:
            image: (H, W) or (H, W, C), uint8 or float32.
            fill: value of the pixels beyond the image.

        Returns:
            (height, width) or (height, width, C), same type; averaged when shrinking, bilinear when enlarging.
        """
        box, (rows, columns) = self.box, image.shape[:2]
        inside = image[max(box.top, 0) : max(box.bottom, 0), max(box.left, 0) : max(box.right, 0)]
        beyond = (
            max(-box.top, 0),
            min(max(box.bottom - rows, 0), box.height),
            max(-box.left, 0),
            min(max(box.right - columns, 0), box.width),
        )
        if any(beyond):
            value = [float(fill)] * 4 if isinstance(fill, (int, float)) else [float(v) for v in fill]
            inside = cv2.copyMakeBorder(inside, *beyond, cv2.BORDER_CONSTANT, value=value)
        shrinks = box.width * box.height > self.width * self.height
        return cv2.resize(
            inside, (self.width, self.height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        )

    def paste(self, values: NDArray[np.float32], canvas: NDArray[np.float32]) -> None:
        """Write a map of the view, of any resolution, into a full-size (H, W) `canvas`, bilinearly; clip to it."""
        rows, columns = canvas.shape
        target = self.box.clipped(columns, rows)
        resized = cv2.resize(values, (self.box.width, self.box.height), interpolation=cv2.INTER_LINEAR)
        canvas[target.top : target.bottom, target.left : target.right] = resized[
            target.top - self.box.top : target.bottom - self.box.top,
            target.left - self.box.left : target.right - self.box.left,
        ]
