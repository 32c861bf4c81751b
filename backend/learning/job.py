"""One job from images on the disk to its verdict: encode, tune, judge, decide. Runs in a process of its own."""

import copy
import re
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np

from backend.decoding import ImageLimits
from backend.learning.gathering import chosen
from backend.learning.heads import answering
from backend.learning.objects import StoredObjects
from backend.learning.task import Task
from backend.store import (
    CorrectionStore,
    Database,
    Job,
    JobLost,
    JobStore,
    NewVersion,
    StoredCorrection,
    VersionStore,
)
from model import Click, Predictor
from model.checkpoints import load_checkpoint
from model.datasets.layouts import open_dataset
from model.datasets.objects import EvaluationObject, ObjectReader
from model.errors import DatasetError, WeightsError
from model.fine_tuning.encoding import encode, is_encoded
from model.fine_tuning.judging import FEWEST_OBJECTS, judge
from model.fine_tuning.tuning import Report, tune, tuning_settings
from model.heads import digest_of, pack_head, unpack_head
from model.predictor import usable_device
from model.training.objects import is_held_out
from model.training.run import TrainingRun

HELD_OUT = 0.25
"""Share of the images whose corrections are never trained on."""

REPLAY_HELD_OUT = 0.35
REPLAY = Path(__file__).parents[2] / "model" / "fine_tuning" / "replay"

MOST_JUDGED, MOST_REPLAYED = 40, 16
"""Held-out corrections and replay objects that are judged by: whole sessions with both heads take their time."""

MOST_VIEWS, ENOUGH_VIEWS = 4, 160
"""A few corrections are looked at from several selection clicks, and mirrored."""

REPORT_SECONDS = 1.0


@dataclass(frozen=True)
class Material:
    """What a job works on, and what it leaves out."""

    training: StoredObjects
    held_out: StoredObjects
    skipped: Counter[str]


@dataclass(frozen=True)
class Looks:
    """Objects to be encoded: the clicks on each, if any are known, and in how many views."""

    objects: Sequence[EvaluationObject]
    clicks: Sequence[tuple[Click, ...]] = ()
    views: int = 1


class Picked(Sequence[EvaluationObject]):
    """Some objects of a data set, read when asked for."""

    def __init__(self, objects: ObjectReader, picks: Sequence[int]) -> None:
        self._objects, self._picks = objects, picks

    def __len__(self) -> int:
        """Number of objects."""
        return len(self._picks)

    @overload
    def __getitem__(self, index: int) -> EvaluationObject: ...

    @overload
    def __getitem__(self, index: slice) -> "Picked": ...

    def __getitem__(self, index: int | slice) -> "EvaluationObject | Picked":
        """One object, or some of them."""
        if isinstance(index, slice):
            return Picked(self._objects, self._picks[index])
        return self._objects[self._picks[index]]


class Reporter:
    """Tells the store how far the job is, not more than once a second; raises JobLost when it is nobody's any more."""

    def __init__(self, jobs: JobStore, job: Job, alive: Callable[[], bool]) -> None:
        self._jobs, self._job, self._alive = jobs, job, alive
        self._told = float("-inf")

    def stage(self, name: str) -> Report:
        """The callback of one stage."""
        self._told = float("-inf")

        def report(share: float) -> None:
            if not self._alive():
                raise JobLost
            if share < 1 and time.monotonic() - self._told < REPORT_SECONDS:
                return
            self._told = time.monotonic()
            self._jobs.report(self._job, name, share)

        return report


def work(task: Task, alive: Callable[[], bool] = lambda: True) -> None:
    """Do the job and finish it.

    Args:
        alive: whether whoever started this process is still there.

    Raises:
        JobLost: cancelled, or taken over.
        BoundaryClickError: it cannot be done; the caller says so to the store.
        OSError: the disk is full.
    """
    began = time.monotonic()
    database = Database(task.database.get_secret_value())
    jobs, versions = JobStore(database), VersionStore(database)
    job = jobs.get(task.job)
    if job is None or job.owner != task.owner:
        raise JobLost
    reporter = Reporter(jobs, job, alive)
    corrections = chosen(CorrectionStore(database), job.project)
    latest = max((each.id for each in corrections), default=0)
    material = _material(corrections, task, reporter)
    if len(material.held_out) < FEWEST_OBJECTS or not len(material.training):
        reason = (
            f"too few corrections: expected at least {FEWEST_OBJECTS} held out and some to train on, got "
            f"{len(material.held_out)} and {len(material.training)}; correct more images"
        )
        jobs.finish(job, latest, {"promoted": False, "reason": reason, **_counts(material)})
        return
    new, promote = _Lesson(task, job, reporter, versions).learn(material)
    new.figures.update(
        _counts(material), seconds=round(time.monotonic() - began), peak_megabytes=_peak_megabytes()
    )
    versions.conclude(job, latest, new, promote)


def _counts(material: Material) -> dict[str, Any]:
    return {
        "usable": len(material.training) + len(material.held_out),
        "trained_on": len(material.training),
        "skipped": dict(+material.skipped),
    }


class _Lesson:
    """Training and judgement of one job's material."""

    def __init__(self, task: Task, job: Job, reporter: Reporter, versions: VersionStore) -> None:
        self._task, self._job, self._reporter, self._versions = task, job, reporter, versions
        self._base = load_checkpoint(task.weights, task.device)
        self._device = usable_device(task.device)

    def learn(self, material: Material) -> tuple[NewVersion, bool]:
        """Train, judge, and say what has come of it and whether it is to be promoted."""
        network = copy.deepcopy(self._base.network)
        folder = self._task.folder / "run"
        settings = tuning_settings(self._base, folder, len(material.training), self._task.device)
        run = TrainingRun(settings, network, [network.refinement], folder)
        replay, replay_held_out = _replay(self._task)
        tune(run, *self._encode(run, material, replay), self._reporter.stage("training"))
        about = {"corrections": len(material.training), "steps": settings.steps}
        packed = pack_head(run.averaged, self._base, about)
        after = Predictor(unpack_head(packed, self._base, "candidate"), self._device)
        before, parent = self._before()
        report = self._reporter.stage("judging")
        judgement = judge(before, after, material.held_out, replay_held_out, report)
        figures: dict[str, Any] = {**judgement.as_json(), "steps": settings.steps}
        new = NewVersion(
            label(self._job.project), digest_of(packed), parent, self._base.digest, figures, packed
        )
        return new, judgement.promote

    def _encode(
        self, run: TrainingRun, material: Material, replay: Sequence[EvaluationObject]
    ) -> tuple[list[Path], list[Path]]:
        """Files of the corrections to train on, and of the replay set."""
        report, folder = self._reporter.stage("features"), self._task.folder / "features"
        clicks = [tuple(each.click for each in c.clicks) for c in material.training.corrections]
        looks = Looks(material.training, clicks, views_of(len(clicks)))
        again = Looks(replay, (), views_of(len(replay) * 4))
        first = len(looks.objects) * looks.views
        total = first + len(replay) * again.views
        files, damaged = encode_all(run, looks, folder, lambda count: report(count / total))
        material.skipped["image or mask damaged"] += damaged
        replayed, _ = encode_all(run, again, folder / "replay", lambda n: report((first + n) / total))
        return files, replayed

    def _before(self) -> tuple[Predictor, str]:
        """Who answers for the project now, as `Heads` would have it, and its name."""
        shipped = Predictor(self._base, self._device)
        parent = answering(self._versions.promoted(), self._job.project)
        if parent is None:
            return shipped, shipped.version
        try:
            head = unpack_head(self._versions.weights(parent.id), self._base, parent.name)
        except WeightsError:
            return shipped, shipped.version
        return Predictor(head, self._device), parent.name


def _material(corrections: Sequence[StoredCorrection], task: Task, reporter: Reporter) -> Material:
    """Corrections whose image is there and whose mask fits it, apart by the hash of the image."""
    images = task.folder / "images"
    limits = ImageLimits(task.max_image_bytes, task.max_image_pixels)
    there = [each for each in corrections if each.digest and (images / each.digest).is_file()]
    skipped = Counter({"no image": len(corrections) - len(there)})
    # By digest: corrections of one image follow each other, so that it is decoded once; and which are judged by, if
    # there are many, does not hang on when they were made.
    there.sort(key=lambda each: (each.digest, each.id))
    apart: dict[bool, list[StoredCorrection]] = {True: [], False: []}
    for each in there:
        apart[is_held_out(each.digest or "", HELD_OUT)].append(each)
    held_out = StoredObjects(apart[True], images, limits).usable()
    skipped["image or mask damaged"] = len(apart[True]) - len(held_out)
    reporter.stage("images")(1.0)
    return Material(StoredObjects(apart[False], images, limits), held_out[:MOST_JUDGED], skipped)


def _replay(task: Task) -> tuple[Sequence[EvaluationObject], Sequence[EvaluationObject]]:
    """What must not be forgotten: objects that are trained on, and others."""
    objects = open_dataset(task.replay or f"coco:{REPLAY}")
    apart: dict[bool, list[int]] = {True: [], False: []}
    for index, path in enumerate(objects.images):
        apart[is_held_out(path.name, REPLAY_HELD_OUT)].append(index)
    step = max(len(apart[False]) // ENOUGH_VIEWS, 1)
    return Picked(objects, apart[False][::step]), Picked(objects, apart[True][:MOST_REPLAYED])


def views_of(count: int) -> int:
    """In how many views each of so many objects is encoded."""
    return int(np.clip(ENOUGH_VIEWS // max(count, 1), 1, MOST_VIEWS))


def encode_all(
    run: TrainingRun, looks: Looks, folder: Path, report: Callable[[int], None]
) -> tuple[list[Path], int]:
    """The files of all objects, in all views; what is there from before an interruption is not computed again.

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
            path = folder / f"{_file_name(item.name)}-{view}.safetensors"
            if not is_encoded(path):
                encoded = encode(run, item, clicks, view, seed=index)
                if encoded is None:
                    continue
                encoded.save(path)
            files.append(path)
            report(index * looks.views + view + 1)
    return files, damaged


def label(project: str) -> str:
    """Beginning of the names of a project's versions."""
    tool, _, name = project.partition("/")
    words = re.sub(r"[^a-z0-9]+", "-", f"{tool}-{name.rsplit('/', 1)[-1]}".lower()).strip("-")
    return words[:40].strip("-") or "all"


def _file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name)


def _peak_megabytes() -> int:
    """Of this process."""
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)
