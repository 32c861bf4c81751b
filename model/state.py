"""What a session knows after a click."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model import masks
from model.clicks import Click
from model.inference import Crop


@dataclass(frozen=True)
class State:
    """After a click: the crop and, in its pixels, the mask.

    Attributes:
        logits: (size, size) float32.
        edited: (size, size), where the mask follows `logits`; elsewhere it is `base`. None: everywhere in the crop.
        base: (H, W) mask of the whole image that the clicks started from; None: background.
        surprise: distances from the boundary clicks to the contour, each as it was when the click came, image pixels.
    """

    crop: Crop
    logits: NDArray[np.float32]
    edited: NDArray[np.bool_] | None = None
    base: NDArray[np.bool_] | None = None
    surprise: float = 0.0

    def outward(self, click: Click) -> float:
        """Signed distance from a click to the contour, image pixels, positive outside; the crop's diagonal if none."""
        view = self.crop.view
        _, outward = masks.nearest_contour(self.logits > 0, [view.to_view(click.x, click.y)])
        return float(outward[0]) * view.box.width / view.width

    @property
    def area(self) -> float:
        """Of the mask in the crop, image pixels."""
        view = self.crop.view
        return float(np.count_nonzero(self.logits > 0)) * (view.box.width / view.width) ** 2

    def logits_in_image(self, shape: tuple[int, int]) -> NDArray[np.float32]:
        """(H, W) logits of the image; infinite where no click has changed the starting mask, or beyond the crop."""
        logits = starting_logits(self.base, shape)
        part = logits[self.crop.view.inside(shape)]
        np.copyto(part, self.crop.view.enlarged(self.logits, shape), where=self._edited_in_image(shape))
        return logits

    def mask_in_image(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """(H, W) mask of the image: where its logits are positive, without making these."""
        mask = np.zeros(shape, bool) if self.base is None else self.base.copy()
        part = mask[self.crop.view.inside(shape)]
        np.copyto(part, self.crop.view.enlarged(self.logits, shape) > 0, where=self._edited_in_image(shape))
        return mask

    def _edited_in_image(self, shape: tuple[int, int]) -> NDArray[np.bool_] | bool:
        """Where the mask follows `logits`, of what the crop shows of the image."""
        if self.edited is None:
            return True
        return self.crop.view.enlarged(self.edited.astype(np.float32), shape) > 0.5


def starting_logits(mask: NDArray[np.bool_] | None, shape: tuple[int, int]) -> NDArray[np.float32]:
    """(H, W) infinite logits of a (H, W) mask that no click has changed; None: background."""
    logits: NDArray[np.float32] = np.full(shape, -np.inf, np.float32)
    if mask is not None:
        logits[mask] = np.inf
    return logits
