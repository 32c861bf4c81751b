"""What the page and the server say to each other: JSON bodies of `/api/images` and `/api/segment`."""

from collections.abc import Sequence
from typing import Annotated, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError

from backend.prediction import MOST_CLICKS
from model.clicks import Click, Role
from model.errors import RequestInvalid
from model.validation import first_problem

Message = TypeVar("Message", bound=BaseModel)

Number = Annotated[float, Field(strict=True)]


class ClickMessage(BaseModel):
    """One click in image pixels, pixel centres."""

    model_config = ConfigDict(extra="forbid")

    x: Number
    y: Number
    role: Role


class SegmentRequest(BaseModel):
    """Body of `POST /api/segment`: the image by its digest and all clicks on it so far, in order."""

    model_config = ConfigDict(extra="forbid")

    image: str = Field(pattern=r"^[0-9a-f]{64}$")
    clicks: Annotated[list[ClickMessage], Field(min_length=1, max_length=MOST_CLICKS), FailFast()]

    def to_clicks(self) -> list[Click]:
        """The clicks as the model knows them; raises InvalidClick for a coordinate that is not finite."""
        return [Click(x=click.x, y=click.y, role=click.role) for click in self.clicks]


class ImageAnswer(BaseModel):
    """Answer of `POST /api/images`: the name of the image for the requests to come, and its upright size."""

    image: str
    width: int
    height: int


class Milliseconds(BaseModel):
    """How long the server took: in the networks alone, and for the whole request."""

    model: float
    server: float


class SegmentAnswer(BaseModel):
    """Answer of `POST /api/segment`; `runs` is the mask as `encode_runs` writes it."""

    width: int
    height: int
    runs: list[int]
    score: float
    ms: Milliseconds
    model: str


def parse(kind: type[Message], body: bytes) -> Message:
    """JSON `body` as a message of `kind`; raises RequestInvalid, one line on the first thing that is wrong."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = first_problem(error, "body")
        raise RequestInvalid(
            f"{first.where}: {first.what.lower()}, got {_shortened(first.came)}; "
            'send {"image": digest, "clicks": [{"x", "y", "role"}, ...]}'
        ) from None


def encode_runs(mask: NDArray[np.bool_]) -> list[int]:
    """Run lengths of a mask, row by row, off and on in turn, beginning with off; they add up to its pixels.

    Args:
        mask: (H, W) bool, H * W > 0.
    """
    flat = mask.reshape(-1)
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    edges = np.concatenate(([0], changes, [flat.size]))
    runs: Sequence[int] = np.diff(edges).tolist()
    return [0, *runs] if flat[0] else list(runs)


def _shortened(value: object) -> str:
    # Cut before it is written out: the value may be a body of megabytes.
    if isinstance(value, dict):
        return f"an object with {len(value)} fields"
    text = repr(value[:60] if isinstance(value, (str, bytes, list)) else value)
    return text if len(text) <= 60 else text[:57] + "..."
