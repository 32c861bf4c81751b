"""One lesson: from objects with their clicks, and a replay set, to another head for a network."""

import copy
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from model import Click, Predictor
from model.checkpoints import Checkpoint
from model.datasets.chosen import Chosen
from model.datasets.layouts import open_dataset
from model.datasets.objects import EvaluationObject
from model.errors import DatasetError
from model.fine_tuning.encoding import Encoded, encode, is_encoded
from model.fine_tuning.tuning import Report, tune, tuning_settings
from model.heads import pack_head
from model.training.objects import is_held_out
from model.training.run import TrainingRun

REPLAY = Path(__file__).parent / "replay"
REPLAY_HELD_OUT = 0.35
MOST_REPLAYED = 16
"""Objects of the replay set that are judged by: whole sessions with both heads take their time."""

MOST_VIEWS, ENOUGH_VIEWS = 2, 200
"""A few corrections are looked at from two selection clicks, and mirrored."""


@dataclass(frozen=True)
class Looks:
    """Objects to be encoded: the clicks on each, if any are known, and in how many views."""

    objects: Sequence[EvaluationObject]
    clicks: Sequence[tuple[Click, ...]] = ()
    views: int = 1


@dataclass(frozen=True)
class Lesson:
    """What a head is tuned on.

    Attributes:
        shipped: who answers with the head that is tuned; its sessions tell in which crops an object is clicked on.
        objects: corrections; clicks: the annotators' own on each of them, image pixels; empty: none are known.
        replay: what must not be forgotten.
        features: where encoded objects are kept; what lies there was encoded by the same selection network.
        folder: of the training, which goes on where it ends.
        stage: the callback of a stage by its name.
    """

    shipped: Predictor
    objects: Sequence[EvaluationObject]
    clicks: Sequence[tuple[Click, ...]]
    replay: Sequence[EvaluationObject]
    features: Path
    folder: Path
    stage: Callable[[str], Report]


@dataclass(frozen=True)
class Learnt:
    """What has come of a lesson.

    Attributes:
        head: packed, see `heads.pack_head`.
        damaged: objects that could not be read.
    """

    head: bytes
    steps: int
    damaged: int


def learn(base: Checkpoint, lesson: Lesson, device: str = "cpu") -> Learnt:
    """Tune a copy of the head of `base`, which is the shipped one: heads do not grow from each other.

    Raises:
        DatasetError: there is nothing to train on.
        WeightsError: the training has diverged.
    """
    network = copy.deepcopy(base.network)
    settings = tuning_settings(base, lesson.folder, len(lesson.objects), device)
    run = TrainingRun(settings, network, [network.refinement], lesson.folder)
    corrections, replay, damaged = _encoded(run, lesson)
    tune(run, corrections, replay, lesson.stage("training"))
    about = {"corrections": len(lesson.objects) - damaged, "steps": settings.steps}
    return Learnt(pack_head(run.averaged, base, about), settings.steps, damaged)


def _encoded(run: TrainingRun, lesson: Lesson) -> tuple[list[Path], list[Path], int]:
    """Files of the corrections and of the replay set; how many corrections could not be read."""
    report = lesson.stage("features")
    looks = Looks(lesson.objects, lesson.clicks, views_of(len(lesson.objects)))
    again = Looks(lesson.replay, (), views_of(len(lesson.replay) * 4))
    first = len(looks.objects) * looks.views
    total = first + len(again.objects) * again.views
    see = partial(encode, run, lesson.shipped)
    files, damaged = encode_all(see, looks, lesson.features, lambda count: report(count / total))
    replayed, _ = encode_all(
        see, again, lesson.features / "replay", lambda count: report((first + count) / total)
    )
    return files, replayed, damaged


def replay_set(
    reference: str | None = None,
) -> tuple[Sequence[EvaluationObject], Sequence[EvaluationObject]]:
    """Objects that are trained on and others that are judged by, apart by a hash of the image's name.

    Args:
        reference: data set, LAYOUT:PATH; None: the one that ships.
    """
    objects = open_dataset(reference or f"coco:{REPLAY}")
    apart: dict[bool, list[int]] = {True: [], False: []}
    for index, path in enumerate(objects.images):
        apart[is_held_out(path.name, REPLAY_HELD_OUT)].append(index)
    step = max(len(apart[False]) // ENOUGH_VIEWS, 1)
    return Chosen(objects, apart[False][::step]), Chosen(objects, apart[True][:MOST_REPLAYED])


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


def _file_name(name: str) -> str:
    """Fit for any file system, and another for each name."""
    readable = re.sub(r"[^A-Za-z0-9_.-]", "_", name)[-60:]
    return f"{readable}-{hashlib.sha256(name.encode(errors='surrogateescape')).hexdigest()[:12]}"
