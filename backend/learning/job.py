"""One job from images on the disk to its verdict: encode, tune, judge, decide. Runs in a process of its own."""

import re
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

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
from model import Predictor
from model.checkpoints import load_checkpoint
from model.errors import WeightsError
from model.fine_tuning.judging import FEWEST_OBJECTS, judge
from model.fine_tuning.lesson import Lesson, learn, replay_set
from model.fine_tuning.tuning import Report
from model.heads import digest_of
from model.loading import load_predictor
from model.runtimes.conversion import ConversionFailed
from model.training.objects import is_held_out

HELD_OUT = 0.25
"""Share of the images whose corrections are never trained on."""

MOST_JUDGED = 40
"""Held-out corrections that are judged by: whole sessions with both heads take their time."""

REPORT_SECONDS = 1.0


@dataclass(frozen=True)
class Material:
    """What a job works on, and what it leaves out."""

    training: StoredObjects
    held_out: StoredObjects
    skipped: Counter[str]


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
        # As the service answers: what is judged is what annotators would meet.
        self._shipped = load_predictor(task.weights, task.device, task.runtime, task.threads)

    def learn(self, material: Material) -> tuple[NewVersion, bool]:
        """Train, judge, and say what has come of it and whether it is to be promoted."""
        replay, replay_held_out = replay_set(self._task.replay)
        clicks = [tuple(each.click for each in c.clicks) for c in material.training.corrections]
        # Of other weights' features and training nothing is of use, if the service was updated in between.
        folder, stage = self._task.folder / self._base.digest, self._reporter.stage
        lesson = Lesson(
            self._shipped, material.training, clicks, replay, folder / "features", folder / "run", stage
        )
        learnt = learn(self._base, lesson, self._task.device)
        material.skipped["image or mask damaged"] += learnt.damaged
        after = self._shipped.with_head(learnt.head, "candidate")
        before, parent = self._before()
        judgement = judge(before, after, material.held_out, replay_held_out, stage("judging"))
        figures: dict[str, Any] = {**judgement.as_json(), "steps": learnt.steps}
        new = NewVersion(
            label(self._job.project), digest_of(learnt.head), parent, self._base.digest, figures, learnt.head
        )
        return new, judgement.promote

    def _before(self) -> tuple[Predictor, str]:
        """Who answers for the project now, as `Heads` would have it, and its name."""
        parent = answering(self._versions.promoted(), self._job.project)
        if parent is None:
            return self._shipped, self._shipped.version
        try:
            return self._shipped.with_head(self._versions.weights(parent.id), parent.name), parent.name
        except ConversionFailed:
            raise  # it answers, but cannot be judged just now
        except WeightsError:
            return self._shipped, self._shipped.version


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


def label(project: str) -> str:
    """Beginning of the names of a project's versions."""
    tool, _, name = project.partition("/")
    words = re.sub(r"[^a-z0-9]+", "-", f"{tool}-{name.rsplit('/', 1)[-1]}".lower()).strip("-")
    return words[:40].strip("-") or "all"


def _peak_megabytes() -> int:
    """Of this process."""
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)
