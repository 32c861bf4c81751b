"""How sure the model is of a prediction: what is looked at first by those who have little time."""

import numpy as np
from numpy.typing import NDArray

from model.geometry import Box
from model.masks import outward_distance
from model.predictor import Prediction

BAND = 0.05
"""Width of the band on either side of the contour, as a part of the square root of the mask's area."""

CERTAIN = 30.0
"""Logits beyond it have no entropy that a float could tell from 0."""


def uncertainty(prediction: Prediction) -> float:
    """Mean entropy of the pixels about the mask's contour, in bits: 0 sure of each of them, 1 of none.

    Far from the contour nearly every pixel is sure, whatever the object; so only the band about it is looked at, which
    grows with the object. A mask without any pixel has an uncertainty of 1.
    """
    mask = prediction.mask
    if not mask.any():
        return 1.0
    reach = max(1.0, BAND * float(np.sqrt(np.count_nonzero(mask))))
    window = _around(mask, int(np.ceil(reach)))
    part = mask[window]
    band = np.abs(outward_distance(part)) <= reach
    # A mask that fills the image has no contour; then all of it speaks.
    return float(_entropy(prediction.logits[window])[band if band.any() else part].mean())


def _around(mask: NDArray[np.bool_], margin: int) -> tuple[slice, slice]:
    """The box of a mask with a margin, as rows and columns of its image."""
    box = Box.of_mask(mask)
    rows = slice(max(box.top - margin, 0), box.bottom + margin)
    return rows, slice(max(box.left - margin, 0), box.right + margin)


def _entropy(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Binary entropy of sigmoid(logits), in bits."""
    size = np.minimum(np.abs(logits), CERTAIN)
    nats = np.log1p(np.exp(-size)) + size / (1 + np.exp(size))
    bits: NDArray[np.float32] = np.minimum(nats / np.float32(np.log(2)), 1)
    return bits
