"""The public API: load a predictor, start a session on an image, click."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from model.checkpoints import Checkpoint, load_checkpoint
from model.clicks import Click
from model.errors import InvalidClick, InvalidImage, WeightsError
from model.geometry import Box
from model.inference import Passes
from model.session import Session, check_mask

__all__ = ["Prediction", "Predictor", "Session", "load_predictor"]


@dataclass(frozen=True)
class Prediction:
    """The answer to a list of clicks.

    Attributes:
        mask: (H, W).
        probability: (H, W) float32 in [0, 1].
        score: mean probability inside the mask.
        crop: window that was refined, image pixels; it may reach beyond the image.
    """

    mask: NDArray[np.bool_]
    probability: NDArray[np.float32]
    score: float
    crop: Box | None


class Predictor:
    """One network, ready to segment. Sessions of one predictor must not run at the same time on several threads."""

    def __init__(self, checkpoint: Checkpoint, device: torch.device) -> None:
        self._passes = Passes(checkpoint.network, device)
        self.config = checkpoint.network.config
        self.training = checkpoint.training
        self.version = f"{checkpoint.name}-{checkpoint.digest}"

    def start(self, image: NDArray[np.uint8], mask: NDArray[np.bool_] | None = None) -> Session:
        """Begin with an object.

        Args:
            image: (H, W, 3) uint8 RGB.
            mask: (H, W), an existing mask to repair; then every click is a boundary click.

        Raises:
            InvalidImage: another shape or type, or an empty mask.
        """
        image = check_image(image)
        return Session(self._passes, image, None if mask is None else check_mask(mask, image.shape[:2]))

    def predict(
        self, image: NDArray[np.uint8], clicks: Sequence[Click], mask: NDArray[np.bool_] | None = None
    ) -> Prediction:
        """Stateless form: the result after all the clicks in order.

        Raises:
            InvalidClick: no click, or one that `Session.click` refuses.
            InvalidImage: as `start`.
        """
        if not clicks:
            raise InvalidClick("clicks: expected at least one, got none; click the middle of the object")
        session = self.start(image, mask)
        for click in clicks:
            session.click(click)
        return prediction_of(session)


def prediction_of(session: Session) -> Prediction:
    """What a session says now, as a value of its own."""
    probability = session.probability
    return Prediction(probability > 0.5, probability, session.score, session.crop)


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
    try:
        target = torch.device(device)
        torch.empty(1, device=target)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(
            f"device: expected one that torch can use here, got {device!r} ({reason}); try cpu"
        ) from error
    return Predictor(load_checkpoint(weights, device), target)
