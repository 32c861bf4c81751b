"""A predictor that encodes no crop twice, for those who look at one object in several ways."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from model import Predictor
from model.runtimes.base import Kept, Runtime


def remembering(predictor: Predictor) -> Predictor:
    """One that answers the same and keeps whatever it encodes, as long as it is there itself."""
    return Predictor(_Remembering(predictor.runtime), predictor.version, predictor.training)


class _Remembering(Runtime):
    """A runtime that runs the selection network once for each input."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._selected: dict[tuple[object, bytes, bytes], tuple[NDArray[np.float32], Kept]] = {}
        self.name, self.config = runtime.name, runtime.config
        self.at_once = 1

    def select(
        self, image: NDArray[np.float32], guidance: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], Kept]:
        """See `Runtime`."""
        key = (image.shape, image.tobytes(), guidance.tobytes())
        if key not in self._selected:
            self._selected[key] = self._runtime.select(image, guidance)
        return self._selected[key]

    def prepare(self, features: Kept, image: NDArray[np.float32]) -> Kept:
        """See `Runtime`."""
        return self._runtime.prepare(features, image)

    def correct(self, prepared: Kept, guidance: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Runtime`."""
        return self._runtime.correct(prepared, guidance)

    def with_head(self, data: bytes, name: str) -> Runtime:
        """See `Runtime`."""
        return _Remembering(self._runtime.with_head(data, name))

    def wait(self) -> None:
        """See `Runtime`."""
        self._runtime.wait()

    def describe(self) -> dict[str, Any]:
        """See `Runtime`."""
        return self._runtime.describe()
