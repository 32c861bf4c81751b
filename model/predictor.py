"""The public API: load a predictor, start a session on an image, click."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from model.checkpoints import Checkpoint, load_checkpoint
from model.clicks import Click, Role
from model.errors import InvalidClick, InvalidImage, WeightsError
from model.geometry import Box
from model.inference import Passes
from model.logits import sigmoid
from model.networks import NetworkConfig, PaperConfig
from model.paper import PaperPasses, PaperSession
from model.session import Session, check_box, check_mask

__all__ = ["Prediction", "Predictor", "Session", "load_predictor"]


@dataclass(frozen=True)
class Prediction:
    """The answer to a list of clicks.

    Attributes:
        mask: (H, W).
        logits: (H, W) float32; infinite where no click has changed a starting mask, or beyond the crop.
        score: mean probability inside the mask.
        crop: window that was refined, image pixels; it may reach beyond the image.
        version: name of the weights that answered; empty if nobody said.
    """

    mask: NDArray[np.bool_]
    logits: NDArray[np.float32]
    score: float
    crop: Box | None
    version: str = ""

    @property
    def probability(self) -> NDArray[np.float32]:
        """(H, W) probability in [0, 1], above 0.5 exactly on the mask; made when asked for, as it takes longest."""
        return sigmoid(self.logits)


@dataclass(frozen=True)
class Way:
    """How a kind of network is run: its passes, and what comes of a click."""

    passes: type[Passes]
    session: type[Session]


WAYS = {NetworkConfig: Way(Passes, Session), PaperConfig: Way(PaperPasses, PaperSession)}
"""By the class of the configuration."""


class Predictor:
    """One network, ready to segment. Sessions of one predictor must not run at the same time on several threads."""

    def __init__(self, checkpoint: Checkpoint, device: torch.device) -> None:
        self.config = checkpoint.network.config
        way = WAYS[type(self.config)]
        self._passes, self._session = way.passes(checkpoint.network, device), way.session
        self.training = checkpoint.training
        self.roles: tuple[Role, ...] = self._passes.roles
        self.version = f"{checkpoint.name}-{checkpoint.digest}"

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
    """What a session, on weights of that name, says now, as a value of its own."""
    logits = session.logits
    return Prediction(np.greater(logits, 0), logits, session.score, session.crop, version)


def check_image(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image itself; InvalidImage if it is not (H, W, 3) uint8 with at least one pixel."""
    array = np.asarray(image)
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8 or 0 in array.shape:
        raise InvalidImage(f"image: expected (H, W, 3) uint8 RGB, got {array.shape} {array.dtype}")
    return array


def load_predictor(weights: str | Path = "default", device: str = "cpu") -> Predictor:
    """Load weights by the name of shipped ones or by path.

    Args:
        device: a torch device, "cpu" or "cuda" for example.

    Raises:
        WeightsError: weights missing, damaged or of another network; device not available.
    """
    target = usable_device(device)
    return Predictor(load_checkpoint(weights, device), target)


def usable_device(name: str) -> torch.device:
    """The torch device of that name; WeightsError if it is not available here."""
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(
            f"device: expected one that torch can use here, got {name!r} ({reason}); try cpu"
        ) from error
    return device
