"""Copy-paste augmentation: a second object beside, before or behind the first, so that only the click tells which."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from model.geometry import Box
from model.training.augmentation import warp

SCALES = (0.5, 1.4)
"""Longest side of the pasted object, in longest sides of the first."""

KEPT = 0.6
"""Share of the first object that must stay visible; otherwise the second goes behind it."""

EDGE = 0.8
"""Standard deviation in pixels with which the pasted object's edge is softened."""


def paste_object(
    image: NDArray[np.uint8],
    target: NDArray[np.bool_],
    other_image: NDArray[np.uint8],
    other_mask: NDArray[np.bool_],
    generator: np.random.Generator,
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Paste an object of another image at a random place.

    Args:
        image, target: (S, S, 3) and (S, S), the sample.
        other_image, other_mask: (H, W, 3) and (H, W), where the pasted object comes from.

    Returns:
        image, target: new arrays; the target without what the pasted object hides.
    """
    if not target.any() or not other_mask.any():
        return image, target
    size = target.shape[0]
    window = _window(Box.of_mask(target), Box.of_mask(other_mask), size, generator)
    pasted, shape = warp(other_image, other_mask, window, size, generator)
    in_front = generator.random() < 0.5
    if np.count_nonzero(target & ~shape) < KEPT * np.count_nonzero(target):
        in_front = False
    visible = shape if in_front else shape & ~target
    alpha = cv2.GaussianBlur(visible.astype(np.float32), (0, 0), EDGE)[..., None]
    mixed = np.clip(image + alpha * (pasted.astype(np.float32) - image) + 0.5, 0, 255).astype(np.uint8)
    return mixed, target & ~visible


def _window(box: Box, other: Box, size: int, generator: np.random.Generator) -> tuple[float, float, float]:
    """The part of the other image, (centre x, centre y, side), that puts its object at a random place of the sample."""
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
