"""Selections of several annotators as one batch: a GPU computes eight in hardly more time than one."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.runtimes.base import Kept
from model.runtimes.pytorch import TorchRuntime
from model.together import Together


@dataclass(frozen=True, eq=False)
class _Look:
    """Arguments of `Runtime.select`."""

    image: NDArray[np.float32]
    guidance: NDArray[np.float32]


_Selected = tuple[NDArray[np.float32], Kept]


class BatchingRuntime:
    """See `Runtime`; for as many threads at once as `at_once` says.

    What comes while a batch is computed is the next batch: nobody waits for others to come.

    Args:
        runtime: computes.
        at_once: selections in a batch, at most.
    """

    name = "torch"

    def __init__(self, runtime: TorchRuntime, at_once: int) -> None:
        self._runtime, self.at_once, self.config = runtime, at_once, runtime.config
        self._looks: Together[_Look, _Selected | RuntimeError] = Together(self._select_all, "selection")

    def select(self, image: NDArray[np.float32], guidance: NDArray[np.float32]) -> _Selected:
        """See `Runtime`."""
        selected = self._looks.do(_Look(image, guidance))
        if isinstance(selected, RuntimeError):
            raise selected
        logits, features = selected
        return self._runtime.adapted(logits, features), features

    def prepare(self, features: Kept, image: NDArray[np.float32]) -> Kept:
        """See `Runtime`."""
        return self._runtime.prepare(features, image)

    def correct(self, prepared: Kept, guidance: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Runtime`."""
        return self._runtime.correct(prepared, guidance)

    def with_head(self, data: bytes, name: str) -> "BatchingRuntime":
        """See `Runtime`; selections for any head meet those for others."""
        other = BatchingRuntime(self._runtime.with_head(data, name), self.at_once)
        other._looks = self._looks
        return other

    def wait(self) -> None:
        """See `Runtime`."""
        self._runtime.wait()

    def describe(self) -> dict[str, Any]:
        """See `Runtime`."""
        return {**self._runtime.describe(), "batch": self.at_once}

    def _select_all(self, looks: Sequence[_Look]) -> list[_Selected | RuntimeError]:
        """Of each in its order; only those of one shape fit into a batch."""
        results: dict[int, _Selected | RuntimeError] = {}
        numbers = sorted(range(len(looks)), key=lambda number: looks[number].image.shape)
        for _, alike in groupby(numbers, key=lambda number: looks[number].image.shape):
            batch = list(alike)
            for first in range(0, len(batch), self.at_once):
                part = batch[first : first + self.at_once]
                results.update(zip(part, self._select_batch([looks[number] for number in part]), strict=True))
        return [results[number] for number in range(len(looks))]

    def _select_batch(self, looks: Sequence[_Look]) -> Sequence[_Selected | RuntimeError]:
        """Of each; one by one where all of them do not fit into the memory, so that none fails for the others."""
        images, guidance = (
            np.concatenate(each) for each in zip(*((o.image, o.guidance) for o in looks), strict=True)
        )
        try:
            return self._runtime.select_batch(images, guidance)
        except RuntimeError as error:
            if len(looks) == 1:
                return [error]
        return [self._select_batch([look])[0] for look in looks]
