"""Pascal VOC devkit: instances of `SegmentationObject`, whose numbers are palette indices."""

from functools import partial
from pathlib import Path

from model.datasets.files import read_ids, read_split
from model.datasets.objects import IGNORE, Annotated, Labels, ObjectReader, one_per_id
from model.errors import DatasetError

VOID = 255


def open_voc(root: Path, split: str = "val") -> ObjectReader:
    """`JPEGImages/`, `SegmentationObject/` and `ImageSets/Segmentation/SPLIT.txt`; objects are `IMAGE#id`.

    Pixels of 255, the bands along contours and objects too difficult to annotate, are ignored for every object of
    the image.

    Args:
        root: the year's folder, VOCdevkit, or the folder that holds VOCdevkit.
        split: val, train or trainval.
    """
    devkit = _devkit(root)
    return ObjectReader(
        one_per_id(
            [
                Annotated(
                    name,
                    devkit / "JPEGImages" / f"{name}.jpg",
                    partial(void_labels, devkit / "SegmentationObject" / f"{name}.png"),
                )
                for name in read_split(devkit / "ImageSets" / "Segmentation", split)
            ]
        )
    )


def void_labels(path: Path) -> Labels:
    """The ids of a mask file, `IGNORE` at 255."""
    labels = read_ids(path)
    labels[labels == VOID] = IGNORE
    return labels


def _devkit(root: Path) -> Path:
    candidates = [root, *sorted(root.glob("VOC2*")), *sorted(root.glob("VOCdevkit/VOC2*"))]
    found = [path for path in candidates if (path / "SegmentationObject").is_dir()]
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise DatasetError(
            f"Pascal VOC: expected one devkit with SegmentationObject/ at {root}, found {names}"
        )
    return found[0]
