"""Stored corrections as objects to learn from and to be judged by."""

from collections.abc import Sequence
from pathlib import Path
from typing import overload

import numpy as np

from backend.decoding import DecodedImage, ImageLimits, decode_image
from backend.store import StoredCorrection, masks
from model.datasets.objects import EvaluationObject
from model.errors import DatasetError, ImageRejected


class StoredObjects(Sequence[EvaluationObject]):
    """Corrections whose images lie in a folder, decoded when asked for; the image last read is kept.

    Raises:
        DatasetError: when an object is read: its image or its mask cannot be used.
    """

    def __init__(self, corrections: Sequence[StoredCorrection], folder: Path, limits: ImageLimits) -> None:
        self.corrections = list(corrections)
        self._folder, self._limits = folder, limits
        self._image: DecodedImage | None = None

    def __len__(self) -> int:
        """Number of corrections."""
        return len(self.corrections)

    @overload
    def __getitem__(self, index: int) -> EvaluationObject: ...

    @overload
    def __getitem__(self, index: slice) -> "StoredObjects": ...

    def __getitem__(self, index: int | slice) -> "EvaluationObject | StoredObjects":
        """One object, or some of them."""
        if isinstance(index, slice):
            return StoredObjects(self.corrections[index], self._folder, self._limits)
        correction = self.corrections[index]
        image = self._decoded(correction.digest or "")
        truth = self._truth(correction)
        if truth.shape != image.pixels.shape[:2] or not truth.any():
            raise DatasetError(
                f"correction {correction.id}: expected a mask of {image.width} x {image.height} with an object, "
                f"got {truth.shape[1]} x {truth.shape[0]} with {np.count_nonzero(truth)} pixels"
            )
        return EvaluationObject(str(correction.id), image.pixels, truth, np.zeros_like(truth))

    def usable(self) -> "StoredObjects":
        """Those that can be read."""
        return StoredObjects(
            [each for i, each in enumerate(self.corrections) if self._can_read(i)], self._folder, self._limits
        )

    def _can_read(self, index: int) -> bool:
        try:
            self[index]
        except DatasetError:
            return False
        return True

    def _decoded(self, digest: str) -> DecodedImage:
        if self._image is None or self._image.digest != digest:
            try:
                self._image = decode_image((self._folder / digest).read_bytes(), self._limits)
            except (ImageRejected, OSError) as error:
                raise DatasetError(
                    f"image {digest[:12]}: expected a photo, could not read it ({error})"
                ) from error
        return self._image

    def _truth(self, correction: StoredCorrection) -> "np.ndarray[tuple[int, int], np.dtype[np.bool_]]":
        damaged = f"correction {correction.id}: expected a mask, got damaged run lengths"
        try:
            mask = correction.mask
        except ValueError as error:
            raise DatasetError(damaged) from error
        # COCO's reader leaves pixels that too short run lengths do not reach to whatever the memory held.
        if masks.encode(mask) != correction.counts:
            raise DatasetError(damaged)
        return mask
