"""Files of tasks: those that Label Studio exports, and those that it imports with predictions."""

import json
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
from plugins.labelstudio.messages import Identifier, Message, Number, shortened

Percent = tuple[float, float]


@dataclass(frozen=True)
class Hint:
    """Where an object is, as somebody has drawn it: a point on it or a box around it, in percent of the image.

    Attributes:
        point: x, y.
        box: left, top, right, bottom.
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
        hints: from its annotations, or, without any, from its predictions.
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


class _Value(Message):
    x: Number
    y: Number
    width: Number = 0.0
    height: Number = 0.0
    labels: tuple[str, ...] = ()
    keypointlabels: tuple[str, ...] = ()
    rectanglelabels: tuple[str, ...] = ()


class _Annotation(Message):
    result: tuple[dict[str, Any], ...] = ()


class _Task(Message):
    id: Identifier | None = None
    data: dict[str, Any]
    annotations: tuple[_Annotation, ...] = ()
    predictions: tuple[_Annotation, ...] = Field(())


_TASKS = TypeAdapter(tuple[_Task, ...])


def read_tasks(text: bytes, labelling: Labelling) -> list[ImportedTask]:
    """The tasks of a JSON file as Label Studio exports and imports them.

    Raises:
        RequestInvalid: no such file, or a task without the image that the labelling configuration shows.
    """
    try:
        tasks = _TASKS.validate_json(text)
    except ValidationError as error:
        first = first_problem(error, "file")
        raise RequestInvalid(
            f"tasks: {first.where}: {first.what.lower()}, got {shortened(first.came)}"
        ) from None
    key = labelling.data_key(next(iter(labelling.images), ""))
    return [_read(task, key) for task in tasks]


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


def _read(task: _Task, key: str) -> ImportedTask:
    image = task.data.get(key)
    if not isinstance(image, str) or not image:
        raise RequestInvalid(
            f"task {shortened(task.id)}: expected {key!r}, which the labelling configuration shows, "
            f"got {sorted(task.data)}"
        )
    drawn = next((each for each in (*task.annotations, *task.predictions) if each.result), None)
    hints = tuple(_hints(drawn.result)) if drawn else ()
    return ImportedTask(task.id, task.data, image, hints)


def _hints(result: Sequence[dict[str, Any]]) -> Iterator[Hint]:
    """Points and boxes; one with a label of its own comes as two items of one id."""
    labels = {item.get("id"): _label(item) for item in result if _label(item)}
    for item in result:
        kind = str(item.get("type", "")).lower()
        if kind not in (*CLICK_TAGS, *BOX_TAGS):
            continue
        try:
            value = _Value.model_validate(item.get("value"))
        except ValidationError:
            raise RequestInvalid(
                f"{kind} {shortened(item.get('id'))}: expected x, y in percent, got others"
            ) from None
        label = labels.get(item.get("id"))
        if kind in CLICK_TAGS:
            yield Hint((value.x, value.y), None, label)
        else:
            yield Hint(None, (value.x, value.y, value.x + value.width, value.y + value.height), label)


def _label(item: dict[str, Any]) -> str | None:
    value = item.get("value")
    names = (
        next((value[name] for name in ("labels", "keypointlabels", "rectanglelabels") if value.get(name)), ())
        if isinstance(value, dict)
        else ()
    )
    return str(names[0]) if isinstance(names, list) and names else None


def looks_like_tasks(text: bytes) -> bool:
    """Whether a JSON file holds a list, as tasks do; COCO's holds an object."""
    try:
        return isinstance(json.loads(text), list)
    except ValueError:
        return False
