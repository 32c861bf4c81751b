"""What the routes that CVAT calls take and answer, as types: for the service's description of itself."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from plugins.cvat.messages import Interaction


class Answer(BaseModel):
    """Any answer; other fields than these are for other functions of Nuclio's."""

    model_config = ConfigDict(extra="allow")


class Attribute(Answer):
    """An attribute of a shape; the confidence has number 0."""

    spec_id: int
    value: str


class Shape(Answer):
    """A mask in CVAT's run lengths."""

    type: str
    points: list[int]
    attributes: list[Attribute]


class Shapes(Answer):
    """Answer since CVAT 2.60."""

    shapes: list[Shape]


class Dense(Answer):
    """Answer before: pixels row by row, an outline, and since 2.8 the mask's box."""

    mask: list[list[int]]
    points: list[list[int]]
    bounds: list[int] | None = None


class Refusal(Answer):
    """An error, repeated in the status line."""

    error: str


OPERATIONS: dict[str, tuple[Any, ...]] = {
    "cvat.functions": ("The functions, as Nuclio's dashboard lists them", None, {200: dict[str, dict[str, Any]]}),
    "cvat.function": ("One function", None, {200: dict[str, Any], 502: Refusal}),
    "cvat.invoke": (
        "Invoke a function",
        Interaction,
        {200: Shapes | Dense, 404: Refusal, 502: Refusal},
        {"X-Nuclio-Function-Name": True, "User-Agent": False},
    ),
    "cvat.interact": ("The mask of an annotator's clicks", Interaction, {200: Shapes | Dense}, {"User-Agent": False}),
}  # fmt: skip
"""Sentence, type of the body, types of the answers by status, headers; by endpoint."""
