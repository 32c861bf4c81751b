"""COCO instances as objects to evaluate on: the official tree, or `annotations.json` beside `images/`."""

from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from model.datasets.coco import load_coco
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
    objects: dict[int, list[dict[str, Any]]] = defaultdict(list)
    crowds: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for annotation in coco.anns.values():
        (crowds if annotation.get("iscrowd") else objects)[annotation["image_id"]].append(annotation)
    entries = []
    for number in progress(sorted(objects), "image"):
        image = _image_path(coco, number, images, annotations)
        for annotation in sorted(objects[number], key=lambda annotation: int(annotation["id"])):
            if _area(coco, annotation):
                read = partial(_labels, coco, annotation, crowds.get(number, []))
                entries.append(Entry(f"{image.stem}#{annotation['id']}", image, read, 1))
    return ObjectReader(entries)


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
        path = images / str(coco.imgs[number]["file_name"])
    except KeyError:
        raise DatasetError(
            f"{annotations}: expected an image {number} with a file_name, found none"
        ) from None
    if not path.is_file():
        raise DatasetError(f"COCO: expected an image at {path}, found none")
    return path


def _area(coco: "COCO", annotation: dict[str, Any]) -> int:
    """Pixels of an annotation, counted without drawing it."""
    from pycocotools import mask as rle  # noqa: PLC0415 - as in load_coco

    if not annotation.get("segmentation"):
        return 0
    try:
        return int(rle.area(coco.annToRLE(annotation)))
    except Exception as error:
        raise _not_drawn(annotation, error) from error


def _labels(coco: "COCO", annotation: dict[str, Any], crowds: list[dict[str, Any]]) -> Labels:
    labels = np.zeros(_drawn(coco, annotation).shape, np.int32)
    for crowd in crowds:
        labels[_drawn(coco, crowd)] = IGNORE
    labels[_drawn(coco, annotation)] = 1
    return labels


def _drawn(coco: "COCO", annotation: dict[str, Any]) -> NDArray[np.bool_]:
    """(H, W) bool."""
    try:
        mask: NDArray[np.bool_] = coco.annToMask(annotation).astype(bool)
    except Exception as error:
        raise _not_drawn(annotation, error) from error
    return mask


def _not_drawn(annotation: dict[str, Any], error: Exception) -> DatasetError:
    """pycocotools raises anything from KeyError to bare Exception on what it cannot draw."""
    reason = " ".join(str(error).split())[:160] or type(error).__name__
    return DatasetError(
        f"COCO annotation {annotation.get('id')}: expected polygons or an RLE, could not draw it ({reason})"
    )
