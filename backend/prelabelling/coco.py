"""Masks as COCO's JSON."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from pycocotools import mask as rle

from backend.prelabelling.answers import Found, Outcome
from backend.prelabelling.items import Item

UNNAMED = "object"
"""Category of objects without a label."""


def as_coco(
    items: Sequence[Item], outcomes: Sequence[Outcome], categories: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Images, annotations with compressed run lengths and scores, categories.

    Images are named as their list named them, and images and categories keep the numbers that they had there, so that
    this can be joined to where it came from.

    Args:
        items: what was asked for.
        outcomes: what came of some of them.
        categories: of the list.
    """
    found = [each for outcome in outcomes for each in outcome.objects]
    named = _named(found, categories)
    numbers = {each["name"]: each["id"] for each in reversed(named)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for outcome in outcomes:
        source = items[outcome.number].source
        image = outcome.number + 1 if source.coco_id is None else source.coco_id
        name = source.name or _reference(outcome.image)
        images.append({"id": image, "file_name": name, "width": outcome.width, "height": outcome.height})
        for each in outcome.objects:
            category = numbers[_name(each)] if each.category is None else each.category
            run_lengths = {"size": [outcome.height, outcome.width], "counts": each.counts}
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": category,
                    "segmentation": run_lengths,
                    "area": int(rle.area(run_lengths)),
                    "bbox": [float(edge) for edge in rle.toBbox(run_lengths)],
                    "iscrowd": 0,
                    "score": each.score,
                }
            )
    return {"images": images, "annotations": annotations, "categories": named}


def _reference(image: str) -> str:
    """What an image without a name is known by; of one that is its own address, a data: URI, the digest will do."""
    if not image.startswith("data:"):
        return image
    return hashlib.sha256(image.encode()).hexdigest()


def _named(found: Sequence[Found], categories: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The categories of the list, and behind them those that it does not have."""
    named = [dict(each) for each in categories]
    numbers = {each["id"] for each in named}
    for each in found:
        if each.category is not None and each.category not in numbers:
            numbers.add(each.category)
            named.append({"id": each.category, "name": _name(each)})
    last = max((number for number in numbers if isinstance(number, int)), default=0)
    names = {_name(each) for each in found if each.category is None} - {each["name"] for each in named}
    return named + [{"id": number, "name": name} for number, name in enumerate(sorted(names), last + 1)]


def _name(found: Found) -> str:
    return found.label or UNNAMED
