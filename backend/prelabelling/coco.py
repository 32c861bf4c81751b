"""Masks as COCO's JSON."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pycocotools import mask as rle

from backend.prelabelling.answers import Outcome
from backend.prelabelling.items import Item

UNNAMED = "object"
"""Category of objects without a label."""


def as_coco(items: Sequence[Item], outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Images, annotations with compressed run lengths and scores, categories; images keep their numbers."""
    labels = sorted({each.label or UNNAMED for outcome in outcomes for each in outcome.objects})
    categories = {label: number for number, label in enumerate(labels, 1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for outcome in outcomes:
        source = items[outcome.number].source
        image = outcome.number + 1 if source.coco_id is None else source.coco_id
        name = source.name or Path(outcome.image).name
        images.append({"id": image, "file_name": name, "width": outcome.width, "height": outcome.height})
        for found in outcome.objects:
            run_lengths = {"size": [outcome.height, outcome.width], "counts": found.counts}
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": categories[found.label or UNNAMED],
                    "segmentation": run_lengths,
                    "area": int(rle.area(run_lengths)),
                    "bbox": [float(edge) for edge in rle.toBbox(run_lengths)],
                    "iscrowd": 0,
                    "score": found.score,
                }
            )
    named = [{"id": number, "name": label} for label, number in categories.items()]
    return {"images": images, "annotations": annotations, "categories": named}
