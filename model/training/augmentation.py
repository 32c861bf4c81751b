"""Augmentation: which part of an image a sample shows, turned and mirrored how, in which colours.

Parameters are drawn here, in the process that prepares the sample; the pixels follow on the CPU (rendering.py) or on
the device that trains (device_rendering.py), with the same parameters.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, model_validator

from model.geometry import Box

FILL = (127.0, 127.0, 127.0)
"""RGB of what lies beyond the image."""

OVERSAMPLING = 1.5
"""Images are first reduced, by averaging, to so many times the resolution of the sample,"""

FINEST = 2.0
"""but only those of more than so many times: up to there bilinear interpolation leaves no pixel out."""

Window = tuple[float, float, float]
"""Square part of an image: centre x, centre y, side, in pixels of the image."""


class CropPolicy(BaseModel):
    """How much of the image a training sample shows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    whole: float = Field(ge=0, le=1, description="share of samples that show the whole image")
    tightest: float = Field(
        ge=1, description="least side of the other windows, in longest sides of the object"
    )
    widest: float = Field(
        ge=1, description="greatest side of them, in the same; even in the logarithm between"
    )

    @model_validator(mode="after")
    def _ordered(self) -> "CropPolicy":
        if self.tightest > self.widest:
            raise ValueError(f"expected tightest <= widest, got {self.tightest} and {self.widest}")
        return self


SELECTION_CROPS = CropPolicy(whole=0.3, tightest=1.1, widest=3.0)
REFINEMENT_CROPS = CropPolicy(whole=0.0, tightest=1.1, widest=1.8)
JOINT_CROPS = CropPolicy(whole=0.2, tightest=1.1, widest=2.4)


class Augmentation(BaseModel):
    """What is varied at random, and how far; shares are of all samples."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mirrored: float = Field(default=0.5, ge=0, le=1, description="share mirrored left to right")
    rotated: float = Field(default=0.5, ge=0, le=1, description="share rotated")
    rotation: float = Field(default=20.0, ge=0, le=180, description="greatest angle, degrees, to both sides")
    brightness: float = Field(
        default=0.25, ge=0, lt=1, description="greatest change of middle grey, in its own brightness"
    )
    shift: NonNegativeFloat = Field(default=12.0, description="brightness added besides, at most, of 255")
    contrast: float = Field(default=0.25, ge=0, lt=1, description="greatest change of the contrast, from 1")
    saturation: float = Field(
        default=0.4, ge=0, le=1, description="greatest change of the saturation, from 1"
    )
    cast: float = Field(
        default=0.07, ge=0, lt=1, description="greatest change of each channel's factor, from 1"
    )
    grey: float = Field(default=0.05, ge=0, le=1, description="share without colour")
    blurred: float = Field(default=0.1, ge=0, le=1, description="share blurred")
    blur: float = Field(
        default=1.2, ge=0.5, description="greatest standard deviation of the blur, pixels; least 0.5"
    )


PLAIN = Augmentation(
    mirrored=0, rotated=0, brightness=0, shift=0, contrast=0, saturation=0, cast=0, grey=0, blurred=0
)
"""Nothing is varied."""


def random_window(
    box: Box, width: int, height: int, policy: CropPolicy, generator: np.random.Generator
) -> Window:
    """A square window on a `width` x `height` image that holds the box."""
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


@dataclass(frozen=True)
class Placement:
    """How pixels of an image come into a sample.

    Attributes:
        reduction: the image is first resized by this factor, at most 1, averaging.
        matrix: (2, 3), pixels of the reduced image to pixels of the sample.
        size: side of the sample.
    """

    reduction: float
    matrix: NDArray[np.float64]
    size: int

    @staticmethod
    def of_window(window: Window, size: int, angle: float = 0.0, mirrored: bool = False) -> "Placement":
        """Show a window of the image as `size` x `size` pixels, turned by `angle` degrees about its centre."""
        x, y, side = window
        reduction = OVERSAMPLING * size / side if side > FINEST * size else 1.0
        x, y = (x + 0.5) * reduction - 0.5, (y + 0.5) * reduction - 0.5
        matrix = np.asarray(cv2.getRotationMatrix2D((x, y), angle, size / side / reduction), np.float64)
        matrix[:, 2] += (size - 1) / 2 - np.array([x, y])
        if mirrored:
            matrix[0] = -matrix[0]
            matrix[0, 2] += size - 1
        return Placement(reduction, matrix, size)

    def reduced(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The image, (H, W) or (H, W, 3), at the resolution that `matrix` starts from."""
        if self.reduction == 1.0:
            return pixels
        height, width = (max(1, round(side * self.reduction)) for side in pixels.shape[:2])
        return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)

    def image(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(H, W, 3) to (S, S, 3)."""
        return self._warped(self.reduced(pixels), FILL)

    def mask(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(H, W) to (S, S)."""
        inside: NDArray[np.bool_] = self._warped(self.reduced(mask.astype(np.uint8) * 255), (0.0,)) > 127
        return inside

    def _warped(self, pixels: NDArray[np.uint8], fill: tuple[float, ...]) -> NDArray[np.uint8]:
        return cv2.warpAffine(
            pixels,
            self.matrix,
            (self.size, self.size),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=fill,
        ).astype(np.uint8, copy=False)


def random_placement(
    window: Window, size: int, augmentation: Augmentation, generator: np.random.Generator
) -> Placement:
    """The window at `size` x `size` pixels, at random turned and mirrored."""
    reach = augmentation.rotation
    angle = generator.uniform(-reach, reach) if generator.random() < augmentation.rotated else 0.0
    return Placement.of_window(window, size, angle, bool(generator.random() < augmentation.mirrored))


@dataclass(frozen=True)
class Look:
    """What is done to the colours of a sample.

    Attributes:
        matrix: (3, 4), affine map of RGB within [0, 255], the last column added.
        blur: standard deviation in pixels; 0 for none.
    """

    matrix: NDArray[np.float64]
    blur: float


def random_look(augmentation: Augmentation, generator: np.random.Generator) -> Look:
    """Random brightness, contrast, saturation and colour cast; now and then grey or blurred."""

    def around_one(reach: float) -> float:
        return float(generator.uniform(1 - reach, 1 + reach))

    matrix = colour_matrix(
        cast=generator.uniform(1 - augmentation.cast, 1 + augmentation.cast, size=3),
        gain=around_one(augmentation.brightness),
        contrast=around_one(augmentation.contrast),
        shift=generator.uniform(-augmentation.shift, augmentation.shift),
        saturation=0.0 if generator.random() < augmentation.grey else around_one(augmentation.saturation),
    )
    blur = generator.uniform(0.5, augmentation.blur) if generator.random() < augmentation.blurred else 0.0
    return Look(matrix, float(blur))


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
