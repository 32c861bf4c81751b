"""Files of tasks: those that Label Studio exports, and those that it imports with predictions."""

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter, ValidationError

from model.errors import RequestInvalid
from model.validation import first_problem
from plugins.labelstudio.answers import Target, mask_regions, prediction
from plugins.labelstudio.labelling import BOX_TAGS, CLICK_TAGS, Labelling
from plugins.labelstudio.messages import Identifier, Item, Message, shortened
from plugins.labelstudio.prompts import extent_of, labels_of

Percent = tuple[float, float]


@dataclass(frozen=True)
class Hint:
    """Where an object is, as somebody has drawn it: a point on it or a box around it, in percent of the image.

    Attributes:
        point: x, y.
        box: left, top, right, bottom; of a turned rectangle what surrounds it. Without area beside the image.
    """

    point: Percent | None
    box: tuple[float, float, float, float] | None
    label: str | None


@dataclass(frozen=True)
class ImportedTask:
    """A task of a file.

    Attributes:
        id: if it came from a Label Studio.
        data: as in the file.
        image: reference to its image.
        hints: of the first of its annotations, and after them its predictions, that has any; skipped ones do not count.
    """

    id: int | str | None
    data: dict[str, Any]
    image: str
    hints: tuple[Hint, ...]


@dataclass(frozen=True)
class LabelledMask:
    """An object: (H, W) mask, score in [0, 1], and label, if it has one."""

    mask: NDArray[np.bool_]
    score: float
    label: str | None


class _Annotation(Message):
    result: tuple[dict[str, Any], ...] = ()
    was_cancelled: bool | None = None


class _Task(Message):
    id: Identifier | None = None
    data: dict[str, Any]
    annotations: tuple[_Annotation, ...] = ()
    predictions: tuple[_Annotation, ...] = Field(())


_READ = (*CLICK_TAGS, *BOX_TAGS, "labels")
_TASKS = TypeAdapter(tuple[_Task, ...])


def read_tasks(text: bytes, labelling: Labelling) -> list[ImportedTask]:
    """The tasks of a JSON file as Label Studio exports and imports them.

    Raises:
        RequestInvalid: no such file, no task, or one without the image that the labelling configuration shows.
    """
    try:
        tasks = _TASKS.validate_json(_bare(text))
    except ValidationError as error:
        first = first_problem(error, "file")
        raise RequestInvalid(
            f"tasks: {first.where}: {first.what.lower()}, got {shortened(first.came)}"
        ) from None
    if not tasks:
        raise RequestInvalid("tasks: expected at least one, got an empty list")
    image = next(iter(labelling.images), "")
    key = labelling.data_key(image)
    return [_read(task, image, key) for task in tasks]


def predicted_task(
    data: dict[str, Any], masks: Sequence[LabelledMask], version: str, labelling: Labelling, tolerance: float
) -> dict[str, Any]:
    """A task with the masks as its prediction, as Label Studio imports it; its score is that of the least sure mask."""
    image = next(iter(labelling.images), "")
    output = labelling.output(image)
    regions: list[dict[str, Any]] = []
    for number, each in enumerate(masks, start=1):
        labels = output.choose((each.label,) if each.label else ())
        target = Target(f"boundaryclick-{number}", image, None, output, labels, tolerance)
        regions += mask_regions(each.mask, each.score, target)
    score = min((each.score for each in masks), default=0.0)
    return {"data": data, "predictions": [prediction(regions, score, version)]}


def _read(task: _Task, image: str, key: str) -> ImportedTask:
    reference = task.data.get(key)
    if not isinstance(reference, str) or not reference:
        raise RequestInvalid(
            f"task {shortened(task.id)}: expected {key!r}, which the labelling configuration shows, "
            f"got {sorted(task.data)}"
        )
    drawings = (each.result for each in (*task.annotations, *task.predictions) if not each.was_cancelled)
    try:
        found = (tuple(_hints(drawing, image)) for drawing in drawings)
        hints = next((hints for hints in found if hints), ())
    except RequestInvalid as error:
        raise RequestInvalid(f"task {shortened(task.id)}: {error}") from None
    return ImportedTask(task.id, task.data, reference, hints)


def _hints(result: Sequence[dict[str, Any]], image: str) -> Iterator[Hint]:
    """Points and boxes on the image; one with a label of its own comes as two items of one id."""
    items = [
        _item(raw, number, image)
        for number, raw in enumerate(result)
        if _kind(raw) in _READ and raw.get("to_name", image) == image
    ]
    labels = labels_of(items)
    for item in items:
        label = next(iter(labels[item.id]), None)
        if item.type in CLICK_TAGS:
            if item.value.x is None or item.value.y is None:
                raise RequestInvalid(f"expected x and y of {item.type} {shortened(item.id)}, got fewer")
            yield Hint((item.value.x, item.value.y), None, label)
        elif item.type in BOX_TAGS:
            extent = extent_of(item)
            yield Hint(None, (extent.left, extent.top, extent.right, extent.bottom), label)


def _item(raw: dict[str, Any], number: int, image: str) -> Item:
    """An item as the editor sends it; files of other programs may lack names."""
    named = {"id": f"item {number}", "from_name": "unnamed", "to_name": image, **raw, "type": _kind(raw)}
    try:
        return Item.model_validate(named)
    except ValidationError as error:
        first = first_problem(error, "item")
        raise RequestInvalid(
            f"result.{number}.{first.where}: {first.what.lower()}, got {shortened(first.came)}"
        ) from None


def _kind(raw: dict[str, Any]) -> str:
    return str(raw.get("type", "")).lower()


def looks_like_tasks(text: bytes) -> bool:
    """Whether a JSON file holds a list, as tasks do; COCO's holds an object."""
    return _bare(text).lstrip().startswith(b"[")


def _bare(text: bytes) -> bytes:
    return text.removeprefix(codecs.BOM_UTF8)
