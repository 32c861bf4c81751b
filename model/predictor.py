"""The public API: load a predictor, start a session on an image, click."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.clicks import Click, Role
from model.errors import InvalidClick, InvalidImage
from model.geometry import Box
from model.headers import read_about
from model.inference import Passes
from model.logits import sigmoid
from model.networks import PaperConfig
from model.runtimes.base import Runtime
from model.session import Session, check_box, check_mask

__all__ = ["Prediction", "Predictor", "Session"]


@dataclass(frozen=True)
class Prediction:
    """The answer to a list of clicks.

    Attributes:
        mask: (H, W).
        make_logits: see `logits`.
        score: mean probability inside the mask.
        crop: window that was refined, image pixels; it may reach beyond the image.
        version: name of the weights that answered; empty if nobody said.
    """

    mask: NDArray[np.bool_]
    make_logits: Callable[[], NDArray[np.float32]]
    score: float
    crop: Box | None
    version: str = ""

    @cached_property
    def logits(self) -> NDArray[np.float32]:
        """(H, W) float32; infinite where no click has changed a starting mask, or beyond the crop.

        Made when asked for: four times the mask's memory, which most do not need.
        """
        return self.make_logits()

    @property
    def probability(self) -> NDArray[np.float32]:
        """(H, W) probability in [0, 1], above 0.5 exactly on the mask."""
        return sigmoid(self.logits)


class Predictor:
    """One network, ready to segment. At a time as many of its sessions may run as its runtime takes threads, `at_once`.

    Args:
        runtime: what runs the network.
        version: name of the weights, as answers tell it.
        training: how the weights were made.
    """

    def __init__(self, runtime: Runtime, version: str, training: dict[str, Any]) -> None:
        self.runtime, self.version, self.training = runtime, version, training
        self.config = runtime.config
        self._passes, self._session = _way_of(runtime)
        self.roles: tuple[Role, ...] = self._passes.roles

    def with_head(self, data: bytes, version: str) -> "Predictor":
        """One with another refinement head on the same selection network, which is not copied.

        Args:
            data: the head as `model.heads.pack_head` made it.
            version: its name.

        Raises:
            WeightsError: damaged, not a head, or trained on another selection network.
        """
        about = read_about(data, self.version, version)
        return Predictor(self.runtime.with_head(data, version), version, about.get("training", {}))

    @property
    def passes(self) -> Passes:
        """The network's passes one by one, for those who measure them."""
        return self._passes

    def start(
        self, image: NDArray[np.uint8], mask: NDArray[np.bool_] | None = None, box: Box | None = None
    ) -> Session:
        """Begin with an object.

        Args:
            image: (H, W, 3) uint8 RGB.
            mask: (H, W), an existing mask to repair; then every click is a boundary click.
            box: around the object, image pixels, where somebody has drawn one; it replaces the search for the
                object, and has no effect beside a mask, which tells more.

        Raises:
            InvalidImage: another shape or type, an empty mask, or a box beyond the image.
        """
        image = check_image(image)
        if mask is not None:
            mask = check_mask(mask, image.shape[:2])
        return self._session(self._passes, image, mask, box and check_box(box, image.shape[:2]))

    def predict(
        self,
        image: NDArray[np.uint8],
        clicks: Sequence[Click],
        mask: NDArray[np.bool_] | None = None,
        box: Box | None = None,
    ) -> Prediction:
        """Stateless form: the result after all the clicks in order; the arguments are those of `start`.

        Raises:
            InvalidClick: no click, or one that `Session.click` refuses.
            InvalidImage: as `start`.
        """
        if not clicks:
            raise InvalidClick("clicks: expected at least one, got none; click the middle of the object")
        session = self.start(image, mask, box)
        for click in clicks:
            session.add(click)
        return prediction_of(session, self.version)


def prediction_of(session: Session, version: str) -> Prediction:
    """What a session that has been clicked in, on weights of that name, says now, as a value of its own."""
    state = session.state
    if state is None:
        raise InvalidClick("prediction: expected a session with a click, got one without; click first")
    mask = session.mask
    make_logits = partial(state.logits_in_image, (mask.shape[0], mask.shape[1]))
    return Prediction(mask, make_logits, session.score, session.crop, version)


def check_image(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image itself; InvalidImage if it is not (H, W, 3) uint8 with at least one pixel."""
    array = np.asarray(image)
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8 or 0 in array.shape:
        raise InvalidImage(f"image: expected (H, W, 3) uint8 RGB, got {array.shape} {array.dtype}")
    return array


def _way_of(runtime: Runtime) -> tuple[Passes, type[Session]]:
    """How a kind of network is run: its passes, and what comes of a click."""
    if isinstance(runtime.config, PaperConfig):
        from model.paper import PaperPasses, PaperSession  # noqa: PLC0415 - needs torch

        return PaperPasses(runtime), PaperSession
    return Passes(runtime), Session
