"""What a lesson is made of: objects encoded once, in the crops of sessions and in the whole image, kept as files."""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from model import Click, Predictor
from model.datasets.chosen import Chosen
from model.datasets.objects import EvaluationObject
from model.errors import DatasetError
from model.fine_tuning.encoding import Encoded, encode, encode_whole, is_encoded

MOST_VIEWS, ENOUGH_VIEWS = 2, 200
"""A few corrections are looked at from two selection clicks, and mirrored."""

MOST_WHOLE = 100
"""Corrections, and objects of the replay set, that are encoded in the whole image, too."""


@dataclass(frozen=True)
class Looks:
    """Objects to be encoded: the annotators' own clicks on each, if any are known, and in how many views."""

    objects: Sequence[EvaluationObject]
    clicks: Sequence[tuple[Click, ...]] = ()
    views: int = 1

    @property
    def total(self) -> int:
        """Number of looks."""
        return len(self.objects) * self.views


@dataclass(frozen=True)
class Kind:
    """Files of encoded objects: as they are clicked on in sessions, and as the coarse pass sees them.

    Attributes:
        damaged: objects that could not be read.
    """

    sessions: list[Path]
    whole: list[Path]
    damaged: int

    @property
    def first_masks(self) -> list[Path]:
        """One view of some objects in all its crops: of more files, each would be trained on too rarely."""
        seen = {_view_of(path) for path in self.whole}
        return [*self.whole, *(path for path in self.sessions if _view_of(path) in seen)]


def encoded_kind(
    shipped: Predictor,
    size: int,
    looks: Looks,
    folder: Path,
    report: Callable[[float], None],
) -> Kind:
    """Objects encoded now, or before an interruption.

    Args:
        shipped: who encodes, and whose sessions tell in which crops an object is clicked on.
        size: of the crops, network pixels.
        report: told the share that is done; may raise to end the work.
    """
    some = _some(looks)
    total = max(looks.total + some.total, 1)
    sessions, damaged = encode_all(
        partial(encode, shipped, size), looks, folder, lambda count: report(count / total)
    )
    whole, _ = encode_all(
        partial(encode_whole, shipped),
        some,
        folder / "whole",
        lambda count: report((looks.total + count) / total),
    )
    return Kind(sessions, whole, damaged)


def _some(looks: Looks) -> Looks:
    """At most `MOST_WHOLE` of the objects, evenly picked, in one view."""
    numbers = range(0, len(looks.objects), -(-len(looks.objects) // MOST_WHOLE) or 1)
    clicks = [looks.clicks[number] for number in numbers] if looks.clicks else ()
    return Looks(Chosen(looks.objects, numbers), clicks)


def views_of(count: int) -> int:
    """In how many views each of so many objects is encoded."""
    return int(np.clip(ENOUGH_VIEWS // max(count, 1), 1, MOST_VIEWS))


def encode_all(
    see: Callable[[EvaluationObject, Sequence[Click], int], list[Encoded]],
    looks: Looks,
    folder: Path,
    report: Callable[[int], None],
) -> tuple[list[Path], int]:
    """The files of all objects, in all views; what is there from before an interruption is not computed again.

    Args:
        see: `encode` for an object, the clicks on it and a view.

    Returns:
        files; how many objects could not be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files, damaged = [], 0
    for index in range(len(looks.objects)):
        try:
            item = looks.objects[index]
        except DatasetError:
            damaged += 1
            continue
        clicks = looks.clicks[index] if looks.clicks else ()
        for view in range(looks.views):
            name = f"{_file_name(item.name)}-{view}"
            files += _kept(folder, name, partial(see, item, clicks, view))
            report(index * looks.views + view + 1)
    return files, damaged


def _kept(folder: Path, name: str, make: Callable[[], list[Encoded]]) -> list[Path]:
    """The files of one view, one for each of its crops; they are complete once the list of them is there."""
    listing = folder / f"{name}.txt"
    if listing.is_file():
        paths = [folder / each for each in listing.read_text().split()]
        if all(is_encoded(path) for path in paths):
            return paths
    paths = []
    for number, encoded in enumerate(make()):
        paths.append(folder / f"{name}-{number}.safetensors")
        encoded.save(paths[-1])
    listing.write_text("".join(f"{path.name}\n" for path in paths))
    return paths


def _view_of(path: Path) -> str:
    """The part of a file's name that all crops of a view share."""
    return path.name.rsplit("-", 1)[0]


def object_of(path: Path) -> str:
    """The part of a file's name that all views of an object share."""
    return path.name.rsplit("-", 2)[0]


def _file_name(name: str) -> str:
    """Fit for any file system, and another for each name."""
    readable = re.sub(r"[^A-Za-z0-9_.-]", "_", name)[-60:]
    return f"{readable}-{hashlib.sha256(name.encode(errors='surrogateescape')).hexdigest()[:12]}"
