"""What the routes that Label Studio calls take and answer, as types: for the service's description of itself."""

from typing import Annotated, Any

from pydantic import Field

from plugins.labelstudio.messages import Message, PredictRequest, SetupRequest, WebhookRequest


class SetupAnswer(Message):
    """Answer of POST /setup."""

    model_version: str


class Prediction(Message):
    """A prediction; `result` in the words of the labelling configuration."""

    result: list[dict[str, Any]]
    score: float
    model_version: str


Nothing = Annotated[list[Any], Field(max_length=0)]


class PredictAnswer(Message):
    """Answer of POST /predict: one prediction for each task that was to be predicted, or [] where that failed."""

    results: list[Prediction | Nothing]


class WebhookAnswer(Message):
    """Answer of POST /webhook: the action, and how often it has come."""

    action: str
    count: int


class VersionsAnswer(Message):
    """Answer of /versions."""

    versions: list[str]


OPERATIONS: dict[str, tuple[Any, ...]] = {
    "labelstudio.setup": ("Label Studio connects a project", SetupRequest, {200: SetupAnswer}),
    "labelstudio.predict": (
        "Masks for an annotator's clicks, or of several tasks",
        PredictRequest,
        {200: PredictAnswer},
    ),
    "labelstudio.webhook": ("Label Studio tells of an event", WebhookRequest, {201: WebhookAnswer}),
    "labelstudio.versions": ("Versions of the model", None, {200: VersionsAnswer}),
}
"""Sentence, type of the body, types of the answers by status; by endpoint."""
