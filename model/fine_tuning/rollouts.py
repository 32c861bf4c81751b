"""Roll-outs that make an annotator's own clicks first."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from model import masks
from model.guidance import Point
from model.training.rollouts import NEIGHBOURHOOD, Rollout

SETTLED = 4.0
"""A click whose place the contour has come as near to as this, in network pixels, is not made any more."""


@dataclass
class GuidedRollout(Rollout):
    """One object, clicked as its annotator has clicked it, then by the simulated one.

    Real clicks answered the mask of the head at that time. Where the head in training has repaired an error already,
    its click would ask for nothing, so it is left out.

    Attributes:
        known: the annotator's boundary clicks that have not been made yet, in order.
    """

    known: list[Point] = field(default_factory=list)

    def click(self, generator: np.random.Generator) -> NDArray[np.bool_]:
        """As `Rollout.click`; a real click is made where it lies, without jitter."""
        while self.known:
            point = self.known.pop(0)
            if self._still_wrong(point):
                self.clicked = True
                self.aimed.append(point)
                self.boundary.append(point)
                return self._neighbourhood(point)
        return super().click(generator)

    def _still_wrong(self, point: Point) -> bool:
        _, outward = masks.nearest_contour(self.logits > 0, [point])
        return bool(abs(outward[0]) > SETTLED)

    def _neighbourhood(self, aim: Point) -> NDArray[np.bool_]:
        """A person does not always choose the largest error; the one they chose is where they clicked."""
        error = masks.components_near((self.logits > 0) ^ self.truth, [aim], radius=SETTLED)
        if not error.any():
            return super()._neighbourhood(aim)
        rows, columns = np.ogrid[: error.shape[0], : error.shape[1]]
        squared = (columns - aim[0]) ** 2 + (rows - aim[1]) ** 2
        radius = float(np.clip(np.sqrt(squared[error].max()), *NEIGHBOURHOOD))
        inside: NDArray[np.bool_] = squared <= radius**2
        return inside
