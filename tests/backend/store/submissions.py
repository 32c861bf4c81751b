"""Short ways to say what an annotator hands in."""

from datetime import datetime, timezone
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model import Click
from model.corrections import AnnotationKey, Correction, ImageReference, Interaction, Submission

HEIGHT, WIDTH = 30, 40
IMAGE = ImageReference("tool", "1", "7", "/data/photo.png")
DIGEST = "d" * 64


def square(left: int = 5, size: int = 10) -> NDArray[np.bool_]:
    mask = np.zeros((HEIGHT, WIDTH), dtype=np.bool_)
    mask[5 : 5 + size, left : left + size] = True
    return mask


def submission(
    revision: int, *corrections: Correction, annotation: str = "1", annotator: str = "4", task: str = "7"
) -> Submission:
    time = datetime.fromtimestamp(1_700_000_000 + revision, timezone.utc)
    return Submission(AnnotationKey("tool", "1", annotation), task, revision, time, annotator, corrections)


def correction(region: str = "a", mask: NDArray[np.bool_] | None = None, **more: Any) -> Correction:
    more.setdefault("label", "Cup")
    return Correction(region, more.pop("image", IMAGE), square() if mask is None else mask, **more)


def clicked(*points: tuple[float, float], region: str = "a", left: int = 5) -> Interaction:
    clicks = tuple(Click(x, y, "boundary" if index else "select") for index, (x, y) in enumerate(points))
    return Interaction(IMAGE, DIGEST, region, clicks, square(left), "model-1")
