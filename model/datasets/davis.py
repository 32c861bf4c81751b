"""DAVIS: frames of films, in the form of the interactive benchmark or as the 2016 and 2017 challenges ship it."""

from functools import partial
from pathlib import Path

import numpy as np

from model.datasets.files import MASK_SUFFIXES, by_stem, read_ids, read_palette, read_split
from model.datasets.interactive import open_pairs, union_labels
from model.datasets.objects import IGNORE, Annotated, Labels, ObjectReader, one_per_id, one_per_image
from model.errors import DatasetError

VOID = 255
WHITE = (255, 255, 255)


def open_davis(root: Path, split: str | None = None, objects: str = "union") -> ObjectReader:
    """`img/` and `gt/`, or `JPEGImages/480p/SEQUENCE/*.jpg` and `Annotations/480p/SEQUENCE/*.png`.

    The interactive benchmark clicks on the union of a frame's objects, so that is what either form gives: figures
    stay comparable with each other and with published ones. Frames of the official form are named
    `SEQUENCE/FRAME`; those without an object in view are left out.

    Args:
        root: its folders tell the form.
        split: of the official form: the sequences of that list; None: every annotated frame.
        objects: "union"; "each", of the official form: the objects of the 2017 palette, `SEQUENCE/FRAME#id`.
    """
    if objects not in ("union", "each"):
        raise DatasetError(f"DAVIS: expected objects=union or objects=each, got objects={objects}")
    if (root / "JPEGImages").is_dir() and (root / "Annotations").is_dir():
        return _open_official(root, split, objects == "each")
    if not (root / "img").is_dir() or not (root / "gt").is_dir():
        raise DatasetError(
            f"DAVIS: expected the folders img/ and gt/, or JPEGImages/ and Annotations/, in {root}, found neither pair"
        )
    if split is not None or objects == "each":
        raise DatasetError(
            f"DAVIS: expected JPEGImages/ and Annotations/ for split and objects=each in {root}, got img/"
        )
    return open_pairs(root)


def _open_official(root: Path, split: str | None, each: bool) -> ObjectReader:
    truths, images = root / "Annotations" / "480p", root / "JPEGImages" / "480p"
    if not truths.is_dir():
        raise DatasetError(f"DAVIS: expected a folder {truths}, found none; get the 480p release")
    sequences = _of_split(root, split) if split else _folders(truths)
    annotated = [
        Annotated(f"{sequence}/{frame}", images / sequence / f"{frame}.jpg", partial(_labels, mask, each))
        for sequence in sequences
        for frame, mask in by_stem(truths / sequence, MASK_SUFFIXES).items()
    ]
    return ObjectReader(one_per_id(annotated) if each else one_per_image(annotated, skip_empty=True))


def _folders(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))


def _of_split(root: Path, split: str) -> list[str]:
    """Sequences of a split, whose list names sequences (2017) or files of each frame (2016)."""
    lists = [folder for year in ("2017", "2016", "480p") if (folder := root / "ImageSets" / year).is_dir()]
    words = read_split(lists[0] if lists else root / "ImageSets" / "2017", split)
    return list(dict.fromkeys(Path(word).parent.name if "/" in word else word for word in words))


def _labels(path: Path, each: bool) -> Labels:
    """Palette files hold ids, 255 is void; in every other file whatever is not black is the object."""
    palette = read_palette(path)
    # Grey files that were saved with a palette have white at 255; DAVIS's own palette has a grey.
    if palette is None or palette[VOID:] == [WHITE]:
        return union_labels(path)
    ids = read_ids(path)
    labels = ids.copy() if each else (ids > 0).astype(np.int32)
    labels[ids == VOID] = IGNORE
    return labels
