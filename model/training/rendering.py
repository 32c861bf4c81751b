"""The pixels of a sample, out of the images and parameters that were drawn for it; on the CPU."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from model.training.augmentation import Look, Placement
from model.training.copy_paste import Paste


@dataclass(frozen=True)
class Recipe:
    """How the image of a sample is made.

    Attributes:
        image, placement: (H, W, 3), and how it comes into the sample.
        look: the colours of the whole.
        other, paste: (H, W, 3) of which an object is pasted, and where; both or neither.
    """

    image: NDArray[np.uint8]
    placement: Placement
    look: Look
    other: NDArray[np.uint8] | None = None
    paste: Paste | None = None


def render(recipe: Recipe) -> NDArray[np.uint8]:
    """(S, S, 3) RGB."""
    pixels = recipe.placement.image(recipe.image)
    if recipe.other is not None and recipe.paste is not None:
        pixels = blend(pixels, recipe.paste.placement.image(recipe.other), recipe.paste.opacity)
    return recoloured(pixels, recipe.look)


def blend(
    below: NDArray[np.uint8], above: NDArray[np.uint8], opacity: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """(S, S, 3) `above` over `below`, where (S, S) `opacity` is 255."""
    share = opacity.astype(np.float32)[..., None] / 255
    mixed = below + share * (above.astype(np.float32) - below)
    result: NDArray[np.uint8] = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
    return result


def recoloured(pixels: NDArray[np.uint8], look: Look) -> NDArray[np.uint8]:
    """(S, S, 3) in other colours, blurred if the look is."""
    pixels = cv2.transform(pixels, look.matrix).astype(np.uint8, copy=False)
    if look.blur:
        pixels = cv2.GaussianBlur(pixels, (0, 0), look.blur).astype(np.uint8, copy=False)
    return pixels
