"""Evaluation data sets by layout: `LAYOUT:PATH` to a list of objects with truth and ignored pixels."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from model.errors import DatasetError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")
IGNORE = 128


@dataclass(frozen=True)
class EvaluationObject:
    """One object to segment.

    Attributes:
        name: unique in its data set; image: (H, W, 3) uint8 RGB; truth, ignore: (H, W) bool.
    """

    name: str
    image: NDArray[np.uint8]
    truth: NDArray[np.bool_]
    ignore: NDArray[np.bool_]


class LayoutReader(Sequence[EvaluationObject]):
    """Objects of a data set, read when asked for.

    Args:
        pairs: (image, mask) paths.
        decode: mask file's values, (H, W) uint8, to (truth, ignore).
    """

    def __init__(
        self,
        pairs: list[tuple[Path, Path]],
        decode: Callable[[NDArray[np.uint8]], tuple[NDArray[np.bool_], NDArray[np.bool_]]],
    ) -> None:
        self._pairs, self._decode = pairs, decode

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> EvaluationObject:  # type: ignore[override]
        image_path, mask_path = self._pairs[index]
        image, values = _read(image_path, cv2.IMREAD_COLOR_RGB), _read(mask_path, cv2.IMREAD_UNCHANGED)
        if values.ndim == 3:
            values = values[..., :3].max(axis=2)
        if values.shape != image.shape[:2]:
            raise DatasetError(
                f"{mask_path}: expected a mask of the image's size {image.shape[:2]}, got {values.shape}"
            )
        truth, ignore = self._decode(values)
        return EvaluationObject(image_path.stem, image, truth, ignore)

    def __iter__(self) -> Iterator[EvaluationObject]:
        return (self[index] for index in range(len(self)))


def open_dataset(reference: str) -> LayoutReader:
    """Open `LAYOUT:PATH`.

    Raises:
        DatasetError: unknown layout, or a folder that is not laid out so.
    """
    layout, _, path = reference.partition(":")
    if layout not in LAYOUTS or not path:
        raise DatasetError(
            f"data set: expected LAYOUT:PATH with LAYOUT one of {', '.join(LAYOUTS)}, got {reference!r}"
        )
    return LAYOUTS[layout](Path(path))


def grabcut(root: Path) -> LayoutReader:
    """`data_GT/*.{jpg,bmp,png}` and `boundary_GT/*.bmp`: 255 object, 128 ignore band, 0 background."""
    return LayoutReader(
        _pairs(root / "data_GT", root / "boundary_GT", ".bmp"),
        lambda values: (values > IGNORE, values == IGNORE),
    )


def image_and_truth(root: Path) -> LayoutReader:
    """`img/*` and `gt/*.png`, one object per image (DAVIS and COCO_MVal as the interactive benchmarks lay them out)."""
    return LayoutReader(
        _pairs(root / "img", root / "gt", ".png"),
        lambda values: (values > 0, np.zeros(values.shape, bool)),
    )


LAYOUTS: dict[str, Callable[[Path], LayoutReader]] = {
    "grabcut": grabcut,
    "davis": image_and_truth,
    "coco_mval": image_and_truth,
}


def _pairs(images: Path, truths: Path, truth_suffix: str) -> list[tuple[Path, Path]]:
    if not images.is_dir() or not truths.is_dir():
        raise DatasetError(f"data set: expected the folders {images} and {truths}, found no such pair")
    pairs = [
        (image, truths / (image.stem + truth_suffix))
        for image in sorted(images.iterdir())
        if image.suffix.lower() in IMAGE_SUFFIXES
    ]
    if not pairs:
        raise DatasetError(f"data set: expected images in {images}, found none")
    for _, truth in pairs:
        if not truth.is_file():
            raise DatasetError(f"data set: expected a mask at {truth}, found none")
    return pairs


def _read(path: Path, flags: int) -> NDArray[np.uint8]:
    pixels = cv2.imread(str(path), flags)
    if pixels is None:
        raise DatasetError(f"{path}: expected an image, could not read it")
    return pixels.astype(np.uint8, copy=False)
