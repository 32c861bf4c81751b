"""SBD, the Semantic Boundaries Dataset: instances in MATLAB files."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from model.datasets.files import read_split
from model.datasets.objects import Annotated, Labels, ObjectReader, one_per_id
from model.errors import DatasetError


def open_sbd(root: Path, split: str = "val") -> ObjectReader:
    """`img/*.jpg`, `inst/*.mat` and `SPLIT.txt`; objects are `IMAGE#id`.

    Args:
        root: the release's folder `dataset`, or one above it.
        split: val or train.
    """
    candidates = (root, root / "dataset", root / "benchmark_RELEASE" / "dataset")
    folder = next((path for path in candidates if (path / "inst").is_dir()), None)
    if folder is None:
        raise DatasetError(f"SBD: expected the folders img/ and inst/ in {root}, found no such pair")
    return ObjectReader(
        one_per_id(
            [
                Annotated(
                    name, folder / "img" / f"{name}.jpg", partial(_labels, folder / "inst" / f"{name}.mat")
                )
                for name in read_split(folder, split)
            ]
        )
    )


def _labels(path: Path) -> Labels:
    """`GTinst.Segmentation`: (H, W) ids, 0 background; nothing is ignored."""
    content = _load(path)
    try:
        segmentation = np.asarray(content["GTinst"]["Segmentation"][0, 0])
    except (KeyError, IndexError, ValueError):
        names = ", ".join(name for name in content if not name.startswith("__")) or "nothing"
        raise DatasetError(
            f"{path}: expected GTinst.Segmentation, found {names}; take the files of inst/"
        ) from None
    if segmentation.ndim != 2 or segmentation.dtype.kind not in "iu":
        raise DatasetError(
            f"{path}: expected GTinst.Segmentation as a matrix of whole numbers, "
            f"got {segmentation.dtype} of shape {segmentation.shape}"
        )
    return segmentation.astype(np.int32)


def _load(path: Path) -> dict[str, Any]:
    try:
        from scipy.io import loadmat  # type: ignore[import-untyped,unused-ignore] # noqa: PLC0415 - SBD alone needs it
    except ImportError:
        raise DatasetError("SBD: expected the package scipy, not installed; pip install scipy") from None
    if not path.is_file():
        raise DatasetError(f"{path}: expected a MATLAB file there, found no such file")
    try:
        content: dict[str, Any] = loadmat(path)
    except Exception as error:  # damaged files raise anything from zlib.error to TypeError
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise DatasetError(f"{path}: expected a MATLAB file, could not read it ({reason})") from error
    return content
