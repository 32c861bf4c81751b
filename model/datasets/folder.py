"""A plain folder of people's own photos and masks."""

from functools import partial
from pathlib import Path

from model.datasets.files import MASK_SUFFIXES, by_stem
from model.datasets.objects import IGNORE, Annotated, Labels, ObjectReader, one_per_id
from model.datasets.voc import void_labels
from model.errors import DatasetError


def open_folder(root: Path) -> ObjectReader:
    """`images/NAME.*` and `masks/NAME.png`: 0 background, 1..N ids of objects, 255 ignored; objects are `NAME#id`.

    Masks are grey or palette files of 8 or 16 bits. An image whose mask is 0 everywhere has no object.
    """
    masks = by_stem(root / "masks", MASK_SUFFIXES)
    annotated = []
    for name, image in by_stem(root / "images").items():
        if name not in masks:
            raise DatasetError(
                f"data set: expected a mask {name}{{{','.join(MASK_SUFFIXES)}}} in {root / 'masks'}, found none"
            )
        annotated.append(Annotated(name, image, partial(_labels, masks[name])))
    return ObjectReader(one_per_id(annotated))


def _labels(path: Path) -> Labels:
    labels = void_labels(path)
    # The mask of one object as editors save it, 0 and 255: taken literally, all of it would be ignored.
    if not (labels > 0).any() and (labels == IGNORE).any():
        raise DatasetError(
            f"{path}: expected ids 1..N (255 means ignore), got only 0 and 255; write 1 for the object"
        )
    return labels
