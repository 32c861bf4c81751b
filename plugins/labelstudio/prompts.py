"""What an annotator has asked for: ordered clicks with roles, or a box, and the region they belong to."""

import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass

from model import Click, Role
from model.errors import InvalidClick, RequestInvalid
from model.geometry import Box
from plugins.labelstudio.labelling import BOX_TAGS, CLICK_TAGS, Labelling
from plugins.labelstudio.messages import Context, Item

logger = logging.getLogger(__name__)

ROLES: tuple[Role, ...] = ("select", "boundary")
"""Of the clicks that most models take."""

REGION_PREFIX = "tor-"
SLACK_PERCENT = 1e-3
"""The editor computes percent in floating point: a click on the very border may come as 100.00000001."""

MOST_ENLARGED = 4
"""Most pixels that the editor may show for one of the file: a mask is enlarged by no more than that."""


@dataclass(frozen=True)
class Point:
    """One click as Label Studio tells it, its duplicates joined.

    Args:
        x, y: percent of the upright image.
        control: name of the tag it was made with.
        positive: False with the Alt key held; None: placed before the page was loaded again.
    """

    id: str
    x: float
    y: float
    control: str
    positive: bool | None
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Extent:
    """A rectangle around an object, upright, in percent of the upright image."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def is_empty(self) -> bool:
        """Whether nothing of the image is in it."""
        return self.left >= self.right or self.top >= self.bottom

    def box(self, width: int, height: int) -> Box:
        """The whole pixels of an image of that size that it touches, at least one; raises InvalidClick."""
        # Rounded, since a rectangle that was turned misses whole pixels by the last bits.
        left, right = (round(_pixels(at, width, "x") + 0.5, 6) for at in (self.left, self.right))
        top, bottom = (round(_pixels(at, height, "y") + 0.5, 6) for at in (self.top, self.bottom))
        first, upper = min(math.floor(left), width - 1), min(math.floor(top), height - 1)
        return Box(first, upper, max(math.ceil(right), first + 1), max(math.ceil(bottom), upper + 1))


@dataclass(frozen=True)
class Prompt:
    """The clicks on one object.

    Args:
        image: name of the Image tag.
        points: the clicks in order, the selection click first.
        size: (width, height) of the image as the annotator sees it; None if Label Studio did not say.
        extent: the rectangle in whose middle the only click lies, if one was drawn instead of clicks.
    """

    image: str
    points: tuple[tuple[Point, Role], ...]
    size: tuple[int, int] | None
    extent: Extent | None = None

    @property
    def region(self) -> str:
        """Id of the answered region: the same for every further click, so the editor replaces it in place."""
        return REGION_PREFIX + self.points[0][0].id

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels that the annotator had selected for the first click that has any."""
        return next((point.labels for point, _ in self.points if point.labels), ())

    def clicks(self, width: int, height: int) -> list[Click]:
        """Clicks in pixels of the decoded image.

        Args:
            width, height: size of the decoded, upright image in pixels.

        Raises:
            InvalidClick: a click outside the image.
            RequestInvalid: the image has not the shape of the one that the annotator sees.
        """
        self._require_shape(width, height)
        return [
            Click(_pixels(point.x, width, "x"), _pixels(point.y, height, "y"), role)
            for point, role in self.points
        ]

    def _require_shape(self, width: int, height: int) -> None:
        """Another resolution is fine, since clicks are percent; another shape is another picture."""
        if self.size is None:
            return
        shown_width, shown_height = self.size
        if shown_width * shown_height > MOST_ENLARGED * width * height:
            raise RequestInvalid(
                f"image: expected {shown_width} x {shown_height} as in the editor, got {width} x {height}"
            )
        if abs(width * shown_height - height * shown_width) > max(width, height, shown_width, shown_height):
            raise RequestInvalid(
                f"image: expected the shape that Label Studio shows, {shown_width} x {shown_height}, "
                f"got {width} x {height}; the file was exchanged or turned, load the task again"
            )


def read_prompt(context: Context, labelling: Labelling, roles: tuple[Role, ...] = ROLES) -> Prompt | None:
    """The clicks of a request in order, with their roles, or its box; None if no click is left that counts.

    Args:
        roles: of the clicks that the model takes; without `negative`, Alt clicks do not count.

    Raises:
        RequestInvalid: something else than clicks or boxes, or what cannot be placed.
    """
    clicks = [item for item in context.result if item.type in CLICK_TAGS]
    if not clicks:
        return _read_box(context)
    points = _counting(_points(clicks, context.result), roles)
    if all(point.positive is False for point in points):
        return None
    image = clicks[0].to_name
    if any(item.to_name != image for item in clicks):
        raise RequestInvalid(
            f"context: expected clicks on one image, got some on {image!r} and some on others"
        )
    return Prompt(image, _with_roles(points, labelling, roles), _shown_size(clicks))


def _read_box(context: Context) -> Prompt | None:
    """The newest rectangle: those before it are of objects that have been accepted, or have been there before."""
    boxes = [item for item in context.result if item.type in BOX_TAGS]
    if not boxes:
        if context.result:
            kinds = ", ".join(sorted({item.type for item in context.result}))
            raise RequestInvalid(
                f"context: expected clicks of a KeyPoint or KeyPointLabels tag, or a rectangle, got {kinds}; "
                'set smart="false" on that tag'
            )
        return None
    newest = boxes[-1]
    _require_upright(newest)
    extent = extent_of(newest)
    if extent.is_empty:
        raise RequestInvalid(f"context: expected a rectangle on the image, got {newest.id!r} beside it")
    middle = Point(
        newest.id,
        (extent.left + extent.right) / 2,
        (extent.top + extent.bottom) / 2,
        newest.from_name,
        None,
        labels_of(context.result)[newest.id],
    )
    return Prompt(newest.to_name, ((middle, "select"),), _shown_size([newest]), extent)


def extent_of(item: Item) -> Extent:
    """The part of the image that a rectangle surrounds, turned about its first corner or not; it may be empty.

    Raises:
        RequestInvalid: it says too little of where it is.
    """
    value = item.value
    x, y, width, height = value.x, value.y, value.width, value.height
    if x is None or y is None or width is None or height is None:
        raise RequestInvalid(f"expected x, y, width and height of rectangle {item.id!r}, got fewer")
    # Percent of the width and of the height: a turn needs both in the same unit.
    shape = (
        item.original_height / item.original_width if item.original_width and item.original_height else 1.0
    )
    turn = math.radians(value.rotation or 0.0)
    cosine, sine = math.cos(turn), math.sin(turn)
    across = (0.0, width * cosine, width * cosine - height * shape * sine, -height * shape * sine)
    down = (0.0, width * sine / shape, width * sine / shape + height * cosine, height * cosine)
    columns, rows = [x + part for part in across], [y + part for part in down]
    return Extent(
        max(min(columns), 0.0), max(min(rows), 0.0), min(max(columns), 100.0), min(max(rows), 100.0)
    )


def _points(clicks: list[Item], everything: tuple[Item, ...]) -> list[Point]:
    """One point for each id: Labels beside KeyPoint send the click and its label as two items."""
    labels = labels_of(everything)
    points: dict[str, Point] = {}
    for item in clicks:
        if item.value.x is None or item.value.y is None:
            raise RequestInvalid(f"context: expected x and y in the value of click {item.id!r}, got none")
        _require_upright(item)
        point = Point(item.id, item.value.x, item.value.y, item.from_name, item.is_positive, labels[item.id])
        points.setdefault(item.id, point)
    return list(points.values())


def labels_of(items: Iterable[Item]) -> dict[str, tuple[str, ...]]:
    """Labels by id, from whichever item of that id has them."""
    labels: dict[str, tuple[str, ...]] = {}
    for item in items:
        value = item.value
        own = value.keypointlabels or value.rectanglelabels or value.labels
        labels[item.id] = labels.get(item.id) or own or ()
    return labels


def _require_upright(item: Item) -> None:
    if item.image_rotation:
        raise RequestInvalid(f"image_rotation: expected 0, got {item.image_rotation:g}; turn the image back")


def _counting(points: list[Point], roles: tuple[Role, ...]) -> list[Point]:
    """Without leftovers of an earlier visit to the page, and without Alt clicks if the model has no use for them."""
    if any(point.positive is not None for point in points):
        points = [point for point in points if point.positive is not None]
    if "negative" in roles:
        return points
    counting = [point for point in points if point.positive is not False]
    if len(counting) < len(points):
        logger.info(
            "ignored %d Alt click(s): the model knows no negative clicks", len(points) - len(counting)
        )
    return counting


def _with_roles(
    points: list[Point], labelling: Labelling, roles: tuple[Role, ...]
) -> tuple[tuple[Point, Role], ...]:
    """Roles by tag where the labelling configuration gives them, else by order; Alt clicks are never the first.

    A click with a selection tag after another begins the next object: the editor keeps the points of an
    object that was accepted with the small tick, and they must not spoil the next one.
    """
    told = [
        (point, "negative" if point.positive is False else labelling.role_of(point.control))
        for point in points
    ]
    selections = [index for index, (_, role) in enumerate(told) if role == "select"]
    if len(selections) > 1:
        told = told[selections[-1] :]
    else:
        first = next(index for index, (_, role) in enumerate(told) if role != "negative")
        told.insert(0, told.pop(selections[0] if selections else first))
    (selection, role), *rest = told
    if role == "boundary":
        raise RequestInvalid("clicks: expected a selection click on the object first, got a boundary click")
    further: Role = "boundary" if "boundary" in roles else "positive"
    return ((selection, "select"), *((point, role or further) for point, role in rest))


def _shown_size(clicks: list[Item]) -> tuple[int, int] | None:
    width, height = clicks[0].original_width, clicks[0].original_height
    return (width, height) if width and height else None


def _pixels(percent: float, length: int, axis: str) -> float:
    """Pixel-centre coordinate of a position in percent."""
    if not -SLACK_PERCENT <= percent <= 100 + SLACK_PERCENT:
        raise InvalidClick(f"click {axis}: expected 0 to 100 percent of the image, got {percent:g}")
    return min(max(percent, 0.0), 100.0) / 100 * length - 0.5
