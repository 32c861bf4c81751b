"""What the plugin needs from the program around it; `backend/app.py` fills these in.

The protocols are generic over the program's own image class, so neither side imports the other.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from model import Click, Prediction
from model.geometry import Box


class Image(Protocol):
    """A decoded image."""

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB, upright."""

    @property
    def digest(self) -> str:
        """Identifies the image by its content."""


ImageT = TypeVar("ImageT", bound=Image)
ImageT_co = TypeVar("ImageT_co", bound=Image, covariant=True)
ImageT_contra = TypeVar("ImageT_contra", bound=Image, contravariant=True)


class PredictionService(Protocol[ImageT_contra]):
    """Clicks to masks; thread safe."""

    def predict(self, image: ImageT_contra, clicks: Sequence[Click], *, box: Box | None = None) -> Prediction:
        """Mask after all `clicks`, the selection click first, within the box if there is one.

        Raises:
            BoundaryClickError: they cannot be used.
        """


class ImageStore(Protocol[ImageT_co]):
    """Decodes images within limits and remembers them; every method raises ImageRejected."""

    def load(self, key: str, fetch: Callable[[], bytes]) -> ImageT_co:
        """Image remembered under `key`, else the decoded file that `fetch` returns."""

    def decode(self, data: bytes) -> ImageT_co:
        """Image in the bytes of a file."""
