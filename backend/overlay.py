"""A picture that shows a mask and its clicks on the photo."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from model.clicks import Click, Role

TINT = (30, 136, 229)
TINT_STRENGTH = 0.45
CONTOUR = (255, 235, 59)
CLICK_COLOURS: dict[Role, tuple[int, int, int]] = {
    "select": (67, 160, 71),
    "boundary": (229, 57, 53),
    "positive": (67, 160, 71),
    "negative": (229, 57, 53),
}


def draw_overlay(
    pixels: NDArray[np.uint8], mask: NDArray[np.bool_], clicks: Sequence[Click] = ()
) -> NDArray[np.uint8]:
    """The photo with the mask tinted and outlined; a green dot selects, a red one is on the outline.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        mask: (H, W).

    Returns:
        (H, W, 3) uint8 RGB, a new array.
    """
    picture: NDArray[np.uint8] = pixels.copy()
    tinted = pixels[mask] * (1 - TINT_STRENGTH) + np.array(TINT) * TINT_STRENGTH
    picture[mask] = tinted.astype(np.uint8)
    unit = max(round(max(mask.shape) / 500), 1)
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, contours, -1, CONTOUR, unit)
    for click in clicks:
        centre = (round(click.x), round(click.y))
        cv2.circle(picture, centre, 5 * unit, (255, 255, 255), -1, cv2.LINE_AA)
        cv2.circle(picture, centre, 4 * unit, CLICK_COLOURS[click.role], -1, cv2.LINE_AA)
    return picture
