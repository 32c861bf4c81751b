"""What CVAT sends, and what its API answers."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from backend.decoding import DecodedImage
from model import Click, Prediction
from model.errors import RequestInvalid
from model.geometry import Box
from plugins.cvat import rle
from plugins.cvat.adapter import Adapter
from plugins.cvat.affinity import image_of
from plugins.cvat.answers import read_version
from plugins.cvat.messages import parse, read
from plugins.cvat.records import Annotations, Job, Label, LabelledShape, Media, Task
from plugins.cvat.shapes import draw, every_shape
from tests.plugins.cvat.cvat_double import ANSWERS
from tests.plugins.cvat.doubles import VERSIONS, golden, store
from tests.safety.targets.target import Target, body, plain

IMAGES = store()


class Spots:
    """Answers with the pixels that were clicked, in the size of the image."""

    def predict(self, image: DecodedImage, clicks: Sequence[Click], *, box: Box | None = None) -> Prediction:
        mask = np.zeros((image.height, image.width), bool)
        for click in clicks:
            click.require_inside(image.width, image.height)
            mask[round(click.y) : round(click.y) + 1, round(click.x) : round(click.x) + 1] = True
        if box is not None:
            mask[max(box.top, 0) : box.bottom, max(box.left, 0) : box.right] = True
        return Prediction(mask, lambda: mask.astype(np.float32) - np.float32(0.5), 0.9, None)


def _invocation(data: bytes) -> None:
    agent = "CVAT/2.4.1" if len(data) % 2 else data[:40].decode("latin-1")
    json.loads(Adapter(Spots(), IMAGES).answer(data, agent))


def _image(data: bytes) -> None:
    key = image_of("application/json", data)
    assert key is None or len(key) < 80


def _parsed_invocation(data: bytes) -> None:
    """As Nuclio hands it on: JSON read by others, who let surrogates and huge numbers pass."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return
    if isinstance(document, dict):
        interaction = parse(document)
        assert len(interaction.digest) == 64
        interaction.prompts.middle_of_box  # noqa: B018 - must not raise
        interaction.file()


def _version(data: bytes) -> None:
    read_version(data.decode("latin-1"))


def _runs(data: bytes) -> None:
    try:
        numbers: Any = json.loads(data)
    except (ValueError, RecursionError):
        return
    if isinstance(numbers, list):
        mask = rle.decode(numbers, 50, 40)
        assert mask.shape == (40, 50)
        if mask.any():
            assert np.array_equal(rle.decode(rle.encode(mask), 50, 40), mask)


def _shape(data: bytes) -> None:
    shape = read(LabelledShape, data)
    assert draw(shape, 50, 40).shape == (40, 50)


def _records(data: bytes) -> None:
    for kind in (Job, Task, Label, Media, Annotations):
        try:
            known = read(kind, data)
        except RequestInvalid:
            continue
        if isinstance(known, Job):
            assert known.name
            assert known.group
            assert known.time.tzinfo
            assert isinstance(known.revision, int)
        if isinstance(known, Annotations):
            list(every_shape(known))


MASK = [3, 4, 3, 2, 3, 0, 0, 4, 2]
TARGETS = (
    Target("cvat-invocation", _invocation, [body(golden(version)["body"]) for version in VERSIONS]),
    Target("cvat-image", _image, [body(golden(version)["body"]) for version in VERSIONS]),
    Target(
        "cvat-parsed-invocation", _parsed_invocation, [body(golden(version)["body"]) for version in VERSIONS]
    ),
    plain("cvat-version", _version, [b"CVAT/2.73.0 python-requests/2.33.1", b"CVAT/2.4"]),
    Target("cvat-runs", _runs, [body(MASK), body(rle.encode(np.eye(9, dtype=bool)))]),
    Target(
        "cvat-shape",
        _shape,
        [
            body({"type": "mask", "frame": 0, "label_id": 1, "points": MASK}),
            body({"type": "polygon", "frame": 0, "label_id": 1, "points": [1, 1, 20.5, 3, 10, 30]}),
        ],
    ),
    Target("cvat-records", _records, [path.read_bytes() for path in sorted(ANSWERS.glob("*.json"))]),
)
