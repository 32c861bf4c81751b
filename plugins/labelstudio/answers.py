"""Label Studio's answers: masks as brush regions."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from plugins.labelstudio.labelling import Output
from plugins.labelstudio.prompts import Prompt
from plugins.labelstudio.rle import encode

Answer = dict[str, Any]


def no_prediction() -> Answer:
    """Nothing that Label Studio should store."""
    return {"results": []}


def empty_prediction(version: str) -> Answer:
    """A prediction without regions: the editor takes its last suggestion away."""
    return {"results": [{"result": [], "score": 0.0, "model_version": version}]}


def brush_prediction(
    mask: NDArray[np.bool_], score: float, version: str, prompt: Prompt, output: Output
) -> Answer:
    """The mask as a region of the editor, or no region where the mask is empty.

    Args:
        mask: (H, W) bool, size of the decoded image.
        score: confidence in [0, 1].
    """
    shown = _as_shown(mask, prompt.size)
    if not shown.any():
        return empty_prediction(version)
    score = round(float(score), 4)
    region = {
        "id": prompt.region,
        "to_name": prompt.image,
        "original_width": shown.shape[1],
        "original_height": shown.shape[0],
        "image_rotation": 0,
        "score": score,
        "readonly": False,
    }
    items = [{**region, **part} for part in _parts(encode(shown), output.choose(prompt.labels), output)]
    return {"results": [{"result": items, "score": score, "model_version": version}]}


def _parts(rle: list[int], labels: tuple[str, ...], output: Output) -> list[dict[str, Any]]:
    """One item for BrushLabels; for Brush a second one with the same region id that carries the labels."""
    control = output.control
    value: dict[str, Any] = {"format": "rle", "rle": rle}
    if control.tag == "brushlabels":
        value["brushlabels"] = list(labels)
        return [{"from_name": control.name, "type": "brushlabels", "value": value}]
    parts = [{"from_name": control.name, "type": "brush", "value": value}]
    if output.labels and labels:
        labelled = {**value, "labels": list(labels)}
        parts.append({"from_name": output.labels.name, "type": "labels", "value": labelled})
    return parts


def _as_shown(mask: NDArray[np.bool_], size: tuple[int, int] | None) -> NDArray[np.bool_]:
    """The mask at the resolution that the editor knows the image by."""
    if size is None or size == (mask.shape[1], mask.shape[0]):
        return mask
    return cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST_EXACT).astype(np.bool_)
