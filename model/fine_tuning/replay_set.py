"""Makes a replay set: a few objects of a data set, cut out with what surrounds them, small enough to travel.

    python -m model.fine_tuning.replay_set coco:data/train replay --count 200

The result is in COCO layout; BOUNDARYCLICK_REPLAY=coco:replay makes fine-tuning use it.
"""

import argparse
import json
import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from pycocotools import mask as rle

from model.datasets.layouts import open_dataset
from model.errors import DatasetError
from model.geometry import Box, View, square_window

SIDE = 320
SURROUNDINGS = 0.6
"""On each side of an object, in sides of its box: a selection has to be found in it."""

QUALITY = 88
SMALLEST = 24
"""Sides of objects in pixels; smaller ones are blurs when they are enlarged."""


def make_replay_set(dataset: str, out: Path, count: int, seed: int = 0) -> int:
    """Write `out/images/` and `out/annotations.json`; returns how many objects there are.

    Args:
        dataset: LAYOUT:PATH.
        count: how many are wanted; the seed decides which.

    Raises:
        DatasetError: no such data set, or nothing in it that can be used.
    """
    objects = open_dataset(dataset)
    order = np.random.default_rng(seed).permutation(len(objects))
    (out / "images").mkdir(parents=True, exist_ok=True)
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for index in order:
        if len(images) == count:
            break
        item = objects[int(index)]
        box = Box.of_mask(item.truth)
        if min(box.width, box.height) < SMALLEST or item.ignore.any():
            continue
        window = square_window(box, SURROUNDINGS, SMALLEST)
        window = window.clipped(item.truth.shape[1], item.truth.shape[0])
        scale = min(SIDE / max(window.width, window.height), 1.0)
        view = View(window, max(round(window.height * scale), 1), max(round(window.width * scale), 1))
        truth = view.extract(item.truth.astype(np.float32)) > 0.5
        number = len(images) + 1
        name = f"{number:04}.jpg"
        Image.fromarray(view.extract(item.image)).save(out / "images" / name, quality=QUALITY)
        entry = {"id": number, "file_name": name, "width": view.width, "height": view.height}
        images.append(entry)
        annotations.append(annotation(number, number, truth))
    if not images:
        raise DatasetError(f"{dataset}: expected objects of at least {SMALLEST} pixels, found none")
    write_annotations(out, images, annotations)
    return len(images)


def annotation(
    number: int, image: int, truth: "np.ndarray[tuple[int, int], np.dtype[np.bool_]]"
) -> dict[str, object]:
    """COCO's entry of one object."""
    encoded = rle.encode(np.asfortranarray(truth, dtype=np.uint8))
    box = cv2.boundingRect(truth.astype(np.uint8))
    return {
        "id": number,
        "image_id": image,
        "category_id": 1,
        "iscrowd": 0,
        "area": int(np.count_nonzero(truth)),
        "bbox": list(box),
        "segmentation": {"size": encoded["size"], "counts": encoded["counts"].decode()},
    }


def write_annotations(
    out: Path, images: list[dict[str, object]], annotations: list[dict[str, object]]
) -> None:
    """The file that describes a set."""
    data = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "object"}]}
    (out / "annotations.json").write_text(json.dumps(data, separators=(",", ":")) + "\n")


def main() -> int:
    """The program."""
    parser = argparse.ArgumentParser(description="Make a replay set for fine-tuning out of a data set.")
    parser.add_argument("dataset", metavar="LAYOUT:PATH")
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    try:
        print(f"{make_replay_set(args.dataset, args.out, args.count, args.seed)} objects in {args.out}")
    except DatasetError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
