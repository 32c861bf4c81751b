"""The paper's training data, VOC 2012 train and SBD, in the COCO layout that training reads (section 3.4)."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as rle
from tqdm import tqdm

from model.datasets.chosen import Chosen
from model.datasets.files import read_split
from model.datasets.objects import ObjectReader
from model.datasets.sbd import open_sbd
from model.datasets.voc import open_voc

FOLDER = "VOC2012+SBD"
"""Of the converted data, below the root."""


def paper_training_set(root: Path) -> Path:
    """The folder with `annotations.json` and `images/` of VOC train and SBD, made when it is not there yet.

    Images of VOC val are left out of SBD, which has them; so are those of VOC train, whose own masks are finer.
    """
    out = root / FOLDER
    if (out / "annotations.json").is_file():
        return out
    voc, sbd_root = open_voc(root / "VOC2012", "train"), root / "SBD"
    lists = root / "VOC2012" / "ImageSets" / "Segmentation"
    known = {name for split in ("train", "val") for name in read_split(lists, split)}
    parts: list[tuple[str, Any]] = [("VOC2012", voc)]
    for split in ("train", "val"):
        sbd = open_sbd(sbd_root, split)
        new = [i for i, name in enumerate(sbd.names) if name.rpartition("#")[0] not in known]
        parts.append(("SBD", _Part(sbd, new)))
    write_coco(parts, out)
    return out


class _Part(Chosen):
    """Some objects of a reader, and their image files."""

    def __init__(self, reader: ObjectReader, numbers: Sequence[int]) -> None:
        super().__init__(reader, numbers)
        self.images = [reader.images[number] for number in numbers]


def write_coco(parts: Sequence[tuple[str, Any]], out: Path) -> None:
    """Write objects as a folder in COCO layout; the annotations last, so that half of it is never taken for all.

    Args:
        parts: the `source` of the images, and objects with the files of their `images`.
    """
    (out / "images").mkdir(parents=True, exist_ok=True)
    numbers: dict[Path, int] = {}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for source, objects in parts:
        for index, path in enumerate(tqdm(objects.images, desc=f"converting {source}", disable=None)):
            truth = objects[index].truth
            if path not in numbers:
                numbers[path] = len(numbers) + 1
                name = f"{source}-{path.name}"
                _link(path, out / "images" / name)
                size = {"height": truth.shape[0], "width": truth.shape[1]}
                images.append({"id": numbers[path], "file_name": name, "source": source, **size})
            encoded = rle.encode(np.asfortranarray(truth.astype(np.uint8)))
            encoded["counts"] = encoded["counts"].decode()
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": numbers[path],
                    "category_id": 1,
                    "iscrowd": 0,
                    "area": int(np.count_nonzero(truth)),
                    "segmentation": encoded,
                }
            )
    data = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "object"}]}
    partial = out / "annotations.json.part"
    partial.write_text(json.dumps(data))
    partial.replace(out / "annotations.json")


def _link(path: Path, to: Path) -> None:
    """A link to the image, or a copy where the disk has no links."""
    to.unlink(missing_ok=True)
    try:
        to.symlink_to(path.resolve())
    except OSError:
        shutil.copyfile(path, to)
