"""What Label Studio tells of annotations: events into submissions, brush and polygon regions into masks."""

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator

from model.corrections import AnnotationKey, Correction, ImageReference, Submission
from model.errors import RequestInvalid
from plugins.labelstudio.bodies import fetch_back, set_aside
from plugins.labelstudio.labelling import Labelling, read_labelling
from plugins.labelstudio.messages import (
    LONGEST_NAME,
    Identifier,
    Message,
    Name,
    Task,
    WebhookRequest,
    parse,
    shortened,
)
from plugins.labelstudio.regions import has_mask, part_of, read_labels, read_mask
from plugins.ports import Corrections, Learning

TOOL = "labelstudio"
FIRST_YEAR, LAST_YEAR = 1971, 9998
EVENTS = frozenset(
    (
        "ANNOTATION_CREATED",
        "ANNOTATIONS_CREATED",
        "ANNOTATION_UPDATED",
        "ANNOTATIONS_DELETED",
        "TASKS_DELETED",
    )
)
"""Actions that say something about corrections."""
START_TRAINING = "START_TRAINING"
"""Action of the button of that name."""


def _listed(value: object) -> object:
    """Label Studio sends one, or with ANNOTATIONS_CREATED many, under the same name."""
    return [value] if isinstance(value, dict) else value


class Project(Message):
    """The project of an event."""

    id: Identifier
    created_at: datetime | None = None
    label_config: str = ""

    @property
    def key(self) -> str:
        """As /setup and /predict name it: ids begin again at 1 when Label Studio is set up anew."""
        return str(self.id) if self.created_at is None else f"{self.id}.{int(self.created_at.timestamp())}"


class TrainingRequest(Message):
    """Body of POST /webhook from the button Start training."""

    project: Annotated[
        Project, BeforeValidator(lambda value: value if isinstance(value, dict) else {"id": value})
    ]


class Annotation(Message):
    """An annotation; `result` is read item by item, so that one bad region does not take the others along."""

    id: Identifier
    updated_at: datetime
    result: tuple[dict[str, Any], ...] = ()
    was_cancelled: bool = False
    task: Identifier | None = None
    completed_by: Any = None


class Numbered(Message):
    """What is left of something deleted."""

    id: Identifier


class Event(Message):
    """Body of POST /webhook, as far as annotations are concerned."""

    action: Name
    project: Project
    annotation: Annotated[tuple[Annotation, ...], BeforeValidator(_listed)] = ()
    task: Annotated[tuple[Task, ...], BeforeValidator(_listed)] = ()
    annotations: tuple[Numbered, ...] = ()
    tasks: tuple[Numbered, ...] = ()


def hand_on(body: bytes, learning: Learning | None) -> str:
    """Keep what a webhook says of annotations, or begin the training that it asks for; returns its action.

    Raises:
        RequestInvalid: the body names no action, or no project to train for.
        StoreError: it cannot be kept.
    """
    shorter = set_aside(body)
    action = parse(WebhookRequest, shorter).action
    if learning is not None and action in EVENTS:
        learning.put(TOOL, body)
    elif learning is not None and action == START_TRAINING:
        learning.start_training(TOOL, parse(TrainingRequest, shorter).project.key)
    return action


class Understanding:
    """Records what events say.

    Args:
        corrections: where.
    """

    def __init__(self, corrections: Corrections) -> None:
        self._corrections = corrections

    def __call__(self, body: bytes) -> None:
        """Understand one event and record it.

        Raises:
            RequestInvalid: it never will be understood; nothing has been recorded, or only its first annotations.
            StoreError: the database does not take it now.
        """
        event = parse(Event, set_aside(body))
        project = event.project.key
        for annotation in event.annotation:
            task = _task_of(annotation, event)
            self._corrections.record(read_submission(event.project, task, annotation, body))
        for deleted in event.annotations:
            self._corrections.withdraw(AnnotationKey(TOOL, project, str(deleted.id)))
        for deleted in event.tasks if event.action == "TASKS_DELETED" else ():
            self._corrections.withdraw_task(TOOL, project, str(deleted.id))


def read_submission(
    project: Project, task: Task, annotation: Annotation, body: bytes | None = None
) -> Submission:
    """The annotation with every region that has a mask; none where the annotator has cancelled it.

    Args:
        body: where the run lengths are that have been set aside, if they have.

    Raises:
        RequestInvalid: the labelling configuration cannot be read, or the time is none.
    """
    time = annotation.updated_at
    time = time if time.tzinfo else time.replace(tzinfo=timezone.utc)
    if not FIRST_YEAR <= time.year <= LAST_YEAR:  # those at either end have no moment in every time zone
        raise RequestInvalid(
            f"updated_at: expected a time from {FIRST_YEAR} to {LAST_YEAR}, got {time.isoformat()}"
        )
    annotator = annotation.completed_by
    if isinstance(annotator, dict):  # some versions of the API tell more of a person than the id
        annotator = annotator.get("id")
    drawn = _corrections(project, task, annotation.result, body)
    corrections = () if annotation.was_cancelled else tuple(drawn)
    return Submission(
        AnnotationKey(TOOL, project.key, str(annotation.id)),
        str(task.id),
        round(time.timestamp() * 1_000_000),
        time,
        "" if annotator is None else str(annotator).replace("\0", "")[:LONGEST_NAME],
        corrections,
    )


def _task_of(annotation: Annotation, event: Event) -> Task:
    for task in event.task:
        if annotation.task is None or str(task.id) == str(annotation.task):
            return task
    raise RequestInvalid(
        f"task: expected task {shortened(annotation.task)} with annotation {shortened(annotation.id)}, got none"
    )


def _corrections(
    project: Project, task: Task, result: tuple[dict[str, Any], ...], body: bytes | None
) -> Iterator[Correction]:
    """One correction for each object."""
    for region, items in _objects(result).items():
        drawn = {item["id"]: item for item in reversed(items) if has_mask(item)}
        if drawn:
            labelling = read_labelling(project.label_config)
            image, flaw = _image(project, task, labelling, next(iter(drawn.values())).get("to_name"))
            mask, damage = _mask(list(drawn.values()), body)
            yield Correction(region, image, mask, ",".join(read_labels(items)), damage or flaw)


def _objects(result: tuple[dict[str, Any], ...]) -> dict[str, list[dict[str, Any]]]:
    """Items by object: a mask and its label may be two items, the parts of a mask several polygons.

    A part that the annotator has given another label is an object of its own.
    """
    regions: dict[str, list[dict[str, Any]]] = {}
    for item in result:
        if _is_name(item.get("id")) and isinstance(item.get("value"), dict):
            regions.setdefault(item["id"], []).append(item)
    objects: dict[str, list[dict[str, Any]]] = {}
    for region, items in regions.items():
        whole = regions.get(part_of(region), items)
        name = part_of(region) if read_labels(whole) == read_labels(items) else region
        objects.setdefault(name, []).extend(items)
    return objects


def _image(project: Project, task: Task, labelling: Labelling, name: object) -> tuple[ImageReference, str]:
    """Where the image is, or why that is not known."""
    reference, flaw = "", ""
    try:
        value = task.data.get(labelling.data_key(str(name)))
        if isinstance(value, str) and value and "\0" not in value:
            reference = value
        else:
            flaw = f"image: expected a URL or a path in the task's data, got {shortened(value)}"
    except RequestInvalid as error:
        flaw = str(error)
    return ImageReference(TOOL, project.key, str(task.id), reference), flaw


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_NAME and "\0" not in value


def _whole(part: dict[str, Any], body: bytes | None) -> dict[str, Any]:
    """A region with the run lengths that have been set aside."""
    value = part["value"]
    if body is None or "rle" not in value:
        return part
    return {**part, "value": {**value, "rle": fetch_back(body, value["rle"])}}


def _mask(parts: list[dict[str, Any]], body: bytes | None) -> tuple[NDArray[np.bool_] | None, str]:
    """(H, W) mask of all parts of an object, or None and why."""
    mask: NDArray[np.bool_] | None = None
    for part in parts:
        try:
            drawn = read_mask(_whole(part, body))
        except RequestInvalid as error:
            return None, str(error)
        if mask is not None and mask.shape != drawn.shape:
            return (
                None,
                f"region: expected parts of one image, got {mask.shape} and {drawn.shape} rows and columns",
            )
        mask = drawn if mask is None else mask | drawn
    return mask, ""
