"""Fig. 3a: how many objects a crop holds, and what it spares, against its padding in pixels."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from model.clicks import Click
from model.datasets.objects import EvaluationObject
from model.evaluation.crops import HELD, crop_shares
from model.geometry import Box
from model.predictor import Predictor
from model.simulation import paper_selection_click

PADDINGS = (0, 5, 10, 15, 20, 30, 40, 60, 80, 100)
"""Image pixels on each side."""

SURER = (0.01, 0.05, 0.2)
"""Probabilities that are tried beside the paper's: how sure a network is of the background hangs on its training."""

SURER_PADDING = 20


def measure_crops(predictor: Predictor, objects: Sequence[EvaluationObject], out: Path) -> dict[str, Any]:
    """Recall and area reduction of the crop at the paper's threshold, by padding; kept in `out`.

    The crop holds all that is surer than the configuration's threshold, relaxed by the padding, within the image
    (section 4.2). An object is held if 99.9 % of its pixels are.
    """
    path = out / f"crops-{predictor.version}-{len(objects)}.json"
    if path.is_file():
        kept: dict[str, Any] = json.loads(path.read_text())
        return kept
    threshold = predictor.config.crop_threshold
    crops = [(threshold, pixels) for pixels in PADDINGS] + [(each, SURER_PADDING) for each in SURER]
    shares = [
        _shares(predictor, objects[index], crops)
        for index in tqdm(range(len(objects)), desc="crops", unit="object", disable=None)
    ]
    held, area = np.array(shares).transpose(2, 0, 1)
    recall, spared = (held >= HELD).mean(axis=0).tolist(), (1 - area).mean(axis=0).tolist()
    count = len(PADDINGS)
    found = {
        "objects": len(objects),
        "threshold": threshold,
        "padding": list(PADDINGS),
        "recall": recall[:count],
        "area_reduction": spared[:count],
        "surer": {
            "padding": SURER_PADDING,
            "threshold": list(SURER),
            "recall": recall[count:],
            "area_reduction": spared[count:],
        },
    }
    out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=2) + "\n")
    return found


def _shares(
    predictor: Predictor, item: EvaluationObject, crops: Sequence[tuple[float, int]]
) -> list[tuple[float, float]]:
    """For each threshold and padding: share of the object that is held, share of the image that the crop takes."""
    passes, click = predictor.passes, Click(*paper_selection_click(item.truth))
    height, width = item.truth.shape
    view, logits = passes.coarse(item.image, click)
    boxes = {
        threshold: passes.selected_box(view, logits, click, threshold, (width, height))
        for threshold in {threshold for threshold, _ in crops}
    }
    return [crop_shares(padded_by(boxes[threshold], pixels), item.truth) for threshold, pixels in crops]


def padded_by(box: Box, pixels: int) -> Box:
    """The box with so many image pixels more on each side."""
    return Box(box.left - pixels, box.top - pixels, box.right + pixels, box.bottom + pixels)
