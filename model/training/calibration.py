"""Choice of the crop: which threshold and padding keep the objects whole, on masks that were not trained on.

The paper's threshold of 0.001 belongs to its own network; it depends on how sure a network is, and changes with every
training.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model import simulation
from model.clicks import Click
from model.evaluation.crops import HELD, crop_shares
from model.geometry import square_window
from model.inference import SMALLEST_WINDOW, Passes

THRESHOLDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
PADDINGS = (0.1, 0.15, 0.2, 0.25, 0.3)

WANTED_RECALL = 0.996
"""Share of the objects that the crop should hold."""


@dataclass(frozen=True)
class CropFigures:
    """What one threshold and padding come to.

    Attributes:
        recall: share of the objects that are held by the crop.
        area: mean share of the image that the crop takes.
    """

    threshold: float
    padding: float
    recall: float
    area: float


def crop_figures(
    passes: Passes,
    objects: Iterable[tuple[NDArray[np.uint8], NDArray[np.bool_]]],
    thresholds: Sequence[float] = THRESHOLDS,
    paddings: Sequence[float] = PADDINGS,
) -> list[CropFigures]:
    """Recall and area of each threshold and padding; one coarse pass for each object.

    Args:
        objects: image, (H, W, 3) uint8 RGB, and mask, (H, W) with at least one pixel.
    """
    held: list[list[float]] = []
    areas: list[list[float]] = []
    for image, truth in objects:
        click = Click(*simulation.selection_click(truth))
        view, logits = passes.coarse(image, click)
        height, width = truth.shape
        boxes = [passes.selected_box(view, logits, click, t, (width, height)) for t in thresholds]
        windows = [square_window(box, padding, SMALLEST_WINDOW) for box in boxes for padding in paddings]
        shares = [crop_shares(window, truth) for window in windows]
        held.append([float(share >= HELD) for share, _ in shares])
        areas.append([area for _, area in shares])
    pairs = [(threshold, padding) for threshold in thresholds for padding in paddings]
    recall, area = np.mean(held, axis=0), np.mean(areas, axis=0)
    return [
        CropFigures(threshold, padding, float(r), float(a))
        for (threshold, padding), r, a in zip(pairs, recall, area, strict=True)
    ]


def best_crop(figures: Sequence[CropFigures], recall: float = WANTED_RECALL) -> CropFigures:
    """The smallest crop that holds enough objects; if none does, the smallest of those that hold most."""
    enough = min(recall, max(f.recall for f in figures))
    return min((f for f in figures if f.recall >= enough), key=lambda f: f.area)
