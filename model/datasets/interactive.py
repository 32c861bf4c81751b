"""Layouts of the interactive benchmarks: GrabCut, Berkeley, and pairs of image and truth. One object per mask."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from model.datasets.files import MASK_SUFFIXES, by_stem, read_brightness
from model.datasets.objects import IGNORE, Annotated, Labels, ObjectReader, one_per_image
from model.errors import DatasetError

BAND = 128
"""Grey of the pixels along a contour that count neither as object nor as background."""


def open_grabcut(root: Path) -> ObjectReader:
    """`data_GT/*.{jpg,bmp,png}` and `boundary_GT/*.bmp`: 255 object, 128 ignored, less background."""
    return ObjectReader(one_per_image(_pairs(root / "data_GT", root / "boundary_GT", banded_labels)))


def open_berkeley(root: Path) -> ObjectReader:
    """`images/*.jpg` and `masks/*.png` with the values of GrabCut; `NAME#k.png` is one more object of `NAME.jpg`.

    Every mask is one object and named like it; releases that repeat the photo as `NAME#k.jpg` are read as well.
    """
    images = by_stem(root / "images")
    annotated = []
    for name, mask in by_stem(root / "masks", MASK_SUFFIXES).items():
        image = images.get(name) or images.get(name.rpartition("#")[0])
        if image is None:
            raise DatasetError(f"{mask}: expected its image in {root / 'images'}, found none")
        annotated.append(Annotated(name, image, partial(banded_labels, mask)))
    return ObjectReader(one_per_image(annotated))


def open_pairs(root: Path) -> ObjectReader:
    """`img/*` and `gt/*.png`: whatever is not black is the object, the union of all in the picture."""
    return ObjectReader(one_per_image(_pairs(root / "img", root / "gt", union_labels)))


def banded_labels(path: Path) -> Labels:
    """1 above 128, `IGNORE` at 128, 0 below."""
    values = read_brightness(path)
    labels = (values > BAND).astype(np.int32)
    labels[values == BAND] = IGNORE
    return labels


def union_labels(path: Path) -> Labels:
    """1 wherever the mask is not black."""
    return (read_brightness(path) > 0).astype(np.int32)


def _pairs(images: Path, truths: Path, labels: Callable[[Path], Labels]) -> list[Annotated]:
    if not images.is_dir() or not truths.is_dir():
        raise DatasetError(f"data set: expected the folders {images} and {truths}, found no such pair")
    photos, masks = by_stem(images), by_stem(truths, MASK_SUFFIXES)
    for name in photos:
        if name not in masks:
            raise DatasetError(
                f"data set: expected a mask {name}{{{','.join(MASK_SUFFIXES)}}} in {truths}, found none"
            )
    return [Annotated(name, image, partial(labels, masks[name])) for name, image in photos.items()]
