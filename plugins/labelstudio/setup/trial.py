"""One click through Label Studio to the backend and back, as an annotator makes it; nothing of it is kept there."""

import time
from collections.abc import Mapping
from typing import Any

import requests

from model.errors import SettingsError
from plugins.labelstudio.labelling import CLICK_TAGS, Labelling, read_labelling
from plugins.labelstudio.messages import Message, Task, shortened
from plugins.labelstudio.setup.connecting import Backend
from plugins.labelstudio.setup.server import Refused, Server

CLICK = "boundaryclick-trial"
TIMEOUT = (3.0, 60.0)


Headers = Mapping[str, str]

_ADVICE = (
    "if the backend cannot read the image: start it with LABEL_STUDIO_URL, as it reaches Label Studio, "
    "and LABEL_STUDIO_API_KEY; else look at its log"
)


class Suggestion(Message):
    """What the annotator would see."""

    result: tuple[dict[str, Any], ...] = ()


class Answer(Message):
    """Of interactive annotation: errors come with status 200, and the labelling page does not show them."""

    data: Suggestion | None = None
    errors: tuple[str, ...] = ()


def trial_click(server: Server, backend: Backend, task: Task, configuration: str, headers: Headers) -> str:
    """Click the middle of a task's image; says how it went.

    Args:
        configuration: the project's labelling configuration.
        headers: with which the backend may be asked from here what the trouble is.

    Raises:
        SettingsError: no region came back; with the backend's words if it can be reached from here.
    """
    context = {"result": _click(read_labelling(configuration))}
    path = f"/api/ml/{backend.id}/interactive-annotating"
    start = time.monotonic()
    try:
        answer = server.send(Answer, "POST", path, json={"task": task.id, "context": context})
    except Refused as refusal:
        raise SettingsError(f"trial click on task {task.id}: {shortened(refusal.words, 300)}") from None
    if answer.errors:
        body = {
            "tasks": [task.model_dump()],
            "label_config": configuration,
            "params": {"context": context},
        }
        cause = _cause(backend.url, body, headers)
        advice = _ADVICE if cause is None or cause.startswith("image") else "its log has it too"
        told = cause or shortened(answer.errors[0], 300)
        raise SettingsError(f"trial click on task {task.id}: expected a mask, got {told}; {advice}")
    seconds = time.monotonic() - start
    if answer.data is None or not answer.data.result:
        return f"trial click on task {task.id}: answered after {seconds:.1f} s, with no object in the middle"
    return f"trial click on task {task.id}: answered with a mask after {seconds:.1f} s"


def _click(labelling: Labelling) -> list[dict[str, Any]]:
    """The first click of an annotator; with its label, if the tool or a Labels beside it has any."""
    tool = next(control for control in labelling.controls if control.tag in CLICK_TAGS)
    value: dict[str, Any] = {"x": 50.0, "y": 50.0, "width": 0.3}
    labels = next((control.labels for control in (tool, *labelling.controls) if control.labels), ())
    if labels:
        value["labels"] = [labels[0]]
        if tool.labels:
            value["keypointlabels"] = [labels[0]]
    return [
        {
            "id": CLICK,
            "type": tool.tag,
            "from_name": tool.name,
            "to_name": tool.images[0],
            "is_positive": True,
            "value": value,
        }
    ]


def _cause(url: str, body: Mapping[str, Any], headers: Headers) -> str | None:
    """The backend's own words, of which Label Studio keeps only the status; None if it is out of reach from here."""
    try:
        answer = requests.post(
            url.rstrip("/") + "/predict", json=body, headers=headers, timeout=TIMEOUT, allow_redirects=False
        )
        return str(answer.json()["error"])
    except (requests.RequestException, ValueError, KeyError, TypeError):
        return None
