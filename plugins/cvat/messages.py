"""What CVAT sends to a function, as far as this plugin reads it; how whatever comes from CVAT is checked."""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model.errors import ImageRejected, RequestInvalid
from model.validation import first_problem
from plugins.cvat.prompts import Prompts

MOST_POINTS = 1000
MOST_VALUES = 100_000
"""Of an invocation: it names an image and points."""

Body = bytes | str | Mapping[str, Any]
"""JSON, or what it says: Nuclio parses bodies whose content type is exactly application/json."""

ModelT = TypeVar("ModelT", bound=BaseModel)

Coordinate = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Points = Annotated[tuple[tuple[Coordinate, Coordinate], ...], Field(max_length=MOST_POINTS)]


class Interaction(BaseModel):
    """Body of an invocation.

    Attributes:
        image: the image file in base64.
        obj_bbox: corners of a box; CVAT before 2.16.3 sends null without one.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    image: Annotated[str, Field(strict=True, min_length=1, repr=False)]
    pos_points: Points
    neg_points: Points = ()
    obj_bbox: Points | None = None

    @property
    def prompts(self) -> Prompts:
        """The clicks."""
        return Prompts(self.pos_points, self.neg_points, self.obj_bbox or ())

    @property
    def digest(self) -> str:
        """SHA-256 of the text of the image, hexadecimal."""
        return hashlib.sha256(self.image.encode()).hexdigest()

    def file(self) -> bytes:
        """The image file.

        Raises:
            ImageRejected: the text is not base64.
        """
        try:
            return base64.b64decode(self.image, validate=True)
        except (binascii.Error, ValueError):
            raise ImageRejected(
                f"image: expected a file in base64, got {len(self.image)} characters of something else"
            ) from None


def parse(body: Body) -> Interaction:
    """The interaction that a body asks for. Raises RequestInvalid."""
    if isinstance(body, bytes) and (count := sum(map(body.count, (b",", b"[", b"{")))) > MOST_VALUES:
        raise RequestInvalid(f"body: expected an image and points, got some {count} values")
    return read(Interaction, body)


def read(kind: type[ModelT], body: Body) -> ModelT:
    """A body as what it should be.

    Raises:
        RequestInvalid: no JSON, or a field that is missing or cannot be used; names the first such field.
    """
    try:
        if isinstance(body, Mapping):
            return kind.model_validate(body)
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = first_problem(error, "body")
        message = first.what.replace("Input should be", "expected", 1)
        raise RequestInvalid(f"{first.where}: {message}, got {_kind(first.came)}") from None


def _kind(value: object) -> str:
    """What came, without a character of it: it may be an image."""
    if isinstance(value, int) and value.bit_length() > 128:
        return "a huge number"  # thousands of digits, which Python refuses to write down
    return repr(value) if isinstance(value, (int, float)) or value is None else type(value).__name__
