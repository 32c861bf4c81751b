"""CVAT's encoding of a mask: run lengths of its bounding box, row by row, then the box.

The first run is of background (0 if the box begins with the object); left, top, right, bottom are inclusive.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.errors import RequestInvalid
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


def decode(encoded: Sequence[object], width: int, height: int) -> NDArray[np.bool_]:
    """(H, W) mask of an image of that size.

    Raises:
        RequestInvalid: no such run lengths, or a box beyond the image.
    """
    numbers = [int(n) for n in encoded if isinstance(n, (int, float)) and n == n // 1 and n >= 0]
    if len(numbers) != len(encoded) or len(numbers) < 5:
        raise RequestInvalid("mask: expected whole numbers, run lengths and then a box, got something else")
    *runs, left, top, right, bottom = numbers
    if not (left <= right < width and top <= bottom < height):
        raise RequestInvalid(
            f"mask: expected a box within {width} x {height} pixels, got {left}, {top}, {right}, {bottom}"
        )
    shape = (bottom - top + 1, right - left + 1)
    # Summed up before anything is drawn: a run may claim any length.
    if sum(runs) != shape[0] * shape[1]:
        raise RequestInvalid(
            f"mask: expected run lengths of {shape[0] * shape[1]} pixels, got {sum(runs)}; is it damaged?"
        )
    mask = np.zeros((height, width), bool)
    mask[top : bottom + 1, left : right + 1] = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(shape)
    return mask
