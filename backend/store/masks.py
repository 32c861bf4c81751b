"""Masks as COCO's compressed run lengths.

Chosen over run lengths of our own: every tool of the field reads them, so an export copies the bytes, and area and
overlap are counted without drawing. A mask of an ordinary object takes about a kilobyte.
"""

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as rle


def encode(mask: NDArray[np.bool_]) -> bytes:
    """Counts of a (H, W) mask."""
    counts: bytes = rle.encode(np.asfortranarray(mask, dtype=np.uint8))["counts"]
    return counts


def decode(counts: bytes, width: int, height: int) -> NDArray[np.bool_]:
    """(height, width) bool."""
    mask: NDArray[np.bool_] = rle.decode({"size": [height, width], "counts": counts}).astype(np.bool_)
    return mask


def area(counts: bytes, width: int, height: int) -> int:
    """Pixels of the object."""
    return int(rle.area({"size": [height, width], "counts": counts}))
