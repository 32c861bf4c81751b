"""Ten images of each category of COCO val2017, as in section 4.1: a list that hangs on a seed alone."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model.datasets.chosen import Chosen
from model.datasets.coco import load_coco
from model.datasets.coco_evaluation import open_coco
from model.datasets.objects import EvaluationObject
from model.reproduction.published import VOC_CATEGORIES

PER_CATEGORY = 10
SEED = 0


def seen_objects(root: Path) -> Sequence[EvaluationObject]:
    """Of the 20 categories that Pascal VOC has, too."""
    return _objects(root, seen=True)


def unseen_objects(root: Path) -> Sequence[EvaluationObject]:
    """Of the 60 others."""
    return _objects(root, seen=False)


def draw(annotations: Sequence[dict[str, Any]], count: int = PER_CATEGORY, seed: int = SEED) -> list[int]:
    """One annotation each of `count` images of one category, by number; fewer if there are fewer images.

    Images and, in each image, annotations are drawn by a hash of seed and number: the list is the same everywhere, and
    stays so if others are added. The paper does not say which instance of an image it takes.
    """

    def key(number: int) -> bytes:
        return hashlib.sha256(f"{seed} {number}".encode()).digest()

    by_image: dict[int, list[int]] = {}
    for annotation in annotations:
        if not annotation.get("iscrowd") and annotation.get("segmentation"):
            by_image.setdefault(int(annotation["image_id"]), []).append(int(annotation["id"]))
    images = sorted(by_image, key=key)[:count]
    return [min(by_image[image], key=key) for image in images]


def _objects(root: Path, seen: bool) -> Sequence[EvaluationObject]:
    objects = open_coco(root, "val2017")
    coco = load_coco(root / "annotations" / "instances_val2017.json")
    wanted = {
        number
        for category in coco.cats.values()
        if (category["name"] in VOC_CATEGORIES) == seen
        for number in draw([a for a in coco.anns.values() if a["category_id"] == category["id"]])
    }
    numbers = [i for i, name in enumerate(objects.names) if int(name.rpartition("#")[2]) in wanted]
    return Chosen(objects, numbers)
