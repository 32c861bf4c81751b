"""Finished jobs of a CVAT server, as corrections: read over its API, one job at a time.

An annotation of the store is a job's frame, so that no more than one frame's masks are held at once; the job itself
is one too, without objects, recorded last: what it says has been read to its end at that revision.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from model.corrections import AnnotationKey, Correction, ImageReference, Submission
from model.errors import AccessRefused, ImageRejected, RequestInvalid
from plugins.cvat.client import Api, NotThere, ask, pages
from plugins.cvat.records import Annotations, Job, Label, Media
from plugins.cvat.shapes import DRAWN, Outlined, draw, every_shape
from plugins.ports import Corrections, KnownAnnotation

TOOL = "cvat"
FINISHED, REJECTED = "completed", "rejected"
REPLICA = "consensus_replica"
"""Type of a job whose annotations are merged into another job's."""


@dataclass(frozen=True)
class Scope:
    """What is pulled: all jobs of a project or of a task, or one job."""

    kind: str
    number: int

    def holds(self, server: str, known: KnownAnnotation) -> bool:
        """Whether something that the store holds is part of this."""
        if self.kind == "project":
            return known.project == f"{server}/projects/{self.number}"
        if not known.project.startswith(f"{server}/"):
            return False
        if self.kind == "task":
            return known.task == str(self.number)
        return re.match(rf"jobs/{self.number}(?!\d)", known.annotation) is not None


@dataclass
class Pulled:
    """What a pull has done: objects by what became of them, jobs by what became of them, shapes that say no mask."""

    objects: Counter[str] = field(default_factory=Counter)
    jobs: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)


def read_jobs(api: Api, scope: Scope) -> list[Job]:
    """Jobs as they are now.

    Raises:
        NotThere: there is no such project, task or job.
        ImageRejected: CVAT does not answer.
        RequestInvalid: it answers something else than jobs.
    """
    if scope.kind == "job":
        return [ask(api, f"/api/jobs/{scope.number}", Job)]
    # A list does not tell a project without jobs from no project.
    api.get(f"/api/{scope.kind}s/{scope.number}")
    query = {f"{scope.kind}_id": scope.number}
    return list({job.id: job for job in pages(api, "/api/jobs", Job, query)}.values())


class Puller:
    """Records jobs.

    Args:
        known: what the store holds of CVAT, deleted annotations left out.
    """

    def __init__(self, api: Api, corrections: Corrections, known: Iterable[KnownAnnotation]) -> None:
        self._api = api
        self._corrections = corrections
        self._known: dict[tuple[str, str], dict[str, KnownAnnotation]] = {}
        for one in known:
            self._known.setdefault((one.project, _job_of(one.annotation)), {})[one.annotation] = one
        self._labels: LRUCache[int, Mapping[int, str]] = LRUCache(64)
        self.pulled = Pulled()

    def jobs(self, scope: Scope) -> list[Job]:
        """Jobs as they are now; none where all of them have been deleted since the last time.

        Raises:
            NotThere: there is no such project, task or job, and never was.
        """
        try:
            return read_jobs(self._api, scope)
        except NotThere:
            if not any(
                scope.holds(self._api.server, one) for job in self._known.values() for one in job.values()
            ):
                raise
            return []

    def take(self, job: Job) -> None:
        """Record a job if it is finished and has changed since.

        Raises:
            ImageRejected: CVAT does not answer.
            StoreError: the database does not take it.
        """
        known = self._known.get((self._project(job), job.name), {})
        if job.dimension != "2d" or job.type == REPLICA:
            self.pulled.jobs["of another kind"] += 1
        elif job.state not in (FINISHED, REJECTED):
            self.pulled.jobs["not finished"] += 1
        elif job.name in known and known[job.name].revision >= job.revision:
            self.pulled.jobs["unchanged"] += 1
        elif job.state == REJECTED and not known:
            self.pulled.jobs["rejected"] += 1
        else:
            self._exchange(job, known)

    def withdraw_gone(self, scope: Scope, jobs: Iterable[Job]) -> None:
        """Withdraw what the store holds of jobs that have been deleted, or moved to another project."""
        there = {(self._project(job), job.name) for job in jobs}
        for (project, name), known in self._known.items():
            if (project, name) not in there and any(
                scope.holds(self._api.server, one) for one in known.values()
            ):
                try:
                    job = ask(self._api, f"/api/jobs/{_number(name)}", Job)
                except NotThere:
                    self._withdraw(known)
                except AccessRefused:
                    self.pulled.jobs["not ours any more"] += 1
                else:
                    if (self._project(job), job.name) != (project, name):
                        self._withdraw(known)

    def _exchange(self, job: Job, known: Mapping[str, KnownAnnotation]) -> None:
        try:
            frames = {} if job.state == REJECTED else dict(self._frames(job))
            media = ask(self._api, f"/api/jobs/{job.id}/data/meta", Media) if frames else None
            names = self._names(job) if frames else {}
        except NotThere:  # deleted since it was listed
            self._withdraw(known)
            return
        except (RequestInvalid, AccessRefused) as error:
            self.pulled.failed.append(f"job {job.id}: {error}")
            return
        if media is not None:
            frames = {
                number: shapes for number, shapes in frames.items() if number not in media.deleted_frames
            }
        for number, shapes in frames.items():
            corrections = tuple(self._corrected(job, number, shapes, media, names)) if media else ()
            self._record(job, f"{job.name}/frames/{number}", corrections)
        kept = {f"{job.name}/frames/{number}" for number in frames}
        for gone in sorted(known.keys() - kept - {job.name}):
            self._record(job, gone, ())
        self._record(job, job.name, ())
        self.pulled.jobs["rejected" if job.state == REJECTED else "read"] += 1

    def _frames(self, job: Job) -> Iterator[tuple[int, list[Outlined]]]:
        """Shapes with a mask by their frame; the others are counted."""
        annotations = ask(self._api, f"/api/jobs/{job.id}/annotations/", Annotations)
        frames: dict[int, list[Outlined]] = {}
        for outlined in every_shape(annotations):
            if outlined.shape.type in DRAWN:
                frames.setdefault(outlined.shape.frame, []).append(outlined)
            else:
                self.pulled.ignored[outlined.shape.type] += 1
        yield from sorted(frames.items())

    def _names(self, job: Job) -> Mapping[int, str]:
        """Labels of the job's task."""
        if job.task_id not in self._labels:
            try:
                labels = {
                    one.id: one.name
                    for one in pages(self._api, "/api/labels", Label, {"task_id": job.task_id})
                }
            except NotThere:  # before CVAT 2.5
                labels = {}
            self._labels[job.task_id] = labels
        return self._labels[job.task_id]

    def _corrected(
        self, job: Job, frame: int, shapes: Iterable[Outlined], media: Media, names: Mapping[int, str]
    ) -> Iterator[Correction]:
        image = ImageReference(TOOL, self._project(job), str(job.task_id), f"{job.name}/frames/{frame}")
        for outlined in shapes:
            mask, flaw = _mask(outlined, media, job)
            yield Correction(_region(outlined), image, mask, names.get(outlined.label, ""), flaw)

    def _record(self, job: Job, annotation: str, corrections: tuple[Correction, ...]) -> None:
        key = AnnotationKey(TOOL, self._project(job), annotation)
        annotator = "" if job.assignee is None else str(job.assignee.id)
        recorded = self._corrections.record(
            Submission(key, str(job.task_id), job.revision, job.time, annotator, corrections)
        )
        self.pulled.objects.update(vars(recorded))

    def _withdraw(self, known: Mapping[str, KnownAnnotation]) -> None:
        for one in known.values():
            key = AnnotationKey(TOOL, one.project, one.annotation)
            self.pulled.objects["withdrawn"] += self._corrections.withdraw(key)
        if known:
            self.pulled.jobs["deleted"] += 1

    def _project(self, job: Job) -> str:
        return f"{self._api.server}/{job.group}"


def fetcher(api: Api, most: int) -> Callable[[ImageReference], bytes]:
    """What fetches a frame of a job, of at most that many bytes."""

    def fetch(image: ImageReference) -> bytes:
        found = re.fullmatch(r"jobs/(\d+)(?:\.\d+)?/frames/(\d+)", image.reference)
        if found is None or not image.project.startswith(f"{api.server}/"):
            raise ImageRejected(f"image: expected a frame of CVAT at {api.server}, got {image.project}")
        query = {"type": "frame", "number": found[2], "quality": "original"}
        return api.get(f"/api/jobs/{found[1]}/data", query, most)

    return fetch


def _mask(outlined: Outlined, media: Media, job: Job) -> tuple[NDArray[np.bool_] | None, str]:
    """(H, W) mask of a shape, or None and why."""
    number = outlined.shape.frame
    frame = media.frame(number - job.start_frame) if job.start_frame <= number <= job.stop_frame else None
    if frame is None:
        return None, f"frame: expected one of the job's, {job.start_frame} to {job.stop_frame}, got {number}"
    try:
        return draw(outlined.shape, frame.width, frame.height), ""
    except RequestInvalid as error:
        return None, str(error)


def _region(outlined: Outlined) -> str:
    """The object's name: its outline, as CVAT gives a shape a new id whenever it is saved."""
    return hashlib.sha256(json.dumps(outlined.shape.points).encode()).hexdigest()[:24]


def _job_of(annotation: str) -> str:
    return annotation.partition("/frames/")[0]


def _number(name: str) -> str:
    return name.removeprefix("jobs/").partition(".")[0]
