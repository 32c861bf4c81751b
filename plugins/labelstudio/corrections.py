"""What Label Studio tells of annotations: events into submissions, brush and polygon regions into masks."""

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco
from pydantic import BeforeValidator, Field, ValidationError

from model.corrections import AnnotationKey, Correction, ImageReference, Submission
from model.errors import RequestInvalid
from plugins.labelstudio.labelling import Labelling, read_labelling
from plugins.labelstudio.messages import (
    Identifier,
    Labels,
    Message,
    Name,
    Number,
    Pixels,
    Task,
    parse,
    shortened,
)
from plugins.labelstudio.rle import decode
from plugins.ports import Corrections

TOOL = "labelstudio"
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

MOST_PIXELS = 100_000_000
"""Of a mask; its run lengths may claim any number, and drawing takes four bytes for each."""

_LABELS = ("brushlabels", "polygonlabels", "labels")


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


class Drawing(Message):
    """Value of a region with a mask."""

    format: str | None = None
    rle: Any = None
    points: tuple[tuple[Number, Number], ...] | None = None


class Region(Message):
    """A region with a mask; a label may come as a second item of the same id."""

    id: Name
    to_name: Name
    original_width: Pixels
    original_height: Pixels
    image_rotation: Number | None = None
    value: Drawing


class Names(Message):
    """Labels of an item, under whichever name its tag gives them."""

    brushlabels: Labels = Field(())
    polygonlabels: Labels = Field(())
    labels: Labels = Field(())


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
        event = parse(Event, body)
        project = event.project.key
        for annotation in event.annotation:
            self._corrections.record(read_submission(event.project, _task_of(annotation, event), annotation))
        for deleted in event.annotations:
            self._corrections.withdraw(AnnotationKey(TOOL, project, str(deleted.id)))
        for deleted in event.tasks if event.action == "TASKS_DELETED" else ():
            self._corrections.withdraw_task(TOOL, project, str(deleted.id))


def read_submission(project: Project, task: Task, annotation: Annotation) -> Submission:
    """The annotation with every region that has a mask; none where the annotator has cancelled it.

    Raises:
        RequestInvalid: the labelling configuration cannot be read.
    """
    time = annotation.updated_at
    time = time if time.tzinfo else time.replace(tzinfo=timezone.utc)
    annotator = annotation.completed_by
    if isinstance(annotator, dict):  # some versions of the API tell more of a person than the id
        annotator = annotator.get("id")
    corrections = () if annotation.was_cancelled else tuple(_corrections(project, task, annotation.result))
    return Submission(
        AnnotationKey(TOOL, project.key, str(annotation.id)),
        str(task.id),
        round(time.timestamp() * 1_000_000),
        time,
        "" if annotator is None else str(annotator),
        corrections,
    )


def _task_of(annotation: Annotation, event: Event) -> Task:
    for task in event.task:
        if annotation.task is None or str(task.id) == str(annotation.task):
            return task
    raise RequestInvalid(
        f"task: expected task {shortened(annotation.task)} with annotation {shortened(annotation.id)}, got none"
    )


def _corrections(project: Project, task: Task, result: tuple[dict[str, Any], ...]) -> Iterator[Correction]:
    """One correction for each region id: a mask and its label may be two items."""
    regions: dict[str, list[dict[str, Any]]] = {}
    for item in result:
        if isinstance(item.get("id"), str) and isinstance(item.get("value"), dict):
            regions.setdefault(item["id"], []).append(item)
    for region, items in regions.items():
        drawn = next((item for item in items if "rle" in item["value"] or _is_polygon(item)), None)
        if drawn is not None:
            labelling = read_labelling(project.label_config)
            image, flaw = _image(project, task, labelling, drawn.get("to_name"))
            mask, damage = _mask(drawn)
            yield Correction(region, image, mask, _label(items), damage or flaw)


def _is_polygon(item: dict[str, Any]) -> bool:
    return item.get("type") in ("polygon", "polygonlabels")


def _image(project: Project, task: Task, labelling: Labelling, name: object) -> tuple[ImageReference, str]:
    """Where the image is, or why that is not known."""
    reference, flaw = "", ""
    try:
        value = task.data.get(labelling.data_key(str(name)))
        if isinstance(value, str) and value:
            reference = value
        else:
            flaw = f"image: expected a URL or a path in the task's data, got {shortened(value)}"
    except RequestInvalid as error:
        flaw = str(error)
    return ImageReference(TOOL, project.key, str(task.id), reference), flaw


def _mask(item: dict[str, Any]) -> tuple[NDArray[np.bool_] | None, str]:
    """(H, W) mask of a region, or None and why."""
    try:
        region = Region.model_validate(item)
        return _drawn(region), ""
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        return None, f"region: {where}: {first['msg']}, got {shortened(first['input'])}"
    except RequestInvalid as error:
        return None, str(error)


def _drawn(region: Region) -> NDArray[np.bool_]:
    width, height, value = region.original_width, region.original_height, region.value
    if width * height > MOST_PIXELS:
        raise RequestInvalid(f"region: expected at most {MOST_PIXELS} pixels, got {width} x {height}")
    if region.image_rotation:
        raise RequestInvalid(
            f"region: expected an image that is not turned, got {region.image_rotation:g} degrees"
        )
    if value.rle is not None:
        if not isinstance(value.rle, list):
            raise RequestInvalid(f"brush region: expected a list of numbers, got {shortened(value.rle)}")
        return decode(value.rle, width, height) > 0
    if value.points is None or len(value.points) < 3:
        raise RequestInvalid("polygon: expected three points or more, got fewer")
    corners = np.clip(np.asarray(value.points), 0, 100) / 100 * (width, height)
    drawn = coco.decode(coco.frPyObjects([corners.ravel().tolist()], height, width))
    mask: NDArray[np.bool_] = drawn.any(axis=2)
    return mask


def _label(items: list[dict[str, Any]]) -> str:
    for item in items:
        try:
            names = Names.model_validate(item["value"])
        except ValidationError:
            continue
        for kind in _LABELS:
            if labels := getattr(names, kind):
                return ",".join(labels)
    return ""
