"""What of a correction is believed: a click repairs the mask around where it was made, and nothing elsewhere."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model import masks
from model.snapping import snap_to_click

REACH = 0.3
"""A change counts as made by a click if it comes this near to it, in sides of the crop."""

HOLD = 12.0
"""A click holds the part of the mask that comes this near to it, network pixels."""

PINHOLE = 64
"""Holes and parts of fewer network pixels are noise; holes not if a click lies at them."""

Point = tuple[float, float]


def merge_change(
    before: NDArray[np.float32], after: NDArray[np.float32], click: Point
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Accept the connected changes around the newest click (progressive merge, after FocalClick).

    Args:
        before, after: (h, w) logits.
        click: network pixels.

    Returns:
        merged: (h, w) logits; accepted: (h, w), the pixels that changed sides.
    """
    changed = (before > 0) ^ (after > 0)
    accepted = masks.components_near(changed, [click], REACH * max(before.shape))
    return np.where(accepted, after, before), accepted


def accept_click(
    before: NDArray[np.float32], after: NDArray[np.float32], click: Point
) -> NDArray[np.float32]:
    """The mask after a click: the head's change at the click, then the contour bent through the click.

    A boundary click says that there is an object, so a change that would leave none is not believed.

    Args:
        before, after: (h, w) logits, without and with the head's correction.
        click: network pixels.

    Returns:
        (h, w) logits.
    """
    merged, _ = merge_change(before, after, click)
    joined = without_specks(before, merged)
    bent, _ = snap_to_click(joined if (joined > 0).any() else before, click)
    return bent


def without_specks(before: NDArray[np.float32], merged: NDArray[np.float32]) -> NDArray[np.float32]:
    """Take back the smallest parts that a change adds apart from the mask: a far click would take one for the contour.

    Args:
        before, merged: (h, w) logits.

    Returns:
        (h, w) logits.
    """
    labels, areas = masks.components(merged > 0)
    small = np.concatenate(([False], areas < PINHOLE))
    small[np.unique(labels[before > 0])] = False
    return np.where(small[labels], before, merged)


def drop_stray_parts(logits: NDArray[np.float32], anchors: Sequence[Point]) -> NDArray[np.float32]:
    """Turn off the components of the mask that no click holds: a stray blob has no outline to click on.

    Args:
        logits: (h, w).
        anchors: selection and boundary clicks, network pixels.

    Returns:
        (h, w) logits; unchanged if no component is held.
    """
    mask = logits > 0
    held = masks.components_near(mask, anchors, HOLD)
    if not held.any():
        return logits
    return np.where(mask & ~held, -np.abs(logits), logits)


def fill_pinholes(logits: NDArray[np.float32], anchors: Sequence[Point]) -> NDArray[np.float32]:
    """Turn on the smallest holes of the mask, except those at a click.

    Args:
        logits: (h, w).
        anchors: boundary clicks, network pixels.

    Returns:
        (h, w) logits.
    """
    outside = logits <= 0
    labels, areas = masks.components(outside)
    small = np.concatenate(([False], areas < PINHOLE))[labels]
    if not small.any():
        return logits
    small &= ~masks.components_near(small, anchors, HOLD)
    return np.where(small, np.abs(logits) + np.float32(1e-3), logits)


def cleaned(logits: NDArray[np.float32], selection: Point, boundary: Sequence[Point]) -> NDArray[np.float32]:
    """The mask that a session keeps: without stray parts, without pinholes.

    Args:
        logits: (h, w).
        selection, boundary: clicks, network pixels.

    Returns:
        (h, w) logits.
    """
    return fill_pinholes(drop_stray_parts(logits, [selection, *boundary]), boundary)
