"""Samples of a run as a picture, so that a person sees what the network is shown and what it makes of it."""

from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from model import masks
from model.training.samples import Sample

SHEET_SAMPLES = 8
COLUMNS = 4
TRUTH, PREDICTION, CLICK = (40, 220, 40), (240, 60, 60), (255, 230, 0)
"""RGB of the true outline, of the predicted one and of the selection click."""


def write_sheet(path: Path, batch: Sample, logits: torch.Tensor) -> None:
    """Write the samples of a batch, four in a row.

    Args:
        logits: (B, 1, S, S), the prediction.
    """
    tiles = [
        _tile(image.cpu().numpy(), truth.numpy(), predicted[0].numpy() > 0, click.tolist())
        for image, truth, predicted, click in zip(
            batch["image"], batch["target"], logits, batch["click"], strict=True
        )
    ]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % COLUMNS)
    rows = [np.concatenate(tiles[i : i + COLUMNS], axis=1) for i in range(0, len(tiles), COLUMNS)]
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), cv2.cvtColor(np.concatenate(rows), cv2.COLOR_RGB2BGR)):
        raise OSError(f"{path}: could not write the samples")


def _tile(
    image: NDArray[np.uint8], truth: NDArray[np.bool_], predicted: NDArray[np.bool_], click: list[float]
) -> NDArray[np.uint8]:
    tile: NDArray[np.uint8] = image.copy()
    tile[masks.boundary(truth)] = TRUTH
    tile[masks.boundary(predicted)] = PREDICTION
    x, y = (round(value) for value in click)
    cv2.circle(tile, (x, y), 4, (0, 0, 0), -1)
    cv2.circle(tile, (x, y), 3, CLICK, -1)
    return tile
