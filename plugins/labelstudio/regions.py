"""Regions of annotations that exist already, brush or polygon, as masks."""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from model.errors import InvalidImage, RequestInvalid
from model.polygons import draw_polygon
from model.validation import first_problem
from plugins.labelstudio import rle
from plugins.labelstudio.messages import Labels, Message, Name, Number, Pixels, shortened

MOST_PIXELS = 100_000_000
"""Of a mask; its run lengths may claim any number, and drawing takes four bytes for each."""

PART_SEPARATOR = "."
"""Between a region's id and the number of a further part; Label Studio's own ids have none."""

_LABELS = ("brushlabels", "polygonlabels", "labels")


class Drawing(Message):
    """Value of a region with a mask."""

    format: str | None = None
    rle: Any = None
    points: Annotated[tuple[tuple[Number, Number], ...], Field(fail_fast=True)] | None = None


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


def read_mask(item: Mapping[str, Any]) -> NDArray[np.bool_]:
    """(H, W) mask of a brush or polygon region.

    Raises:
        RequestInvalid: a field that is missing or cannot be used; run lengths of another size or damaged.
    """
    return _drawn(_read(item))


def covers(item: Mapping[str, Any], x: float, y: float) -> bool:
    """Whether a region holds the point at a share in [0, 1] of the image's width and height; errors as `read_mask`."""
    region = _read(item)
    width, height = region.original_width, region.original_height
    if region.value.rle is not None:
        column, row = min(int(x * width), width - 1), min(int(y * height), height - 1)
        return rle.covers(region.value.rle, width, height, column, row)
    corners = np.clip(np.asarray(region.value.points), -1e6, 1e6).astype(np.float32).reshape(-1, 1, 2)
    return cv2.pointPolygonTest(corners, (100 * x, 100 * y), False) >= 0


def read_labels(items: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Labels of a region, from the first of its items that has any."""
    for item in items:
        try:
            names = Names.model_validate(item["value"])
        except ValidationError:
            continue
        for kind in _LABELS:
            if labels := getattr(names, kind):
                return tuple(labels)
    return ()


def has_mask(item: Mapping[str, Any]) -> bool:
    """Whether an item of a result is a brush stroke or a polygon."""
    return "rle" in item["value"] or item.get("type") in ("polygon", "polygonlabels")


def part_of(region: str) -> str:
    """Id of the object that a region belongs to: that of its first part, where a mask has become several polygons."""
    return re.sub(rf"{re.escape(PART_SEPARATOR)}\d+$", "", region)


def part_name(region: str, number: int) -> str:
    """Id of the part with the `number`, counted from 1; the first has the region's own."""
    return region if number == 1 else f"{region}{PART_SEPARATOR}{number}"


def _read(item: Mapping[str, Any]) -> Region:
    """A region that can be drawn."""
    try:
        region = Region.model_validate(item)
    except ValidationError as error:
        first = first_problem(error, "all of it")
        raise RequestInvalid(f"region: {first.where}: {first.what}, got {shortened(first.came)}") from None
    width, height, value = region.original_width, region.original_height, region.value
    if width * height > MOST_PIXELS:
        raise RequestInvalid(f"region: expected at most {MOST_PIXELS} pixels, got {width} x {height}")
    if region.image_rotation:
        raise RequestInvalid(
            f"region: expected an image that is not turned, got {region.image_rotation:g} degrees"
        )
    if value.rle is not None and not isinstance(value.rle, list):
        raise RequestInvalid(f"brush region: expected a list of numbers, got {shortened(value.rle)}")
    if value.rle is None and (value.points is None or len(value.points) < 3):
        raise RequestInvalid("polygon: expected three points or more, got fewer")
    return region


def _drawn(region: Region) -> NDArray[np.bool_]:
    width, height = region.original_width, region.original_height
    if region.value.rle is not None:
        return rle.decode(region.value.rle, width, height) > 0
    corners = np.clip(np.asarray(region.value.points), 0, 100) / 100 * (width, height)
    try:
        return draw_polygon(corners, height, width)
    except InvalidImage as error:
        raise RequestInvalid(str(error)) from None
