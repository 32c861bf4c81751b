"""Data sets by layout: `LAYOUT:PATH`, or `LAYOUT:PATH?OPTION=VALUE&OPTION=VALUE`, to a list of objects."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl

from model.datasets.coco_evaluation import open_coco
from model.datasets.davis import open_davis
from model.datasets.folder import open_folder
from model.datasets.interactive import open_berkeley, open_grabcut, open_pairs
from model.datasets.objects import EvaluationObject, ObjectReader
from model.datasets.sbd import open_sbd
from model.datasets.voc import open_voc
from model.errors import DatasetError

__all__ = ["LAYOUTS", "EvaluationObject", "Layout", "ObjectReader", "open_dataset"]


class Layout(NamedTuple):
    """A reader, the options it takes, and in a few words what it expects to find."""

    open: Callable[..., ObjectReader]
    options: tuple[str, ...]
    form: str


LAYOUTS = {
    "grabcut": Layout(open_grabcut, (), "data_GT/, boundary_GT/"),
    "berkeley": Layout(open_berkeley, (), "images/, masks/NAME.png and NAME#k.png"),
    "davis": Layout(open_davis, ("split", "objects"), "img/, gt/; or JPEGImages/480p/, Annotations/480p/"),
    "coco_mval": Layout(open_pairs, (), "img/, gt/"),
    "coco": Layout(
        open_coco, ("split",), "annotations.json, images/; or annotations/instances_SPLIT.json, SPLIT/"
    ),
    "voc": Layout(open_voc, ("split",), "JPEGImages/, SegmentationObject/, ImageSets/Segmentation/SPLIT.txt"),
    "sbd": Layout(open_sbd, ("split",), "img/, inst/*.mat, SPLIT.txt"),
    "folder": Layout(open_folder, (), "images/, masks/ (0 background, 1..N objects, 255 ignored)"),
}

# A path may hold ":" and "?"; options follow the last "?", and only if a "=" follows it.
_REFERENCE = re.compile(r"(?P<layout>\w+):(?P<path>.+?)(?:\?(?P<options>[^?/]*=[^?]*))?", re.DOTALL)


def open_dataset(reference: str) -> ObjectReader:
    """Open `LAYOUT:PATH`; every mask is looked at once, images are read when asked for.

    What the options of a layout mean is said at its reader.

    Raises:
        DatasetError: unknown layout or option, or a folder that is not laid out so.
    """
    match = _REFERENCE.fullmatch(reference)
    if match is None or match["layout"] not in LAYOUTS:
        raise DatasetError(
            f"data set: expected LAYOUT:PATH with LAYOUT one of {', '.join(LAYOUTS)}, got {reference!r}"
        )
    layout, root = LAYOUTS[match["layout"]], _path(match["path"])
    options = _options(match["options"], layout.options, reference)
    if not _is_folder(root):
        raise DatasetError(f"data set: expected a folder {root}, found none")
    objects = layout.open(root, **options)
    if not objects:
        raise DatasetError(f"data set: expected at least one object in {reference}, found none")
    return objects


def _path(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:  # ~NAME of nobody
        return Path(text)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # no name that a file could have
        return False


def _options(text: str | None, known: tuple[str, ...], reference: str) -> dict[str, str]:
    try:
        options = dict(parse_qsl(text, keep_blank_values=True, strict_parsing=True)) if text else {}
    except ValueError:
        options = {"": ""}
    if not options.keys() <= set(known) or not all(options.values()):
        expected = f"options {', '.join(f'{name}=' for name in known)}" if known else "no options"
        raise DatasetError(f"data set: expected {expected} after the path of this layout, got {reference!r}")
    return options
