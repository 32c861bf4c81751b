"""A domain to learn: which of its objects are fed and which are held out."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

from model.datasets.chosen import Chosen
from model.datasets.layouts import open_dataset
from model.datasets.objects import EvaluationObject
from model.errors import DatasetError

Split = Callable[[Sequence[int], Sequence[Path], int], Sequence[int]]
"""From numbers of objects in the order of their names, the image of each, and how many to hold out, to those."""


def _last(numbers: Sequence[int], _images: Sequence[Path], count: int) -> Sequence[int]:
    return numbers[max(len(numbers) - count, 0) :]


def _hashed(numbers: Sequence[int], images: Sequence[Path], count: int) -> Sequence[int]:
    digest = {number: hashlib.sha256(images[number].name.encode()).digest() for number in numbers}
    return sorted(numbers, key=lambda number: digest[number])[:count]


def _alternate(numbers: Sequence[int], _images: Sequence[Path], count: int) -> Sequence[int]:
    return _last(numbers[1::2], _images, count)


@cache
def _content(image: Path) -> str:
    """The same for copies of a file, byte for byte: COCO_MVal has some photos under several names."""
    return hashlib.sha256(image.read_bytes()).hexdigest()


SPLITS: Mapping[str, Split] = {"last": _last, "hash": _hashed, "alternate": _alternate}
"""`last`: in the order of names. `hash`: of the image's name, as jobs of the service do it. `alternate`: every second
one, so that of films some frames are fed and others are held out."""


def apart(
    dataset: str, held_out: int, split: str = "last", only: str = ""
) -> tuple[Sequence[EvaluationObject], Sequence[EvaluationObject]]:
    """Objects to be fed, and held-out ones; no image is on both sides, nor a copy of it, byte for byte.

    Args:
        dataset: LAYOUT:PATH; objects are taken in the order of their names.
        held_out: so many objects; all others of their images are left out.
        split: one of `SPLITS`.
        only: objects whose names hold this; empty: all.

    Raises:
        DatasetError: no such data set, or nothing on one of the sides.
    """
    objects = open_dataset(dataset)
    names, images = objects.names, objects.images
    numbers = sorted((number for number, name in enumerate(names) if only in name), key=lambda n: names[n])
    kept = sorted(SPLITS[split](numbers, images, held_out), key=lambda n: names[n])
    theirs = {_content(images[number]) for number in kept}
    pool = [number for number in numbers if _content(images[number]) not in theirs]
    if not pool or not kept:
        raise DatasetError(
            f"{dataset}: expected objects to feed beside {held_out} held out, found {len(numbers)} in all"
        )
    return Chosen(objects, pool), Chosen(objects, kept)
