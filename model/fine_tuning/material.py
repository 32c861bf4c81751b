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


Views = dict[str, list[Path]]
"""Files of encoded objects by the name of the view: one for each crop, none where too little is seen of the object."""


@dataclass(frozen=True)
class Kind:
    """Objects as they are clicked on in sessions, and some of them as the coarse pass sees them.

    Attributes:
        damaged: objects that could not be read.
    """

    sessions: Views
    whole: Views
    damaged: int

    @property
    def clicked(self) -> list[Path]:
        """In all crops of sessions."""
        return flat(self.sessions)

    @property
    def first_masks(self) -> list[Path]:
        """One view of some objects in all its crops: of more files, each would be trained on too rarely."""
        return [path for view in self.whole for path in (*self.whole[view], *self.sessions.get(view, []))]

    @property
    def all(self) -> list[Path]:
        """In every crop."""
        return [*self.clicked, *flat(self.whole)]


def flat(views: Views) -> list[Path]:
    """The files of all views."""
    return [path for paths in views.values() for path in paths]


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
) -> tuple[Views, int]:
    """The files of all objects, in all views; what is there from before an interruption is not computed again.

    Args:
        see: `encode` for an object, the clicks on it and a view.

    Returns:
        files; how many objects could not be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files: Views = {}
    damaged = 0
    for index in range(len(looks.objects)):
        try:
            item = looks.objects[index]
        except DatasetError:
            damaged += 1
            continue
        clicks = looks.clicks[index] if looks.clicks else ()
        for view in range(looks.views):
            name = f"{_file_name(item.name)}-{view}"
            files[name] = _kept(folder, name, partial(see, item, clicks, view))
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


def _file_name(name: str) -> str:
    """Fit for any file system, and another for each name."""
    readable = re.sub(r"[^A-Za-z0-9_.-]", "_", name)[-60:]
    return f"{readable}-{hashlib.sha256(name.encode(errors='surrogateescape')).hexdigest()[:12]}"
