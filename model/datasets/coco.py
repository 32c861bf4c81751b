"""COCO instance format: `annotations.json` beside a folder `images/`."""

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from model.datasets.files import inside, read_image
from model.errors import DatasetError

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
                yield ObjectRecord(number, annotation["image_id"], image.get("source", ""))

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
        mask: NDArray[np.bool_] = self._coco.annToMask(self._coco.anns[record.annotation]).astype(bool)
        return mask

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
    if len(coco.anns) != len(coco.dataset.get("annotations", [])):
        raise DatasetError(f"{annotations}: expected annotations with ids of their own, got an id twice")
    return coco
