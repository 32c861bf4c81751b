"""A service that answers with a given mask, and exchanges with each version of CVAT."""

import base64
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.decoding import DecodedImage, ImageLimits
from backend.images import ImageStore
from model import Click, Prediction
from model.geometry import Box

GOLDEN = Path(__file__).parent / "golden"
VERSIONS = sorted(path.stem for path in GOLDEN.glob("*.json"))
NAME = "boundaryclick"

# As CVAT sends them to what it takes for Nuclio's dashboard.
DASHBOARD = {
    "x-nuclio-project-name": "cvat",
    "x-nuclio-function-namespace": "nuclio",
    "x-nuclio-invoke-via": "domain-name",
    "X-Nuclio-Invoke-Timeout": "120s",
}
INVOKED = {**DASHBOARD, "x-nuclio-function-name": NAME, "x-nuclio-path": "/"}


def golden(version: str) -> dict[str, Any]:
    """User-Agent, body, the clicks it stands for, the answer, and the answer when nothing is found."""
    exchange: dict[str, Any] = json.loads((GOLDEN / f"{version}.json").read_text())
    return exchange


def block() -> NDArray[np.bool_]:
    """The mask of the golden answers."""
    mask = np.zeros((6, 8), bool)
    mask[2:4, 3:6] = True
    return mask


@dataclass
class Answers:
    """Answers with one mask; writes down what it was asked."""

    mask: NDArray[np.bool_] = field(default_factory=block)
    score: float = 0.93
    asked: list[tuple[Click, ...]] = field(default_factory=list)
    boxes: list[Box | None] = field(default_factory=list)

    def predict(self, image: DecodedImage, clicks: Sequence[Click], *, box: Box | None = None) -> Prediction:
        for click in clicks:
            click.require_inside(image.width, image.height)
        self.asked.append(tuple(clicks))
        self.boxes.append(box)
        return Prediction(self.mask, lambda: self.mask.astype(np.float32) - np.float32(0.5), self.score, None)


def store(max_bytes: int = 1 << 20) -> ImageStore:
    """The real one."""
    return ImageStore(ImageLimits(max_bytes, 1_000_000), 1 << 24, 600.0)


def in_base64(image: Image.Image, kind: str = "PNG") -> str:
    """The image as CVAT puts it into a body."""
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return base64.b64encode(buffer.getvalue()).decode()


def picture(width: int, height: int, shade: int = 0) -> bytes:
    """A plain image file."""
    buffer = io.BytesIO()
    Image.new("L", (width, height), shade).save(buffer, "PNG")
    return buffer.getvalue()
