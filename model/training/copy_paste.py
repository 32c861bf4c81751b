"""Copy-paste augmentation: a second object beside, before or behind the first, so that only the click tells which."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from model.geometry import Box
from model.training.augmentation import Augmentation, Placement, Window, random_placement

SCALES = (0.5, 1.4)
"""Longest side of the pasted object, in longest sides of the first."""

KEPT = 0.6
"""Share of the first object that must stay visible; otherwise the second goes behind it."""

EDGE = 0.8
"""Standard deviation in pixels with which the pasted object's edge is softened."""


@dataclass(frozen=True)
class Paste:
    """Where an object of another image goes.

    Attributes:
        placement: of the other image in the sample.
        visible: (S, S), pixels of the pasted object that are seen.
    """

    placement: Placement
    visible: NDArray[np.bool_]

    @property
    def opacity(self) -> NDArray[np.uint8]:
        """(S, S), 255 where the pasted object covers the sample, less along its edge."""
        hard = self.visible.astype(np.uint8) * 255
        return cv2.GaussianBlur(hard, (0, 0), EDGE).astype(np.uint8, copy=False)


def random_paste(
    target: NDArray[np.bool_],
    other: NDArray[np.bool_],
    augmentation: Augmentation,
    generator: np.random.Generator,
) -> Paste:
    """Put an object of another image at a random place of a sample, before or behind its own.

    Args:
        target: (S, S), the sample's object; not empty.
        other: (H, W), the object that is pasted; not empty. What `visible` holds of the target is hidden.
    """
    window = _window(Box.of_mask(target), Box.of_mask(other), target.shape[0], generator)
    placement = random_placement(window, target.shape[0], augmentation, generator)
    shape = placement.mask(other)
    in_front = generator.random() < 0.5
    if np.count_nonzero(target & ~shape) < KEPT * np.count_nonzero(target):
        in_front = False
    return Paste(placement, shape if in_front else shape & ~target)


def _window(box: Box, other: Box, size: int, generator: np.random.Generator) -> Window:
    """The part of the other image that puts its object at a random place of the sample."""
    low, high = SCALES
    factor = math.exp(generator.uniform(math.log(low), math.log(high)))
    longest = min(max(max(box.width, box.height) * factor, 16.0), float(size))
    side = max(other.width, other.height) * size / longest
    place = generator.uniform(0, 1, size=2) * size
    centre = ((other.left + other.right - 1) / 2, (other.top + other.bottom - 1) / 2)
    return (
        centre[0] - (place[0] - size / 2) * side / size,
        centre[1] - (place[1] - size / 2) * side / size,
        side,
    )
