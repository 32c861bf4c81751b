"""Which data sets a table needs, where below the root they belong, and what is said if they are not there."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from model.datasets.layouts import open_dataset
from model.datasets.objects import EvaluationObject, ObjectReader
from model.errors import DatasetError
from model.reproduction.coco_subset import seen_objects, unseen_objects

Opener = Callable[[Path], Sequence[EvaluationObject]]


@dataclass(frozen=True)
class Column:
    """One data set of a table.

    Attributes:
        name: as in the paper, where it is one of the paper's.
        threshold: IoU in percent to which clicks are counted.
        folder: where it belongs, below the root; `form`: what the folder holds.
        open: from that folder to its objects.
    """

    name: str
    threshold: int
    folder: str
    form: str
    open: Opener


def _layout(reference: str) -> Opener:
    """`LAYOUT` or `LAYOUT?OPTIONS`."""
    name, question, options = reference.partition("?")

    def opened(folder: Path) -> ObjectReader:
        return open_dataset(f"{name}:{folder}{question}{options}")

    return opened


GRABCUT = Column("GrabCut", 90, "GrabCut", "data_GT/, boundary_GT/", _layout("grabcut"))
BERKELEY = Column("Berkeley", 90, "Berkeley", "images/, masks/", _layout("berkeley"))
VOC = Column("VOC", 85, "VOC2012", "JPEGImages/, SegmentationObject/, ImageSets/", _layout("voc?split=val"))
DAVIS = Column("DAVIS", 85, "DAVIS", "img/, gt/: the 345 frames", _layout("davis"))
COCO_FORM = "annotations/instances_val2017.json, val2017/"
COCO_20 = Column("COCO-20", 85, "COCO", COCO_FORM, seen_objects)
COCO_60 = Column("COCO-60", 85, "COCO", COCO_FORM, unseen_objects)

DEV_GRABCUT = Column("GrabCut", 90, "dev/GrabCut", GRABCUT.form, GRABCUT.open)
DEV_DAVIS = Column("DAVIS", 85, "dev/DAVIS", DAVIS.form, DAVIS.open)
DEV_COCO = Column("COCO_MVal", 85, "dev/COCO_MVal", "img/, gt/", _layout("coco_mval"))


def missing_folders(root: Path, wanted: Iterable[tuple[str, str]]) -> list[str]:
    """Of (folder, form) below the root those that are not there, in words, each once."""
    return [
        f"{root / folder} ({form})" for folder, form in dict(wanted).items() if not (root / folder).is_dir()
    ]


def available(root: Path, columns: Sequence[Column], go_on: bool) -> list[Column]:
    """The columns whose data are there.

    Raises:
        DatasetError: some are missing and it is not to go on without them, or all are.
    """
    missing = missing_folders(root, ((column.folder, column.form) for column in columns))
    there = [column for column in columns if (root / column.folder).is_dir()]
    if missing and not (go_on and there):
        raise DatasetError(
            f"data sets below {root}: expected all of {', '.join(column.name for column in columns)}; missing: "
            f"{'; '.join(missing)}; put them there, or pass --available to go on with those that are there"
        )
    return there
