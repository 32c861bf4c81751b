"""Regions that are there already: a selection click inside one of them goes on from it."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from model import Click
from model.errors import RequestInvalid
from plugins.labelstudio.bodies import fetch_back
from plugins.labelstudio.labelling import Output
from plugins.labelstudio.messages import Identifier, Message, OpenTask, shortened
from plugins.labelstudio.options import Refine
from plugins.labelstudio.prompts import Prompt
from plugins.labelstudio.regions import covers, has_mask, part_of, read_labels, read_mask

logger = logging.getLogger(__name__)

MOST_REGIONS = 2000
"""That are looked at, the newest first."""
MOST_MASKS = 100
"""Of these, that are drawn since the click lies in them."""


@dataclass(frozen=True)
class Known:
    """A region under a click.

    Attributes:
        mask: (H, W), size of the decoded image.
    """

    id: str
    labels: tuple[str, ...]
    mask: NDArray[np.bool_]


class Drawn(Message):
    """An annotation or a draft; `annotation`: the one that a draft changes, None for a new one."""

    id: Identifier | None = None
    result: tuple[Any, ...] = ()
    annotation: Identifier | None = None


def find_region(
    body: bytes,
    task: OpenTask,
    *,
    where: Refine,
    click: Click,
    prompt: Prompt,
    output: Output,
    shape: tuple[int, int],
) -> Known | None:
    """The smallest region of the task that the selection click lies in and that an answer could replace.

    Args:
        body: the request from which `task` was read, with its masks.
        click: the first of the prompt, in pixels of the decoded image.
        prompt: its labels are those that the region must have; without any, each will do.
        shape: (H, W) of the decoded image.
    """
    wanted = output.choose(prompt.labels)
    smallest: tuple[int, Known] | None = None
    looked = 0
    for region, items in _regions(task, where):
        labels = read_labels(items)
        # The page may store the same strokes once more, as a result of the labels' or the key points' tag.
        drawn = next((item for item in items if item.get("type") == output.control.tag), None)
        if drawn is None or not has_mask(drawn) or drawn.get("to_name") != prompt.image:
            continue
        # The region of these very clicks, accepted meanwhile, comes out of the clicks again.
        if part_of(region) == prompt.region or (wanted and labels != wanted):
            continue
        mask = _mask(body, drawn, click, shape)
        if mask is not None:
            # One at a time: there may be hundreds, each as large as the image.
            size, looked = int(np.count_nonzero(mask)), looked + 1
            if smallest is None or size < smallest[0]:
                smallest = size, Known(region, labels, mask)
            if looked == MOST_MASKS:
                break
    return None if smallest is None else smallest[1]


def _regions(task: OpenTask, where: Refine) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Items by region id, each id from where it was changed last: a draft replaces what its annotation says."""
    drafts = [] if where == "off" else _read(task.drafts)
    annotations = _read(task.annotations) if where == "annotations" else []
    replaced = {str(draft.annotation) for draft in drafts if draft.annotation is not None}
    regions: dict[str, list[dict[str, Any]]] = {}
    for drawn in (*drafts, *(one for one in reversed(annotations) if str(one.id) not in replaced)):
        here: dict[str, list[dict[str, Any]]] = {}
        for item in drawn.result:
            if (
                isinstance(item, dict)
                and isinstance(item.get("value"), dict)
                and isinstance(item.get("id"), str)
            ):
                here.setdefault(item["id"], []).append(item)
        for region, items in here.items():
            regions.setdefault(region, items)
    yield from list(regions.items())[:MOST_REGIONS]


def _read(drawn: Any) -> list[Drawn]:
    """What can be read of them; Label Studio sends numbers only where it does not send the whole."""
    found = []
    for one in drawn if isinstance(drawn, (list, tuple)) else ():
        try:
            found.append(Drawn.model_validate(one))
        except ValidationError:
            continue
    return found


def _mask(
    body: bytes, item: dict[str, Any], click: Click, shape: tuple[int, int]
) -> NDArray[np.bool_] | None:
    """The mask of a region that the click lies in, in the size of the decoded image; else None.

    A region that cannot be read is passed over: it is no reason to refuse the click.
    """
    value = dict(item["value"])
    height, width = shape
    try:
        if "rle" in value:
            value["rle"] = fetch_back(body, value["rle"])
        whole = {**item, "value": value}
        if not covers(whole, (click.x + 0.5) / width, (click.y + 0.5) / height):
            return None
        mask = read_mask(whole)
    except RequestInvalid as error:
        logger.info("region %s is no place to go on from: %s", shortened(item["id"]), error)
        return None
    if mask.shape != shape:
        enlarged = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
        mask = enlarged.astype(np.bool_)
    return mask if mask.any() else None
