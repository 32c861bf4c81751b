"""CVAT's encoding of a mask: run lengths of its bounding box, row by row, then the box.

The first run is of background (0 if the box begins with the object); left, top, right, bottom are inclusive.
"""

import numpy as np
from numpy.typing import NDArray

from model.geometry import Box


def encode(mask: NDArray[np.bool_]) -> list[int]:
    """Run lengths and box.

    Args:
        mask: (H, W), not empty.
    """
    box = Box.of_mask(mask)
    flat = mask[box.top : box.bottom, box.left : box.right].ravel()
    edges = np.concatenate(([0], np.flatnonzero(flat[1:] != flat[:-1]) + 1, [flat.size]))
    runs: list[int] = np.diff(edges).tolist()
    return [*([0] if flat[0] else []), *runs, box.left, box.top, box.right - 1, box.bottom - 1]
