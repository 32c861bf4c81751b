"""Objects to segment, read when asked for: what every layout is turned into."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar, overload

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from model.datasets.files import Shape, check_size, read_image
from model.errors import DatasetError

Labels = NDArray[np.int32]
"""(H, W): 0 background, 1..N objects, `IGNORE` pixels that count neither as one nor as the other."""

IGNORE = -1

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
Item = TypeVar("Item")


@dataclass(frozen=True, eq=False)
class EvaluationObject:
    """One object to segment.

    Attributes:
        name: unique in its data set, and the same each time it is opened.
        image: (H, W, 3) uint8 RGB; read-only, objects of one image share it.
        truth: (H, W) bool.
        ignore: (H, W) bool, outside the truth.
    """

    name: str
    image: NDArray[np.uint8]
    truth: NDArray[np.bool_]
    ignore: NDArray[np.bool_]


class Annotated(NamedTuple):
    """An image and the labels that belong to it."""

    name: str
    image: Path
    labels: Callable[[], Labels]


class Entry(NamedTuple):
    """Where one object is: its image, and its id in the labels. Objects of one image share `labels`."""

    name: str
    image: Path
    labels: Callable[[], Labels]
    id: int


class ObjectReader(Sequence[EvaluationObject]):
    """Objects of a data set. Nothing is kept but where they are, and the image and labels last read.

    Raises:
        DatasetError: two objects of one name; when an object is read: its image or mask is not what it was.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = list(entries)
        self._image = _Latest(_read_image)
        self._labels = _Latest(_read_labels)
        seen: set[str] = set()
        for name in self.names:
            if name in seen:
                raise DatasetError(f"data set: expected each object once, got {name} twice")
            seen.add(name)

    @property
    def names(self) -> list[str]:
        """Names of the objects, without reading them."""
        return [entry.name for entry in self._entries]

    @property
    def images(self) -> list[Path]:
        """Files of the objects' images, in the same order, without reading them."""
        return [entry.image for entry in self._entries]

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> EvaluationObject: ...
    @overload
    def __getitem__(self, index: slice) -> "ObjectReader": ...
    def __getitem__(self, index: int | slice) -> "EvaluationObject | ObjectReader":
        if isinstance(index, slice):
            return ObjectReader(self._entries[index])
        entry = self._entries[index]
        labels = self._labels(entry.labels)
        image = self._image((entry.image, (labels.shape[0], labels.shape[1])))
        truth = labels == entry.id
        if not truth.any():
            raise DatasetError(f"{entry.name}: expected an object in its mask, got an empty one")
        return EvaluationObject(entry.name, image, truth, labels == IGNORE)

    def __iter__(self) -> Iterator[EvaluationObject]:
        return (self[index] for index in range(len(self)))


def one_per_image(annotated: Sequence[Annotated], skip_empty: bool = False) -> list[Entry]:
    """Layouts with one object in each mask, id 1, named `NAME`.

    Args:
        skip_empty: a mask without an object has no entry, instead of being an error.

    Raises:
        DatasetError: a mask without an object, not readable, or of another size than its image.
    """
    entries = []
    for item, ids in _scanned(annotated):
        if ids:
            entries.append(Entry(*item, 1))
        elif not skip_empty:
            raise DatasetError(
                f"{item.name}: expected an object in its mask, got an empty one; take the image out"
            )
    return entries


def one_per_id(annotated: Sequence[Annotated]) -> list[Entry]:
    """Layouts with any number of objects in each mask, named `NAME#id`; an image without objects has no entry.

    Raises:
        DatasetError: a mask that is not readable, or of another size than its image.
    """
    return [
        Entry(f"{item.name}#{id_}", item.image, item.labels, id_)
        for item, ids in _scanned(annotated)
        for id_ in ids
    ]


def progress(items: Sequence[Item], unit: str) -> Iterable[Item]:
    """The items, with a bar on a terminal if they take longer than two seconds."""
    return tqdm(items, desc="opening data set", unit=unit, delay=2, leave=False, disable=None)


def _scanned(annotated: Sequence[Annotated]) -> Iterator[tuple[Annotated, list[int]]]:
    """Each mask with its ids: what does not fit is said before hours of evaluation, not after."""
    for item in progress(annotated, "mask"):
        labels = item.labels()
        check_size(item.image, (labels.shape[0], labels.shape[1]))
        yield item, np.unique(labels[labels > 0]).tolist()


def _read_image(key: tuple[Path, Shape]) -> NDArray[np.uint8]:
    return read_image(*key)


def _read_labels(read: Callable[[], Labels]) -> Labels:
    return read()


class _Latest(Generic[Key, Value]):
    """A function that remembers its last result, so that objects of one image decode it once."""

    def __init__(self, function: Callable[[Key], Value]) -> None:
        self._function = function
        self._kept: tuple[Key, Value] | None = None

    def __call__(self, key: Key) -> Value:
        kept = self._kept
        if kept is None or kept[0] != key:
            self._kept = kept = (key, self._function(key))
        return kept[1]
