"""What a head is tuned on: objects encoded once, in the crops of sessions and in the whole image, kept as files."""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from model import Click, Predictor
from model.datasets.objects import EvaluationObject
from model.errors import DatasetError
from model.fine_tuning.encoded import is_encoded
from model.fine_tuning.encoding import Look, encode

MOST_VIEWS, ENOUGH_VIEWS = 2, 200
"""A few corrections are looked at from two selection clicks, and mirrored."""

MOST_WHOLE = 100
"""Corrections, and objects of the replay set, that are encoded in the whole image, too."""

SUFFIX, WHOLE = ".safetensors", "-whole"
"""Ends of the files' names."""


@dataclass(frozen=True)
class Looks:
    """Objects to be encoded: the annotators' own clicks on each, if any are known, and in how many views.

    Attributes:
        whole: at most so many objects are encoded in the whole image, too, in their first view.
    """

    objects: Sequence[EvaluationObject]
    clicks: Sequence[tuple[Click, ...]] = ()
    views: int = 1
    whole: int = 0

    @property
    def total(self) -> int:
        """Number of looks."""
        return len(self.objects) * self.views

    @property
    def picked(self) -> range:
        """Numbers of the objects that are encoded in the whole image, spread evenly."""
        if not self.whole:
            return range(0)
        every = max(-(-len(self.objects) // self.whole), 1)
        return range(0, len(self.objects), every)


@dataclass(frozen=True)
class Files:
    """One view of an object: a file for each crop, none where too little is seen of it."""

    crops: list[Path]
    whole: list[Path]


@dataclass(frozen=True)
class Kind:
    """Encoded objects.

    Attributes:
        looks: what they were encoded by.
        views: of each object, every view; none of those that could not be read.
    """

    looks: Looks
    views: list[list[Files]]

    @property
    def damaged(self) -> int:
        """Objects that could not be read."""
        return sum(not files for files in self.views)

    @property
    def clicked(self) -> list[Path]:
        """In all crops of sessions."""
        return [path for views in self.views for files in views for path in files.crops]

    @property
    def first_masks(self) -> list[Path]:
        """One view of some objects in all its crops: of more files, each would be trained on too rarely."""
        first = [files for number in self.looks.picked for files in self.views[number][:1]]
        return [path for files in first for path in (*files.whole, *files.crops)]

    @property
    def all(self) -> list[Path]:
        """In every crop."""
        return [path for views in self.views for files in views for path in (*files.whole, *files.crops)]


def views_of(count: int) -> int:
    """In how many views each of so many objects is encoded."""
    return int(np.clip(ENOUGH_VIEWS // max(count, 1), 1, MOST_VIEWS))


def encode_all(
    shipped: Predictor, size: int, looks: Looks, folder: Path, report: Callable[[int], None]
) -> Kind:
    """Encode all objects in all views; what is there from before an interruption is not computed again.

    Args:
        shipped: who encodes, and whose sessions tell in which crops an object is clicked on.
        size: of the crops, network pixels.
        report: told how many looks are done; may raise to end the work.
    """
    folder.mkdir(parents=True, exist_ok=True)
    views: list[list[Files]] = [[] for _ in range(len(looks.objects))]
    picked = looks.picked
    for index, files in enumerate(views):
        try:
            item = looks.objects[index]
        except DatasetError:
            continue
        clicks = looks.clicks[index] if looks.clicks else ()
        for view in range(looks.views):
            whole = view == 0 and index in picked
            see = partial(encode, shipped, size, item, clicks, view, whole=whole)
            files.append(_kept(folder, f"{_file_name(item.name)}-{view}", see, whole))
            report(index * looks.views + view + 1)
    return Kind(looks, views)


def _kept(folder: Path, name: str, see: Callable[[], Look], whole: bool) -> Files:
    """The files of one view; they are complete once the list of them is there."""
    with_whole = f"{name}{WHOLE}"
    for known in [with_whole] if whole else [name, with_whole]:
        listed = _listed(folder, known)
        if listed is not None:
            return listed if whole else Files(listed.crops, [])
    return _saved(folder, with_whole if whole else name, see())


def _saved(folder: Path, name: str, look: Look) -> Files:
    """Write the files, then the list of them."""
    seen = {f"{name}-{number}": encoded for number, encoded in enumerate(look.crops)}
    if look.whole is not None:
        seen[f"{name}{WHOLE}"] = look.whole
    for each, encoded in seen.items():
        encoded.save(folder / f"{each}{SUFFIX}")
    partial_list = folder / f"{name}.part"
    partial_list.write_text("".join(f"{each}{SUFFIX}\n" for each in seen))
    partial_list.replace(folder / f"{name}.txt")
    return _told(folder, [f"{each}{SUFFIX}" for each in seen])


def _listed(folder: Path, name: str) -> Files | None:
    """What was encoded before an interruption; None if anything is missing or damaged."""
    listing = folder / f"{name}.txt"
    if not listing.is_file():
        return None
    files = _told(folder, listing.read_text().split())
    return files if all(is_encoded(path) for path in (*files.crops, *files.whole)) else None


def _told(folder: Path, names: Sequence[str]) -> Files:
    """By the names in a list."""
    whole = [name for name in names if name.endswith(WHOLE + SUFFIX)]
    return Files([folder / name for name in names if name not in whole], [folder / name for name in whole])


def _file_name(name: str) -> str:
    """Fit for any file system, and another for each name."""
    readable = re.sub(r"[^A-Za-z0-9_.-]", "_", name)[-60:]
    return f"{readable}-{hashlib.sha256(name.encode(errors='surrogateescape')).hexdigest()[:12]}"
