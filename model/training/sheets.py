"""Samples of a run as a picture, so that a person sees what the network is shown and what it makes of it."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from model import masks
from model.simulation import Point

SHEET_SAMPLES = 8
COLUMNS = 4
TRUTH, PREDICTION = (40, 220, 40), (240, 60, 60)
"""RGB of the outlines."""

SELECTION, BOUNDARY = (255, 230, 0), (60, 200, 255)
"""RGB of the clicks."""


def write_sheet(
    path: Path,
    images: NDArray[np.uint8],
    truths: Sequence[NDArray[np.bool_]],
    predicted: Sequence[NDArray[np.bool_]],
    clicks: Sequence[Sequence[Point]],
) -> None:
    """Write samples as a picture, four in a row.

    Args:
        images: (B, S, S, 3) RGB.
        truths, predicted: B masks, (S, S).
        clicks: of each sample: the selection click, then the boundary clicks.
    """
    tiles = [_tile(*sample) for sample in zip(images, truths, predicted, clicks, strict=True)]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % COLUMNS)
    rows = [np.concatenate(tiles[i : i + COLUMNS], axis=1) for i in range(0, len(tiles), COLUMNS)]
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), cv2.cvtColor(np.concatenate(rows), cv2.COLOR_RGB2BGR)):
        raise OSError(f"{path}: could not write the samples")


def _tile(
    image: NDArray[np.uint8],
    truth: NDArray[np.bool_],
    predicted: NDArray[np.bool_],
    clicks: Sequence[Point],
) -> NDArray[np.uint8]:
    tile: NDArray[np.uint8] = np.ascontiguousarray(image).copy()
    tile[masks.boundary(truth)] = TRUTH
    tile[masks.boundary(predicted)] = PREDICTION
    for number, (x, y) in enumerate(clicks):
        centre = (round(x), round(y))
        cv2.circle(tile, centre, 4, (0, 0, 0), -1)
        cv2.circle(tile, centre, 3, BOUNDARY if number else SELECTION, -1)
    return tile
