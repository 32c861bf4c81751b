"""COCO instances as objects to evaluate on: the official tree, or `annotations.json` beside `images/`."""

from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from model.datasets.coco import draw_annotation, encode_annotation, load_coco
from model.datasets.files import inside
from model.datasets.objects import IGNORE, Entry, Labels, ObjectReader, progress
from model.errors import DatasetError

if TYPE_CHECKING:
    from pycocotools.coco import COCO

SPLIT = "val2017"


def open_coco(root: Path, split: str | None = None) -> ObjectReader:
    """`annotations.json` and `images/`, or `annotations/instances_SPLIT.json` and `SPLIT/`.

    Objects are `IMAGE#annotation`, image by image. The crowds of an image are ignored for each of its objects, where
    they do not overlap it. Annotations that cover no pixel are left out.

    Args:
        root: the folder that holds the annotations.
        split: of the official tree; None: `annotations.json` if there is one, else val2017.
    """
    annotations, images = _files(root, split)
    coco = load_coco(annotations)
    by_image: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for annotation in coco.anns.values():
        by_image[annotation["image_id"]].append(annotation)
    entries = []
    for number in progress(sorted(by_image), "image"):
        image = _image_path(coco, number, images, annotations)
        drawable = [one for one in sorted(by_image[number], key=_number) if _area(coco, one)]
        crowds = [one for one in drawable if one.get("iscrowd")]
        entries += [
            Entry(f"{image.stem}#{one['id']}", image, partial(_labels, coco, one, crowds), 1)
            for one in drawable
            if not one.get("iscrowd")
        ]
    return ObjectReader(entries)


def _number(annotation: dict[str, Any]) -> int:
    return int(annotation["id"])


def _files(root: Path, split: str | None) -> tuple[Path, Path]:
    """The annotations and the folder of images."""
    if split is None and (root / "annotations.json").is_file():
        annotations, folders = root / "annotations.json", [root / "images"]
    else:
        name = split or SPLIT
        annotations = root / "annotations" / f"instances_{name}.json"
        folders = [root / name, root / "images" / name, root / "images"]
    if not annotations.is_file():
        there = sorted(
            path.stem.removeprefix("instances_") for path in root.glob("annotations/instances_*.json")
        )
        raise DatasetError(
            f"COCO: expected annotations.json or {annotations.relative_to(root)} in {root}, found neither; "
            f"splits there: {', '.join(there) or 'none'}"
        )
    for folder in folders:
        if folder.is_dir():
            return annotations, folder
    raise DatasetError(f"COCO: expected the images in {folders[0]}, found no such folder")


def _image_path(coco: "COCO", number: int, images: Path, annotations: Path) -> Path:
    try:
        path = inside(images, str(coco.imgs[number]["file_name"]))
    except KeyError:
        raise DatasetError(
            f"{annotations}: expected an image {number} with a file_name, found none"
        ) from None
    if not path.is_file():
        raise DatasetError(f"COCO: expected an image at {path}, found none")
    return path


def _area(coco: "COCO", annotation: dict[str, Any]) -> int:
    """Pixels of an annotation, counted without drawing it; 0 for one that is only a box."""
    from pycocotools import mask as rle  # noqa: PLC0415 - as in load_coco

    return int(rle.area(encode_annotation(coco, annotation))) if annotation.get("segmentation") else 0


def _labels(coco: "COCO", annotation: dict[str, Any], crowds: list[dict[str, Any]]) -> Labels:
    mask = draw_annotation(coco, annotation)
    labels = np.zeros(mask.shape, np.int32)
    for crowd in crowds:
        labels[draw_annotation(coco, crowd)] = IGNORE
    labels[mask] = 1
    return labels
