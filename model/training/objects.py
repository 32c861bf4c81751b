"""The objects that a run draws from: several data sets, weighted, a share of the images held out."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from model.datasets.coco import CocoObjects, ObjectRecord
from model.errors import DatasetError
from model.training.image_cache import ImageCache
from model.training.settings import DataSet

SMALLEST = 32
"""Objects of fewer pixels, in the data or after cropping, are left out of training."""


def is_held_out(file_name: str, share: float) -> bool:
    """Whether the image of that name is never trained on: the same answer in every run and on every machine."""
    digest = hashlib.sha256(file_name.encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


class _Folder(CocoObjects):
    """A data set with what the cache and the split need to know of its images."""

    def file_name(self, record: ObjectRecord) -> str:
        return str(self._entry(record)["file_name"])

    def path(self, record: ObjectRecord) -> Path:
        return self._images / self.file_name(record)

    def side_lengths(self, record: ObjectRecord) -> tuple[int, int]:
        """(width, height)."""
        entry = self._entry(record)
        return (int(entry["width"]), int(entry["height"]))


@dataclass(frozen=True)
class _Entry:
    folder: _Folder
    record: ObjectRecord
    weight: float


class ObjectPool:
    """Objects of one part of the data sets, drawn by weight."""

    def __init__(self, entries: Sequence[_Entry], cache: ImageCache) -> None:
        self._entries, self._cache = entries, cache
        for entry in entries:
            cache.reserve(entry.folder.path(entry.record), *entry.folder.side_lengths(entry.record))
        self._cumulated = np.cumsum([entry.weight for entry in entries])

    def __len__(self) -> int:
        """Number of objects that can be drawn."""
        return len(self._entries)

    def draw(self, generator: np.random.Generator) -> int:
        """The number of an object, by weight."""
        point = generator.random() * self._cumulated[-1]
        return min(int(np.searchsorted(self._cumulated, point, side="right")), len(self) - 1)

    def draw_different(self, count: int, generator: np.random.Generator) -> list[int]:
        """The numbers of `count` objects, none twice: heavier ones are likelier among them; all, if there are fewer."""
        weights = np.array([entry.weight for entry in self._entries])
        size = min(count, len(self))
        picks = generator.choice(len(self), size=size, replace=False, p=weights / weights.sum())
        return [int(pick) for pick in picks]

    def source(self, number: int) -> str:
        """The `source` of the object's image."""
        return self._entries[number].record.source

    def file_name(self, number: int) -> str:
        """Of the object's image."""
        entry = self._entries[number]
        return entry.folder.file_name(entry.record)

    def load(self, number: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Image, (H, W, 3) RGB, and mask of an object, (H, W), at the resolution of the cache."""
        folder, record = self._entries[number].folder, self._entries[number].record
        image = self._cache.load(folder.path(record), lambda: folder.image(record))
        mask = folder.mask(record)
        if mask.shape != image.shape[:2]:
            size = (image.shape[1], image.shape[0])
            mask = cv2.resize(mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA) > 127
        return image, mask


def open_pools(sets: Sequence[DataSet], held_out: float, cache: ImageCache) -> tuple[ObjectPool, ObjectPool]:
    """What is trained on, and the share of images that is not; the latter may be empty.

    Raises:
        DatasetError: a folder is not in COCO layout, or there is nothing to train on.
    """
    parts: tuple[list[_Entry], list[_Entry]] = ([], [])
    for data in sets:
        folder = _Folder(data.folder)
        for record in folder.records:
            weight = data.weight * data.sources.get(record.source, 1.0)
            if weight > 0 and folder.area(record) >= SMALLEST:
                part = parts[is_held_out(folder.file_name(record), held_out)]
                part.append(_Entry(folder, record, weight))
    if not parts[0]:
        folders = ", ".join(str(s.folder) for s in sets)
        raise DatasetError(
            f"training data: expected objects of at least {SMALLEST} pixels and a weight above 0, "
            f"found none in {folders}"
        )
    return ObjectPool(parts[0], cache), ObjectPool(parts[1], cache)
