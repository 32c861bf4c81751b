"""COCO instance format: `annotations.json` beside a folder `images/`."""

import contextlib
import io
import reprlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from model.datasets.files import inside, read_image
from model.errors import DatasetError
from model.polygons import encode_polygons
from model.validation import first_problem

MOST_PIXELS = 200_000_000
"""Of an image by its entry, in whose size annotations are drawn."""

if TYPE_CHECKING:
    from pycocotools.coco import COCO


@dataclass(frozen=True)
class ObjectRecord:
    """Where one annotated object is: its image and its annotation's number."""

    annotation: int
    image: int
    source: str


class CocoObjects:
    """The objects of a COCO data set, crowds left out.

    Args:
        root: folder with `annotations.json` and `images/`.

    Raises:
        DatasetError: the folder is not laid out so, or an annotation lacks its area or its image an entry.
    """

    def __init__(self, root: Path) -> None:
        self._images = root / "images"
        annotations = root / "annotations.json"
        if not annotations.is_file() or not self._images.is_dir():
            raise DatasetError(
                f"COCO data set: expected annotations.json and images/ in {root}, found no such pair"
            )
        self._coco = load_coco(annotations)
        self.records = list(self._records())

    def _records(self) -> Iterator[ObjectRecord]:
        for number, annotation in self._coco.anns.items():
            if not annotation.get("iscrowd", 0):
                image = self._coco.imgs.get(annotation["image_id"], {})
                missing = [name for name in ("file_name", "width", "height") if name not in image]
                missing += [] if "area" in annotation else ["area"]
                if missing:
                    raise DatasetError(
                        f"COCO annotation {number}: expected file_name, width and height of its image and its area, "
                        f"found no {missing[0]}"
                    )
                yield ObjectRecord(number, annotation["image_id"], image.get("source") or "")

    def area(self, record: ObjectRecord) -> float:
        """Pixels of the object, as annotated."""
        return float(self._coco.anns[record.annotation]["area"])

    def image(self, record: ObjectRecord) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB in the frame of the annotations, whatever the photo's EXIF orientation.

        Raises:
            DatasetError: not readable, or of another size than the annotations say.
        """
        entry = self._entry(record)
        return read_image(inside(self._images, str(entry["file_name"])), (entry["height"], entry["width"]))

    def mask(self, record: ObjectRecord) -> NDArray[np.bool_]:
        """(H, W) bool."""
        return draw_annotation(self._coco, self._coco.anns[record.annotation])

    def _entry(self, record: ObjectRecord) -> dict[str, Any]:
        entry: dict[str, Any] = self._coco.imgs[record.image]
        return entry


def load_coco(annotations: Path) -> "COCO":
    """Read a file of annotations.

    Raises:
        DatasetError: pycocotools is not installed, or the file is no COCO instances.
    """
    try:
        from pycocotools.coco import COCO  # noqa: PLC0415 - of all layouts this one alone needs it
    except ImportError:
        raise DatasetError(
            "COCO data set: expected the package pycocotools, not installed; pip install 'boundaryclick[train]'"
        ) from None
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            coco = COCO(str(annotations))
    except Exception as error:  # whatever JSON and its index raise, down to AssertionError
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise DatasetError(
            f"{annotations}: expected COCO instances, could not read them ({reason})"
        ) from error
    _tidy(coco, annotations)
    if len(coco.anns) != len(coco.dataset.get("annotations", [])):
        raise DatasetError(f"{annotations}: expected annotations with ids of their own, got an id twice")
    return coco


def encode_annotation(coco: "COCO", annotation: dict[str, Any]) -> dict[str, Any]:
    """An annotation as run lengths of its image's size; DatasetError where it cannot be drawn."""
    from pycocotools import mask as rle  # noqa: PLC0415 - as in load_coco

    try:
        image, drawn = coco.imgs[annotation["image_id"]], annotation["segmentation"]
        height, width = image["height"], image["width"]
        if isinstance(drawn, list):
            encoded: dict[str, Any] = encode_polygons(drawn, height, width)
        else:
            encoded = coco.annToRLE(annotation)
        height_drawn, width_drawn = encoded["size"]
        fits = (height_drawn, width_drawn) == (height, width)
        if fits and not isinstance(drawn, list):
            rle.decode(encoded)  # which alone looks whether they add up
    except Exception as error:  # pycocotools raises anything from KeyError to bare Exception
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise DatasetError(
            f"COCO annotation {annotation['id']}: expected polygons or an RLE, could not draw it ({reason})"
        ) from error
    if not fits:
        raise DatasetError(
            f"COCO annotation {annotation['id']}: expected a mask of the image's size "
            f"{(height, width)}, got {(height_drawn, width_drawn)} (height, width)"
        )
    return encoded


def draw_annotation(coco: "COCO", annotation: dict[str, Any]) -> NDArray[np.bool_]:
    """(H, W) mask; errors as `encode_annotation`."""
    from pycocotools import mask as rle  # noqa: PLC0415 - as in load_coco

    mask: NDArray[np.bool_] = rle.decode(encode_annotation(coco, annotation)).astype(bool)
    return mask


def _without_point(value: object) -> object:
    """Programs that know one kind of number write 9 as 9.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_without_point)]


class _Entry(BaseModel):
    """What every reader takes for granted; whatever else there is may be missing, and null means that it is."""

    model_config = ConfigDict(strict=True)

    id: Whole


class _Image(_Entry):
    file_name: str = ""
    width: Annotated[Whole, Field(gt=0)] = 1
    height: Annotated[Whole, Field(gt=0)] = 1


class _Annotation(_Entry):
    image_id: Whole
    iscrowd: bool | Whole = 0
    area: float = 0.0


_NULLABLE = frozenset(
    name
    for kind in (_Image, _Annotation)
    for name, field in kind.model_fields.items()
    if not field.is_required()
)


def _tidy(coco: "COCO", path: Path) -> None:
    """Bring entries into the one form that readers expect; DatasetError for those that none could make anything of."""
    for image in coco.imgs.values():
        read = _tidied(_Image, image, path)
        if read.width * read.height > MOST_PIXELS:
            raise DatasetError(
                f"{path}: expected images of at most {MOST_PIXELS} pixels, got image {read.id} of "
                f"{read.width} x {read.height}"
            )
    for annotation in coco.anns.values():
        _tidied(_Annotation, annotation, path)


EntryT = TypeVar("EntryT", bound=_Entry)


def _tidied(kind: type[EntryT], entry: dict[str, Any], path: Path) -> EntryT:
    for name in _NULLABLE.intersection(entry):
        if entry[name] is None:
            del entry[name]
    try:
        read = kind.model_validate(entry)
    except ValidationError as error:
        first = first_problem(error, "entry")
        raise DatasetError(
            f"{path}: expected COCO instances, got {kind.__name__[1:].lower()} {reprlib.repr(entry['id'])} with "
            f"{first.where} {reprlib.repr(first.came)}: {first.what.lower()}"
        ) from None
    entry.update((name, getattr(read, name)) for name in read.model_fields_set)
    return read
