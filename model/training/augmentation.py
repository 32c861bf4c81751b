"""Augmentation: one affine map per sample (crop, scale, flip, rotation), then colour."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from model.geometry import Box

FILL = (127.0, 127.0, 127.0)


@dataclass(frozen=True)
class CropPolicy:
    """How much of the image a training sample shows.

    Args:
        whole: share of samples that show the whole image.
        tightest, widest: side of the other windows, in longest sides of the object's box, even in the logarithm.
    """

    whole: float
    tightest: float
    widest: float


SELECTION_CROPS = CropPolicy(whole=0.3, tightest=1.1, widest=3.0)
REFINEMENT_CROPS = CropPolicy(whole=0.0, tightest=1.1, widest=1.8)


def random_window(
    box: Box, width: int, height: int, policy: CropPolicy, generator: np.random.Generator
) -> tuple[float, float, float]:
    """(centre x, centre y, side) of a square window on a `width` x `height` image; holds the box."""
    longest = max(box.width, box.height)
    centre = ((box.left + box.right - 1) / 2, (box.top + box.bottom - 1) / 2)
    if generator.random() < policy.whole:
        side = max(width, height) * generator.uniform(1.0, 1.2)
        centre = ((width - 1) / 2, (height - 1) / 2)
        play = 0.1 * side
    else:
        side = longest * math.exp(generator.uniform(math.log(policy.tightest), math.log(policy.widest)))
        side = max(min(side, 1.2 * max(width, height)), longest * policy.tightest, 16.0)
        play = side - longest
    shift = generator.uniform(-0.5, 0.5, size=2) * play
    return (centre[0] + shift[0], centre[1] + shift[1], side)


def warp(
    image: NDArray[np.uint8],
    mask: NDArray[np.bool_],
    window: tuple[float, float, float],
    size: int,
    generator: np.random.Generator,
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Cut the window out as `size` x `size` pixels, randomly mirrored; half of the time rotated by up to 20 degrees."""
    centre_x, centre_y, side = window
    scale = size / side
    factor = min(1.0, 1.5 * scale)
    if factor < 1.0:
        image = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA).astype(
            np.uint8, copy=False
        )
        centre_x, centre_y, scale = (
            (centre_x + 0.5) * factor - 0.5,
            (centre_y + 0.5) * factor - 0.5,
            scale / factor,
        )
    weights = cv2.resize(
        mask.astype(np.float32), (image.shape[1], image.shape[0]), interpolation=cv2.INTER_AREA
    )
    angle = generator.uniform(-20, 20) if generator.random() < 0.5 else 0.0
    matrix = cv2.getRotationMatrix2D((centre_x, centre_y), angle, scale)
    matrix[:, 2] += np.array([(size - 1) / 2 - centre_x, (size - 1) / 2 - centre_y])
    if generator.random() < 0.5:
        matrix[0] = -matrix[0]
        matrix[0, 2] += size - 1
    warped = cv2.warpAffine(
        image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=FILL
    )
    target = cv2.warpAffine(
        weights, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )
    return warped.astype(np.uint8, copy=False), target > 0.5


def colour(image: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Random brightness, contrast, saturation and colour cast; now and then grey or blurred."""
    matrix = colour_matrix(
        cast=generator.uniform(0.93, 1.07, size=3),
        gain=generator.uniform(0.75, 1.25),
        contrast=generator.uniform(0.75, 1.25),
        shift=generator.uniform(-12, 12),
        saturation=0.0 if generator.random() < 0.05 else generator.uniform(0.6, 1.4),
    )
    pixels = cv2.transform(image, matrix).astype(np.uint8, copy=False)
    if generator.random() < 0.1:
        pixels = cv2.GaussianBlur(pixels, (0, 0), generator.uniform(0.5, 1.2)).astype(np.uint8, copy=False)
    return pixels


def colour_matrix(
    *, cast: NDArray[np.float64], gain: float, contrast: float, shift: float, saturation: float
) -> NDArray[np.float64]:
    """One affine map of RGB within [0, 255].

    Args:
        cast: (3,) factor of each channel, of which only the ratios count.
        gain: brightness of middle grey, in its own brightness.
        contrast: factor of the differences from middle grey.
        shift: added brightness.
        saturation: factor of the differences from the mean of the channels; 0 is grey.

    Returns:
        (3, 4), the last column added.
    """
    tint = cast / cast.mean()
    mix = saturation * np.eye(3) + (1 - saturation) / 3
    offset = tint * (127.0 * (gain - contrast) + shift)
    return np.column_stack([mix @ np.diag(contrast * tint), mix @ offset])
