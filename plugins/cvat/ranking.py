"""Which frames of a task to annotate next: those whose objects the model is least sure of."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic

import numpy as np
from numpy.typing import NDArray

from model import Click
from model.errors import BoundaryClickError
from model.masks import intersection_over_union
from model.uncertainty import uncertainty
from plugins.cvat.client import Api, Query, ask, pages
from plugins.cvat.pulling import FINISHED
from plugins.cvat.records import Annotations, Job, Media, Task
from plugins.ports import ImageStore, ImageT, PredictionService

GRID = 3
"""Selection clicks in a row and in a column of a frame that nobody has clicked on yet."""

OBJECTS = 3
"""Masks of a frame that count: the surest ones. The rest of the grid has mostly hit nothing in particular."""

SAME = 0.5
"""IoU from which on two clicks have found the same object."""


@dataclass(frozen=True)
class Ranked:
    """A frame with what is known of it.

    Attributes:
        uncertainty: in [0, 1], of the objects that the model is surest of.
    """

    frame: int
    name: str
    uncertainty: float


@dataclass(frozen=True)
class Candidates:
    """Frames of a task that nobody has annotated yet, and their names."""

    task: Task
    names: dict[int, str]


def read_candidates(api: Api, number: int) -> Candidates:
    """Frames that hold nothing, belong to no finished job, are not deleted and not part of a task made of them.

    Raises:
        ImageRejected: CVAT does not answer, or has no such task.
        RequestInvalid: it answers something else.
    """
    task = ask(api, f"/api/tasks/{number}", Task)
    media = ask(api, f"/api/tasks/{number}/data/meta", Media)
    taken = set(media.deleted_frames) | _handed_out(api, task)
    for job in pages(api, "/api/jobs", Job, {"task_id": number}):
        if job.state == FINISHED and job.type == "annotation":
            taken.update(range(job.start_frame, job.stop_frame + 1))
        else:
            taken |= _annotated(ask(api, f"/api/jobs/{job.id}/annotations/", Annotations))
    free = (frame for frame in range(task.size or 0) if frame not in taken)
    return Candidates(task, {frame: _name(media, frame) for frame in free})


def spread(frames: Sequence[int], most: int) -> list[int]:
    """At most that many of the frames, evenly spread over them."""
    if len(frames) <= most:
        return list(frames)
    return [frames[int((place + 0.5) * len(frames) / most)] for place in range(most)]


def next_name(task: Task) -> str:
    """Name of tasks that are made of a task's frames."""
    return f"{task.name[:200]} - next frames of task {task.id}"


def file_name(frame: int, name: str, kind: str) -> str:
    """Name of a frame in a task made of it; begins with the frame's number and ends with the kind of file it is."""
    stem = re.sub(r"[^A-Za-z0-9_-]", "_", name.rpartition("/")[2].rpartition(".")[0])
    return f"{frame:06d}-{stem[-100:]}.{kind}"


class Ranking(Generic[ImageT]):
    """Judges frames.

    Args:
        service: answers clicks.
        images: decodes images.
        largest_file: bytes of a frame's file.
    """

    def __init__(
        self, api: Api, service: PredictionService[ImageT], images: ImageStore[ImageT], largest_file: int
    ) -> None:
        self._api = api
        self._service = service
        self._images = images
        self._largest_file = largest_file
        self.unseen: list[str] = []

    def rank(self, task: int, frames: Sequence[tuple[int, str]]) -> Iterator[Ranked]:
        """Frames as they are judged; those that cannot be had are left out and named in `unseen`."""
        for frame, name in frames:
            try:
                image = self._images.decode(fetch_frame(self._api, task, frame, self._largest_file))
                yield Ranked(frame, name, self._judge(image))
            except BoundaryClickError as error:
                self.unseen.append(f"frame {frame}: {error}")

    def _judge(self, image: ImageT) -> float:
        """Mean uncertainty of the surest objects that a grid of selection clicks finds."""
        height, width = image.pixels.shape[:2]
        found = []
        for place in range(GRID * GRID):
            row, column = divmod(place, GRID)
            click = Click((column + 0.5) * width / GRID - 0.5, (row + 0.5) * height / GRID - 0.5)
            prediction = self._service.predict(image, (click,))
            found.append((uncertainty(prediction), prediction.mask))
        found.sort(key=lambda one: one[0])
        kept: list[tuple[float, NDArray[np.bool_]]] = []
        for unsure, mask in found:
            if all(intersection_over_union(mask, other) < SAME for _, other in kept):
                kept.append((unsure, mask))
        return float(np.mean([unsure for unsure, _ in kept[:OBJECTS]]))


def fetch_frame(api: Api, task: int, frame: int, most: int) -> bytes:
    """File of a frame. Raises ImageRejected."""
    query: Query = {"type": "frame", "number": frame, "quality": "original"}
    return api.get(f"/api/tasks/{task}/data/", query, most)


def _annotated(annotations: Annotations) -> set[int]:
    frames = {shape.frame for shape in annotations.shapes} | {tag.frame for tag in annotations.tags}
    for track in annotations.tracks:
        drawn = [shape.frame for shape in track.shapes]
        frames.update(range(min(drawn), max(drawn) + 1) if drawn else ())
    return frames


def _handed_out(api: Api, task: Task) -> set[int]:
    """Frames that tasks have been made of already."""
    frames: set[int] = set()
    for made in pages(api, "/api/tasks", Task, {"name": next_name(task)}):
        if made.size and made.name == next_name(task):
            media = ask(api, f"/api/tasks/{made.id}/data/meta", Media)
            numbers = (re.match(r"(\d{6,})-", frame.name) for frame in media.frames)
            frames.update(int(number[1]) for number in numbers if number)
    return frames


def _name(media: Media, frame: int) -> str:
    found = media.frame(frame)
    return found.name if found else ""
