"""The contour goes through the clicks: what the head leaves undone at a click is finished by geometry."""

import numpy as np
from numpy.typing import NDArray

from model import masks

TOLERANCE = 4.0
"""A contour this near to the click is left as it is, network pixels: hands are not steadier."""

SPREAD = 2.0
"""Distance from the click to the contour, in standard deviations of the bump that closes it."""

DEEPEST = 0.2
"""Clicks deeper inside the mask than this are not snapped to, in sides of the crop: which side of them to take away
would be guessed. One outside, however far, says that the object reaches as far as that."""

MOST_TAKEN = 0.3
"""A bump that takes away more than this share of the mask is no repair: the click lies in the middle of it."""

CONFIDENCE = 1.0
"""Size of the logits of pixels that are turned: sure enough to count, soft enough for the head to change its mind."""

Point = tuple[float, float]


def snap_to_click(logits: NDArray[np.float32], click: Point) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Bend the contour so that it passes through a boundary click, by the smallest smooth bump.

    The signed distance to the contour is lowered by a Gaussian around the click that takes it to zero there. Distance
    grows evenly from the contour to the click, so the bump is always joined to the mask. The crop's edge ends a mask
    too: a click on it is not cut free.

    Args:
        logits: (h, w).
        click: network pixels.

    Returns:
        logits: (h, w); turned: (h, w), the pixels that changed sides.
    """
    mask = logits > 0
    unchanged = np.zeros(mask.shape, bool)
    column, row = round(click[0]), round(click[1])
    rows, columns = mask.shape
    if not (0 <= column < columns and 0 <= row < rows) or not mask.any() or mask.all():
        return logits, unchanged
    nearest, gaps = masks.nearest_contour(mask, [(column, row)])
    gap = float(gaps[0])
    to_edge = min(row, column, rows - 1 - row, columns - 1 - column) + 0.5
    too_deep = gap < 0 and (to_edge <= TOLERANCE or -gap > DEEPEST * max(rows, columns))
    if abs(gap) <= TOLERANCE or too_deep:
        return logits, unchanged
    outward = masks.outward_distance(mask)
    y, x = np.ogrid[:rows, :columns]
    squared = (x - click[0]) ** 2 + (y - click[1]) ** 2
    bump = gap * np.exp(-0.5 * squared * (SPREAD / gap) ** 2)
    turned = ((outward - bump) < 0) ^ mask
    if gap > 0:
        # Not beyond the click: it would lie in the midst of what joins two parts, not on a contour.
        ahead = np.asarray(nearest[0], np.float64) - click
        turned &= (x - click[0]) * ahead[0] + (y - click[1]) * ahead[1] >= 0
    if gap < 0 and np.count_nonzero(turned) > MOST_TAKEN * np.count_nonzero(mask):
        return logits, unchanged
    return np.where(turned, np.copysign(np.float32(CONFIDENCE), gap), logits).astype(np.float32), turned
