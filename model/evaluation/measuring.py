"""What an evaluation wants to know of a model's passes beyond its masks."""

import copy
import time

import numpy as np
from numpy.typing import NDArray

from model import Click, Predictor
from model.geometry import Box
from model.inference import Crop, Passes


class MeasuredPasses(Passes):
    """Passes that take note of the times of their zoom passes and of what the coarse pass selected.

    Comes before the passes of the network's own kind in the order of inheritance, see `measured`.

    Attributes:
        encode_milliseconds: of each zoom pass since `forget`.
        selected: the last coarse pass's box before padding, image pixels.
    """

    def __init__(self, passes: Passes) -> None:
        super().__init__(passes.runtime)
        self.encode_milliseconds: list[float] = []
        self.selected: Box | None = None
        self._box: Box | None = None

    def forget(self) -> None:
        """Begin with another click."""
        self.encode_milliseconds = []

    def locate(self, image: NDArray[np.uint8], click: Click) -> Box:
        """As `Passes.locate`."""
        window = super().locate(image, click)
        self.selected = self._box
        return window

    def window(self, box: Box) -> Box:
        """As `Passes.window`."""
        self._box = box
        return super().window(box)

    def encode(self, image: NDArray[np.uint8], window: Box, selection: Click) -> Crop:
        """As `Passes.encode`."""
        began = time.perf_counter()
        crop = super().encode(image, window, selection)
        self.finish()
        self.encode_milliseconds.append((time.perf_counter() - began) * 1000)
        return crop

    def finish(self) -> None:
        """Wait for the device, so that a time is the work's and not the queue's."""
        self.runtime.wait()


def measured(predictor: Predictor) -> tuple[Predictor, MeasuredPasses]:
    """A predictor that answers the same, and its passes."""
    twin = copy.copy(predictor)
    own = predictor._passes
    kind: type[MeasuredPasses] = type("Measured" + type(own).__name__, (MeasuredPasses, type(own)), {})
    passes = kind(own)
    twin._passes = passes
    return twin, passes
