"""Guidance maps: how clicks enter the networks.

The selection network gets a Gaussian at its click. The refinement head gets clicks, their sign and the mask so far.

A boundary click needs no sign from the annotator: whether it lies outside the current mask (something is missing) or
inside (something is surplus), and how far from the contour, is measured here.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from model.click_pairs import straddling_pairs
from model.logits import sigmoid
from model.networks.maps import FEATURE_STRIDE, GUIDANCE

NARROW_SIGMA = 4.0
WIDE_SIGMA = 24.0
FAR = 32.0
"""Distance from a click to the contour, in network pixels, from which the sign map has its full height."""

Point = tuple[float, float]


def gaussian_map(
    points: Sequence[tuple[float, float]],
    size: tuple[int, int],
    sigmas: float | Sequence[float],
    amplitudes: Sequence[float] | None = None,
) -> NDArray[np.float32]:
    """Guidance map: zeros with a Gaussian at each point; where two overlap, the one of larger magnitude counts.

    Args:
        points: (N, 2), x and y in pixels of the map, pixel centres; points outside the map are allowed.
        size: (height, width) of the map.
        sigmas: standard deviation in pixels of the map, one for all or one per point; the paper's is 10 (section 3).
        amplitudes: (N,), height of each Gaussian; default 1.

    Returns:
        (height, width) float32; within [0, 1] for the default amplitudes.
    """
    height, width = size
    if not points:
        return np.zeros(size, np.float32)
    x, y = np.asarray(points, np.float32).T[:, :, None]
    scale = np.broadcast_to(np.float32(-0.5) / np.square(np.asarray(sigmas, np.float32)), len(points))[
        :, None
    ]
    along_x = np.exp(scale * np.square(np.arange(width, dtype=np.float32) - x))
    along_y = np.exp(scale * np.square(np.arange(height, dtype=np.float32) - y))
    if amplitudes is None:
        return np.asarray((along_y[:, :, None] * along_x[:, None, :]).max(axis=0))
    along_y *= np.asarray(amplitudes, np.float32)[:, None]
    maps = along_y[:, :, None] * along_x[:, None, :]
    return np.asarray(np.take_along_axis(maps, np.abs(maps).argmax(axis=0)[None], axis=0)[0])


def refinement_guidance(
    logits: NDArray[np.float32], boundary: Sequence[Point], selection: Point | None, sigma: float
) -> NDArray[np.float32]:
    """Guidance of one crop.

    Args:
        logits: (h, w), the mask so far, at network resolution.
        boundary: boundary clicks in order, network pixels.
        selection: selection click, network pixels; None if there is none in the crop.
        sigma: of the selection click's Gaussian, network pixels.

    Returns:
        (len(GUIDANCE), h / 4, w / 4) float32, one map for each name in `model.networks.maps.GUIDANCE`.
    """
    height, width = logits.shape[0] // FEATURE_STRIDE, logits.shape[1] // FEATURE_STRIDE
    size = (height, width)
    cells = [_to_cells(point) for point in boundary]
    pairs = straddling_pairs(logits > 0, boundary)
    inside, outside = [_to_cells(pair.inside) for pair in pairs], [_to_cells(pair.outside) for pair in pairs]
    narrow = NARROW_SIGMA / FEATURE_STRIDE
    maps = {
        "clicks": gaussian_map(cells, size, narrow),
        "reach": gaussian_map(cells, size, WIDE_SIGMA / FEATURE_STRIDE),
        "sign": gaussian_map(
            cells,
            size,
            [max(abs(pair.outward), NARROW_SIGMA) / FEATURE_STRIDE for pair in pairs],
            [float(np.clip(pair.outward / FAR, -1, 1)) for pair in pairs],
        ),
        "newest": gaussian_map(cells[-1:], size, sigma / FEATURE_STRIDE),
        "selection": gaussian_map([_to_cells(selection)] if selection else [], size, sigma / FEATURE_STRIDE),
        "inside": gaussian_map(inside, size, narrow),
        "outside": gaussian_map(outside, size, narrow),
        "newest inside": gaussian_map(inside[-1:], size, narrow),
        "newest outside": gaussian_map(outside[-1:], size, narrow),
        "mask": cv2.resize(sigmoid(logits), (width, height), interpolation=cv2.INTER_AREA),
    }
    return np.stack([maps[name] for name in GUIDANCE], dtype=np.float32)


def _to_cells(point: Point) -> Point:
    return ((point[0] + 0.5) / FEATURE_STRIDE - 0.5, (point[1] + 0.5) / FEATURE_STRIDE - 0.5)
