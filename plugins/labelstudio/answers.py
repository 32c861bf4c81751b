"""Label Studio's answers: masks as brush or polygon regions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from plugins.labelstudio.labelling import Output
from plugins.labelstudio.polygons import Ring, parts_of
from plugins.labelstudio.regions import part_name
from plugins.labelstudio.rle import encode

Answer = dict[str, Any]

DECIMALS = 4
"""Of percent: a hundredth of a pixel in an image of 10 000."""


def no_prediction() -> Answer:
    """Nothing that Label Studio should store."""
    return {"results": []}


@dataclass(frozen=True)
class Target:
    """Where a mask is to be shown.

    Attributes:
        region: id of the region.
        image: name of the Image tag.
        size: (width, height) by which the editor knows the image; None: as the decoded one.
        output: the tool that could have drawn it.
        labels: those of the region; the output knows them.
        tolerance: of polygons, in pixels of that size.
    """

    region: str
    image: str
    size: tuple[int, int] | None
    output: Output
    labels: tuple[str, ...]
    tolerance: float


def prediction(regions: Sequence[dict[str, Any]], score: float, version: str) -> Answer:
    """One prediction; of tasks, Label Studio's users look first at those with the lowest `score` in [0, 1]."""
    return {"result": list(regions), "score": round(float(score), 4), "model_version": version}


def mask_regions(mask: NDArray[np.bool_], score: float, target: Target) -> list[dict[str, Any]]:
    """The mask as items of a result; none where it is empty.

    Args:
        mask: (H, W), size of the decoded image.
        score: confidence in [0, 1].
    """
    shown = _as_shown(mask, target.size)
    height, width = shown.shape
    common = {
        "to_name": target.image,
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "score": round(float(score), 4),
        "readonly": False,
    }
    drawings: list[dict[str, Any]]
    if target.output.control.is_polygon:
        rings = [part.bridged() for part in parts_of(shown, target.tolerance)]
        drawings = [{"points": _percent(ring, width, height), "closed": True} for ring in rings]
    else:
        drawings = [{"format": "rle", "rle": encode(shown)}] if shown.any() else []
    return [
        {"id": part_name(target.region, number), **common, **item}
        for number, drawing in enumerate(drawings, start=1)
        for item in _items(drawing, target.labels, target.output)
    ]


def _items(drawing: dict[str, Any], labels: tuple[str, ...], output: Output) -> list[dict[str, Any]]:
    """One item for a tool with labels; for one without a second item with the same id that carries them."""
    control = output.control
    if control.has_labels:
        value = {**drawing, control.tag: list(labels)}
        return [{"from_name": control.name, "type": control.tag, "value": value}]
    items = [{"from_name": control.name, "type": control.tag, "value": drawing}]
    if output.labels and labels:
        value = {**drawing, "labels": list(labels)}
        items.append({"from_name": output.labels.name, "type": "labels", "value": value})
    return items


def _percent(ring: Ring, width: int, height: int) -> list[list[float]]:
    points: list[list[float]] = np.round(ring * (100 / width, 100 / height), DECIMALS).tolist()
    return points


def _as_shown(mask: NDArray[np.bool_], size: tuple[int, int] | None) -> NDArray[np.bool_]:
    """The mask at the resolution that the editor knows the image by."""
    if size is None or size == (mask.shape[1], mask.shape[0]):
        return mask
    return cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST_EXACT).astype(np.bool_)
