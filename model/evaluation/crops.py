"""What a crop keeps of an object."""

import numpy as np
from numpy.typing import NDArray

from model.geometry import Box

HELD = 0.999
"""A crop holds an object if it holds this share of its pixels: masks have stray ones."""


def crop_shares(crop: Box, truth: NDArray[np.bool_]) -> tuple[float, float]:
    """Share of the object, (H, W) with at least one pixel, inside the crop; share of the image that the crop takes."""
    rows, columns = truth.shape
    box = crop.clipped(columns, rows)
    held = np.count_nonzero(truth[box.top : box.bottom, box.left : box.right]) / np.count_nonzero(truth)
    return held, box.width * box.height / truth.size
