"""What Label Studio sends, and what lies in its projects."""

import json
from datetime import timezone
from functools import partial
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np

from model.corrections import AnnotationKey, Interaction, Recorded, Submission
from plugins.labelstudio import rle
from plugins.labelstudio.adapter import Adapter
from plugins.labelstudio.addresses import absolute_url, local_file, origin, takes_token
from plugins.labelstudio.affinity import task_of
from plugins.labelstudio.bodies import set_aside
from plugins.labelstudio.client import Connection, LabelStudioClient, _read_below
from plugins.labelstudio.corrections import Understanding
from plugins.labelstudio.labelling import read_labelling
from plugins.labelstudio.regions import covers, read_labels, read_mask
from tests.plugins.labelstudio.doubles import GOLDEN, Discs, Downloads, Picture, Pictures, golden
from tests.safety.targets.target import Target, body, plain
from tests.test_project import ROOT

BASE = "http://labels.example:8080"
REQUESTS = [path.read_bytes() for path in sorted(GOLDEN.glob("request-*.json"))]
PREDICTIONS = [path.read_bytes() for path in sorted(GOLDEN.glob("request-[!as]*.json"))]
EVENTS = [(GOLDEN / "request-annotation-created.json").read_bytes()]
CONFIGURATIONS = [
    path.read_bytes() for path in sorted((ROOT / "plugins/labelstudio/configurations").glob("*.xml"))
]
STROKES = golden("rle")["masks"]


class Kept:
    """Takes what is handed in and looks at it as the store does."""

    def record(self, submission: Submission) -> Recorded:
        assert submission.time.tzinfo is not None
        submission.time.astimezone(timezone.utc)
        assert 0 <= submission.revision < 1 << 63
        for correction in submission.corrections:
            assert correction.mask is None or correction.mask.dtype == np.bool_
            assert correction.flaw or correction.mask is not None
        texts = (submission.annotator, submission.task, *(one.region for one in submission.corrections))
        assert not any("\0" in text for text in texts)
        return Recorded()

    def withdraw(self, key: AnnotationKey) -> int:
        return 0

    def withdraw_task(self, tool: str, project: str, task: str) -> int:
        return 0

    def join(self, *_: object) -> None:
        pass

    def put(self, tool: str, body: bytes) -> None:
        pass

    def offer(self, interaction: Interaction) -> None:
        assert interaction.clicks

    def start_training(self, tool: str, project: str) -> object:
        return None


def _adapter() -> Adapter[Picture]:
    client = LabelStudioClient(Downloads(), Connection(BASE, "a-token"))
    return Adapter(Discs(), Pictures(), client, Kept())


def _predict(data: bytes) -> None:
    json.dumps(_adapter().predict(data), allow_nan=False)


def _setup(data: bytes) -> None:
    _adapter().setup(data)


def _webhook(data: bytes) -> None:
    _adapter().webhook(data)


def _event(data: bytes) -> None:
    Understanding(Kept())(data)


def _task(data: bytes) -> None:
    key = task_of("application/json", data)
    assert key is None or len(key) < 1200


def _set_aside(data: bytes) -> None:
    shorter = set_aside(data)
    assert len(shorter) <= len(data) + 40 * data.count(b"rle")


def _stroke(data: bytes) -> None:
    width, height, *numbers = data.ljust(2, b"\0")
    width, height = width + 1, height + 1
    alpha = rle.decode(numbers, width, height)
    assert alpha.shape == (height, width)
    for column, row in ((0, 0), (width - 1, height - 1), (width // 2, height // 2)):
        assert rle.covers(numbers, width, height, column, row) == (alpha[row, column] > 0)
    mask = alpha > 0
    assert np.array_equal(rle.decode(rle.encode(mask), width, height) > 0, mask)


def _labelling(data: bytes) -> None:
    labelling = read_labelling.__wrapped__(data.decode("utf-8", "replace"))
    for image in labelling.images:
        labelling.data_key(image)
        labelling.output(image).choose(("Object",))


def _address(data: bytes) -> None:
    reference = data.decode("utf-8", "replace")
    url = absolute_url(reference, BASE + "/prefix", 7)
    if url.startswith("data:"):
        return
    origin(url)
    if takes_token(url, BASE + "/prefix"):
        assert origin(url) == origin(BASE)
        assert ".." not in unquote(urlsplit(url).path).split("/")
        name = local_file(url, BASE + "/prefix")
        if name is not None:
            _read_below(ROOT / "docs", name, 1 << 20)


def _region(data: bytes) -> None:
    item: Any = json.loads(data) if data[:1] == b"{" else {}
    if isinstance(item, dict) and isinstance(item.get("value"), dict):
        read_labels([item])
        covers(item, 0.5, 0.5)
        mask = read_mask(item)
        assert mask.shape == (item["original_height"], item["original_width"])


def _json_only(parse: Any, data: bytes) -> None:
    """For parsers of what has been read as JSON before."""
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return
    parse(data)


SIZES = [(83, 61), (8, 6)]
POLYGON = {
    "id": "r",
    "type": "polygonlabels",
    "to_name": "image",
    "original_width": 60,
    "original_height": 40,
    "image_rotation": 0,
    "value": {"points": [[10, 10], [90, 10], [50.5, 90]], "polygonlabels": ["Other"]},
}
BOX = {
    "tasks": [{"id": 1, "data": {"image": "/data/upload/1/a.jpg"}}],
    "project": "1.2",
    "label_config": CONFIGURATIONS[0].decode(),
    "params": {
        "context": {
            "result": [
                {
                    "id": "b",
                    "type": "rectanglelabels",
                    "from_name": "box",
                    "to_name": "image",
                    "original_width": 600,
                    "original_height": 400,
                    "value": {"x": 10, "y": 20, "width": 30, "height": 20, "rotation": 30},
                },
            ]
        }
    },
}
TASKS = [b'{"tasks":[{"id":%s}]}' % name for name in (b"12", b'"\\q"', b"012", b'"\xff"', b'"a\nb"')]
ADDRESSES = [
    b"/data/upload/1/a.jpg",
    b"/data/local-files/?d=a/b.png",
    b"s3://bucket/a b.png",
    b"https://example.org/a?x=1#y",
    b"data:image/png;base64,AAAA",
    b"http://labels.example:8080/prefix/data/x",
    b"/prefix/data/local-files/?d=..%2f..%2fx",
]


def _strokes() -> list[bytes]:
    found = []
    for width, height in SIZES:
        mask = np.zeros((height, width), bool)
        mask[2:5, 1:7] = True
        found.append(bytes([width - 1, height - 1, *rle.encode(mask)]))
    return found


TARGETS = (
    Target("labelstudio-predict", _predict, [*PREDICTIONS, body(BOX)]),
    Target("labelstudio-task", _task, [*PREDICTIONS, body(BOX), *TASKS]),
    Target("labelstudio-setup", _setup, [(GOLDEN / "request-setup.json").read_bytes()]),
    Target("labelstudio-webhook", _webhook, [*EVENTS, body({"action": "START_TRAINING", "project": 1})]),
    Target("labelstudio-event", _event, EVENTS),
    Target("labelstudio-masks-aside", _set_aside, REQUESTS),
    plain("labelstudio-stroke", _stroke, _strokes()),
    plain("labelstudio-configuration", _labelling, CONFIGURATIONS),
    plain("labelstudio-address", _address, ADDRESSES),
    Target(
        "labelstudio-region",
        partial(_json_only, _region),
        [body(POLYGON), body(golden("request-annotation-created")["annotation"]["result"][0])],
    ),
)
