"""Events of the webhook, recorded and changed, and what comes of them in the real store."""

import copy
import io
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select

from backend.learning import Learning
from backend.store import StoredCorrection
from backend.store.schema import CorrectionRow, EventRow
from model.errors import ImageRejected
from plugins.labelstudio.rle import encode
from tests.plugins.labelstudio.doubles import Pictures, golden

WIDTH, HEIGHT = 600, 400
CREATED: dict[str, Any] = golden("request-annotation-created")
REGION = CREATED["annotation"]["result"][0]["id"]
DRAWN = np.zeros((HEIGHT, WIDTH), dtype=bool)
DRAWN[100:200, 250:290] = True
for item in CREATED["annotation"]["result"]:  # the recorded masks have been cut short
    item["value"]["rle"] = encode(DRAWN)


class Files:
    """Image files by URL; those that are not there have vanished."""

    def __init__(self) -> None:
        buffer = io.BytesIO()
        Image.new("RGB", (WIDTH, HEIGHT), (9, 99, 9)).save(buffer, "PNG")
        self.body: bytes | None = buffer.getvalue()

    def __call__(self, url: str, headers: Mapping[str, str]) -> bytes:
        if self.body is None:
            raise ImageRejected(f"{url}: expected status 200,\ngot 404")
        return self.body


class Sized(Pictures):
    """A picture of the right size, whatever the file."""

    def load(self, key: str, fetch: Callable[[], bytes]) -> Any:
        return super().load(key, lambda: b"600x400")


def tell(http: FlaskClient, learning: Learning, *events: Any) -> list[StoredCorrection]:
    """What can be learnt from after these events have been acknowledged and understood."""
    for event in events:
        assert http.post("/webhook", json=event).status_code == 201
    return settled(learning)


def settled(learning: Learning) -> list[StoredCorrection]:
    learning._intake.close()  # waits for what it is at
    learning._intake._stopped = False
    learning._intake._thread = None
    learning.catch_up()
    return learning.corrections.active()


def noted(learning: Learning) -> None:
    """Returns when every click has been written down."""
    while learning._recorder._running:
        time.sleep(0.01)


def event(
    revision: int = 1,
    result: list[dict[str, Any]] | None = None,
    action: str = "ANNOTATION_UPDATED",
    **annotation: Any,
) -> dict[str, Any]:
    """The recorded event, changed."""
    body = copy.deepcopy(CREATED)
    body["action"] = action
    body["annotation"] |= {"updated_at": f"2026-11-22T14:00:{revision:02}.000001Z", **annotation}
    if result is not None:
        body["annotation"]["result"] = result
    return body


def drawn(mask: np.ndarray) -> dict[str, Any]:
    height, width = mask.shape
    return {
        "id": REGION,
        "type": "brushlabels",
        "from_name": "mask",
        "to_name": "image",
        "original_width": width,
        "original_height": height,
        "value": {"format": "rle", "rle": encode(mask), "brushlabels": ["Object"]},
    }


def square(size: int = 50, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    mask = np.zeros((height, width), dtype=bool)
    mask[10 : 10 + size, 20 : 20 + size] = True
    return mask


def failures(learning: Learning) -> list[str]:
    with learning.database.reading() as session:
        return list(session.scalars(select(EventRow.error).where(EventRow.state == "failed")))


def flaws(learning: Learning) -> list[str]:
    with learning.database.reading() as session:
        return list(session.scalars(select(CorrectionRow.flaw).order_by(CorrectionRow.id)))
