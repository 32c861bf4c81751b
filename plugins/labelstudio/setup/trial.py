"""One click through Label Studio to the backend and back, as an annotator makes it; nothing of it is kept there."""

import time
from typing import Any

from model.errors import SettingsError
from plugins.labelstudio.labelling import CLICK_TAGS, Labelling
from plugins.labelstudio.messages import Message, Task, shortened
from plugins.labelstudio.setup.server import Refused, Server

CLICK = "boundaryclick-trial"
TOKEN_WORDS = ("401", "403", "token", "Token")


class Suggestion(Message):
    """What the annotator would see."""

    result: tuple[dict[str, Any], ...] = ()


class Answer(Message):
    """Of interactive annotation: errors come with status 200, and the labelling page does not show them."""

    data: Suggestion | None = None
    errors: tuple[str, ...] = ()


def trial_click(server: Server, backend: int, task: Task, labelling: Labelling) -> str:
    """Click the middle of a task's image; says how it went.

    Raises:
        SettingsError: no region came back; with the backend's words.
    """
    path = f"/api/ml/{backend}/interactive-annotating"
    start = time.monotonic()
    try:
        answer = server.send(
            Answer, "POST", path, json={"task": task.id, "context": {"result": _click(labelling)}}
        )
    except Refused as refusal:
        raise SettingsError(f"trial click on task {task.id}: {shortened(refusal.words, 300)}") from None
    if answer.errors:
        raise SettingsError(_explained(task, answer.errors[0]))
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


def _explained(task: Task, words: str) -> str:
    told = f"trial click on task {task.id}: expected a mask, got {shortened(words, 300)}"
    if any(word in words for word in TOKEN_WORDS):
        return (
            f"{told}; the backend cannot read the image: start it with LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY "
            "(URL as seen from the backend; the token may be the one given here)"
        )
    return f"{told}; look at the backend's log"
