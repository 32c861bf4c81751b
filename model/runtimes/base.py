"""What every runtime does."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from model.networks import NetworkConfig


class Kept(Protocol):
    """What a runtime keeps of an image between passes, wherever it lies; only the same runtime can read it."""

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""
        ...


class Runtime(Protocol):
    """The networks of one checkpoint, one image at a time.

    Attributes:
        name: as in the settings.
        config: of the networks.
        at_once: so many threads may use it at a time.
    """

    name: str
    config: NetworkConfig
    at_once: int

    def select(
        self, image: NDArray[np.float32], guidance: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], Kept]:
        """Run the selection network (section 3.1).

        Args:
            image: (1, 3, H, W) RGB in [-1, 1]; H and W multiples of 32.
            guidance: (1, 1, H, W) in [0, 1], Gaussian at the selection click.

        Returns:
            logits: (h, w), h = H / 4, as the adapter of the head, if it has one, corrects them; features: C x h x w.
        """
        ...

    def prepare(self, features: Kept, image: NDArray[np.float32]) -> Kept:
        """What the refinement head needs of a crop whatever is clicked.

        Args:
            features: from `select`.
            image: what the features are of.
        """
        ...

    def correct(self, prepared: Kept, guidance: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the refinement head for one click (section 3.2).

        Args:
            prepared: from `prepare`.
            guidance: (G, h, w), from `model.guidance.refinement_guidance`.

        Returns:
            (h, w), to be added to the logits before the click.
        """
        ...

    def with_head(self, data: bytes, name: str) -> "Runtime":
        """The same selection network, not a copy, with a head of its own.

        Args:
            data: from `model.heads.pack_head`.
            name: of the version, for messages.

        Raises:
            WeightsError: damaged, not a head, or trained on another selection network.
        """
        ...

    def wait(self) -> None:
        """Until the device has done what it was told, so that a time is the work's and not the queue's."""

    def describe(self) -> dict[str, Any]:
        """Library, version, threads and precision, for reports."""
        ...
