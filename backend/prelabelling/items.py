"""What is asked for: images, and where their objects are."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model.clicks import Click
from model.datasets.files import IMAGE_SUFFIXES, inside
from model.errors import InvalidClick, RequestInvalid
from model.geometry import Box
from model.validation import first_problem

Numbers = tuple[float, float]
Edges = tuple[float, float, float, float]


class Wanted(BaseModel):
    """One object, by clicks as an annotator makes them or by a box around it; by neither: whatever is in the middle.

    Attributes:
        points: the first selects, the others lie on the outline; image pixels, pixel centres.
        box: left, top, right, bottom; image pixels.
        label: its name, if it has one.
        category: number of that name in COCO's JSON.
        percent: points and box are in percent of the image's sides instead, as Label Studio has them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    points: tuple[Numbers, ...] = ()
    box: Edges | None = None
    label: str | None = None
    category: int | str | None = None
    percent: bool = False

    def clicks(self, width: int, height: int) -> list[Click]:
        """The clicks on an image of that size, at least one."""
        places = list(self.points)
        box = self._edges(width, height)
        if not places and box:
            places = [((box[0] + box[2] - 1) / 2, (box[1] + box[3] - 1) / 2)]
        elif not places:
            places = [((width - 1) / 2, (height - 1) / 2)]
        elif self.percent:
            places = [(x / 100 * width - 0.5, y / 100 * height - 0.5) for x, y in places]
        return [Click(x, y, "boundary" if number else "select") for number, (x, y) in enumerate(places)]

    def box_in(self, width: int, height: int) -> Box | None:
        """The whole pixels that the box touches; None without one. Raises InvalidClick if it has no area."""
        edges = self._edges(width, height)
        if edges is None:
            return None
        if not all(map(math.isfinite, edges)):
            raise InvalidClick(f"box: expected finite numbers, got {self.box}")
        # Rounded, since percent miss whole pixels by the last bits.
        near = [round(edge, 6) for edge in edges]
        left, top, right, bottom = *map(int, near[:2]), *map(math.ceil, near[2:])
        if right <= left or bottom <= top:
            raise InvalidClick(f"box: expected left < right and top < bottom, got {self.box}")
        return Box(left, top, right, bottom)

    def _edges(self, width: int, height: int) -> Edges | None:
        if self.box is None or not self.percent:
            return self.box
        left, top, right, bottom = self.box
        return left / 100 * width, top / 100 * height, right / 100 * width, bottom / 100 * height


MIDDLE = (Wanted(),)
"""What is asked for where nothing else is: what Retrieve Predictions in Label Studio answers."""


class Source(BaseModel):
    """What a list said of an image besides; handed on to the results.

    Attributes:
        name: of the file, below the list's folder; None where the list said an absolute path or an address.
        coco_id: the image's, in COCO's JSON.
        task: its id, if Label Studio has stored it.
        data: the task's; None where it is none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str | None = None
    coco_id: Any = None
    task: int | str | None = None
    data: dict[str, Any] | None = None


class Asked(BaseModel):
    """One image.

    Attributes:
        image: path of a file, or what Label Studio or the web know it by.
        objects: on it; none: the one in its middle.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    image: str = Field(min_length=1)
    objects: tuple[Wanted, ...] = ()


class Item(Asked):
    """An image with what else is known of it."""

    source: Source = Source()


KINDS = "a folder of images, a list of them, lines of JSON (.jsonl), COCO's JSON, or tasks of Label Studio (.json)"


class Listing(NamedTuple):
    """All that is asked for.

    Attributes:
        items: the images.
        categories: COCO's, as its JSON has them; of other lists none.
    """

    items: list[Item]
    categories: Sequence[Mapping[str, Any]] = ()


def read_items(path: Path, images: Path | None = None) -> Listing:
    """The images of a folder, of a list, of lines of JSON, or of COCO's JSON, by what `path` is.

    Args:
        images: folder that relative names lie in; by default that of the file, for COCO `images/` beside it if it is
            there.

    Raises:
        RequestInvalid: a line, or the file, that is not as it should be, or no image at all; names it.
        DatasetError: COCO's JSON, which may be a stranger's, names a file outside of the folder.
    """
    listing = _listed(path, images)
    if not listing.items:
        raise RequestInvalid(f"{path}: expected at least one image, found none; it may be {KINDS}")
    return listing


def text_of(path: Path, expected: str) -> str:
    """What a file says; RequestInvalid with what it may be if it is no text."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise RequestInvalid(
            f"{path}: expected text in UTF-8, got something else; it may be {expected}"
        ) from None


def _listed(path: Path, images: Path | None) -> Listing:
    if path.is_dir():
        return Listing(_of_folder(path))
    text = text_of(path, KINDS)
    if path.suffix.lower() == ".json":
        beside = path.parent / "images"
        return _of_coco(text, path, images or (beside if beside.is_dir() else path.parent))
    lines = [(number, line.strip()) for number, line in enumerate(text.split("\n"), 1)]
    return Listing(
        [
            _of_line(line, f"{path}:{number}", images or path.parent)
            for number, line in lines
            if line and not line.startswith("#")
        ]
    )


def _of_folder(folder: Path) -> list[Item]:
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    shown = [
        path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    if not shown:
        raise RequestInvalid(f"{folder}: expected images ({', '.join(IMAGE_SUFFIXES)}), found none")
    return [_in_folder(path, folder) for path in shown]


def _in_folder(path: Path, folder: Path) -> Item:
    try:
        return Item(image=str(path), source=Source(name=path.relative_to(folder).as_posix()))
    except ValidationError:
        raise RequestInvalid(f"{str(path)!r}: expected a name in UTF-8, got another; rename it") from None


def _of_line(line: str, where: str, folder: Path) -> Item:
    if not line.startswith("{"):
        return _placed(Asked(image=line), folder)
    try:
        return _placed(Asked.model_validate_json(line), folder)
    except ValidationError as error:
        first = first_problem(error, "line")
        raise RequestInvalid(
            f'{where}: {first.where}: {first.what.lower()}; write {{"image": "a.jpg", '
            '"objects": [{"points": [[x, y]], "box": [left, top, right, bottom], "label": "name"}]}'
        ) from None


def _placed(asked: Asked, folder: Path) -> Item:
    """The item with the path of its file, if its image is one."""
    if "://" in asked.image or asked.image.startswith("/"):
        return Item(image=asked.image, objects=asked.objects)
    return Item(
        image=str(folder / asked.image),
        objects=asked.objects,
        source=Source(name=Path(asked.image).as_posix()),
    )


def _of_coco(text: str, path: Path, folder: Path) -> Listing:
    """Each annotation's box asks for its object again; an image without annotations for what is in its middle."""
    try:
        data = json.loads(text)
        categories = [{**each, "name": str(each["name"])} for each in data.get("categories", ())]
        names = {category["id"]: category["name"] for category in categories}
        boxes: dict[Any, list[Wanted]] = {}
        for annotation in data.get("annotations", ()):
            boxes.setdefault(annotation["image_id"], []).append(_of_annotation(annotation, names))
        items = [_of_image(image, boxes.get(image["id"], ()), folder) for image in data["images"]]
        return Listing(items, categories)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        raise RequestInvalid(
            f"{path}: expected COCO's JSON with images, and annotations with bbox, got {reason}"
        ) from None


def _of_annotation(annotation: Mapping[str, Any], names: Mapping[Any, str]) -> Wanted:
    left, top, width, height = annotation["bbox"]
    category = annotation.get("category_id")
    box = (left, top, left + width, top + height)
    return Wanted(box=box, label=names.get(category), category=category)


def _of_image(image: Mapping[str, Any], objects: Iterable[Wanted], folder: Path) -> Item:
    name = str(image["file_name"])
    return Item(
        image=str(inside(folder, name)),
        objects=tuple(objects),
        source=Source(name=name, coco_id=image["id"]),
    )
