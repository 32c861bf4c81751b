"""Stand-ins for what the program gives the plugin, and the requests recorded from a real Label Studio."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model import Click, Prediction, Role
from model.errors import BoundaryClickError, ImageRejected
from model.geometry import Box

GOLDEN = Path(__file__).parent / "golden"
RADIUS = 20


def golden(name: str) -> Any:
    """A recorded body."""
    return json.loads((GOLDEN / f"{name}.json").read_text())


def refusal(call: Callable[[], object]) -> str:
    """The line that a call is refused with; empty if it is not."""
    try:
        call()
    except BoundaryClickError as error:
        return str(error)
    return ""


@dataclass(frozen=True)
class Picture:
    """A black image whose file says how large it is: b"WIDTHxHEIGHT"."""

    pixels: NDArray[np.uint8]
    digest: str

    @staticmethod
    def decode(data: bytes) -> "Picture":
        if b"x" not in data:
            raise ImageRejected("image: expected WIDTHxHEIGHT")
        width, height = map(int, data.split(b"x"))
        return Picture(np.zeros((height, width, 3), dtype=np.uint8), data.decode())


@dataclass
class Discs:
    """Answers with a disc around each click, on top of the mask or the box; `empty` makes it find nothing."""

    empty: bool = False
    asked: list[tuple[Click, ...]] = field(default_factory=list)
    boxes: list[Box | None] = field(default_factory=list)
    warmed: list[str] = field(default_factory=list)
    warm_done: Event = field(default_factory=Event)
    version: str = "discs-1"
    roles: tuple[Role, ...] = ("select", "boundary")

    def predict(
        self,
        image: Picture,
        clicks: Sequence[Click],
        mask: NDArray[np.bool_] | None = None,
        box: Box | None = None,
        project: str = "",
    ) -> Prediction:
        height, width = image.pixels.shape[:2]
        for click in clicks:
            click.require_inside(width, height)
        self.asked.append(tuple(clicks))
        self.boxes.append(box)
        rows, columns = np.mgrid[:height, :width]
        found = np.zeros((height, width), dtype=bool) if mask is None else mask.copy()
        for click in () if self.empty else clicks:
            found |= (columns - click.x) ** 2 + (rows - click.y) ** 2 < RADIUS**2
        if box is not None:
            found[box.top : box.bottom, box.left : box.right] = True
        return Prediction(
            found, lambda: found.astype(np.float32) - np.float32(0.5), 0.87654321, box, self.version
        )

    def version_for(self, project: str) -> str:
        return self.version

    def warm(self, image: Picture) -> None:
        self.warmed.append(image.digest)
        self.warm_done.set()


class Pictures:
    """Remembers images by key, without any limit."""

    def __init__(self) -> None:
        self.kept: dict[str, Picture] = {}

    def load(self, key: str, fetch: Callable[[], bytes]) -> Picture:
        if key not in self.kept:
            self.kept[key] = Picture.decode(fetch())
        return self.kept[key]


@dataclass
class Downloads:
    """Writes down every request; answers with `body`."""

    body: bytes = b"600x400"
    seen: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    def __call__(self, url: str, headers: Mapping[str, str]) -> bytes:
        self.seen.append((url, dict(headers)))
        return self.body
