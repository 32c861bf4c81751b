"""One lesson: from objects with their clicks, and a replay set, to another head for a network."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from model import Click, Predictor
from model.checkpoints import Checkpoint
from model.datasets.chosen import Chosen
from model.datasets.layouts import open_dataset
from model.datasets.objects import EvaluationObject
from model.errors import SettingsError
from model.fine_tuning.adapting import Others, train_adapter
from model.fine_tuning.material import ENOUGH_VIEWS, MOST_WHOLE, Kind, Looks, encode_all, views_of
from model.fine_tuning.photos import photos_of
from model.fine_tuning.tuning import Report, tune, tuning_settings
from model.heads import pack_head
from model.networks import PaperConfig
from model.training.objects import is_held_out
from model.training.run import TrainingRun

REPLAY = Path(__file__).parent / "replay"
REPLAY_HELD_OUT = 0.35
MOST_REPLAYED = 16
"""Objects of the replay set that are judged by: whole sessions with both heads take their time."""


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
        SettingsError: the networks are the paper's.
        WeightsError: the training has diverged, or what describes photos is damaged.
    """
    if isinstance(base.network.config, PaperConfig):
        raise SettingsError(
            f"fine-tuning: expected a network of this project's own, got {base.network.config.name}"
        )
    network = copy.deepcopy(base.network)
    settings = tuning_settings(base, lesson.folder, len(lesson.objects), device)
    # Named after what decides how it goes on: a release that trains otherwise begins anew.
    folder = lesson.folder / f"{settings.steps}-steps-of-{settings.clicks}"
    run = TrainingRun(settings, network, [network.refinement], folder)
    photos = photos_of(base)
    corrections, replay = _material(lesson, settings.size)
    kept, stage = folder / "adapter.safetensors", lesson.stage
    others = Others(replay.all, photos)
    adapter = train_adapter(corrections.first_masks, others, kept, run.device, stage("first masks"))
    tune(run, corrections.clicked, replay.clicked, adapter, stage("training"))
    tuned = run.averaged
    tuned.adapter = adapter
    about = {
        "corrections": len(lesson.objects) - corrections.damaged,
        "steps": settings.steps,
        "adapter": adapter is not None,
    }
    return Learnt(pack_head(tuned, base, about), settings.steps, corrections.damaged)


def _material(lesson: Lesson, size: int) -> tuple[Kind, Kind]:
    """Corrections and replay set, encoded in crops of that size."""
    report, folder = lesson.stage("features"), lesson.features
    many, few = len(lesson.objects), len(lesson.replay)
    looks = Looks(lesson.objects, lesson.clicks, views_of(many), MOST_WHOLE)
    again = Looks(lesson.replay, (), views_of(few * 4), MOST_WHOLE)
    total = max(looks.total + again.total, 1)
    corrections = encode_all(lesson.shipped, size, looks, folder, lambda done: report(done / total))
    replay = encode_all(
        lesson.shipped, size, again, folder / "replay", lambda done: report((looks.total + done) / total)
    )
    return corrections, replay


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
