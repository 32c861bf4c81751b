"""From Label Studio's events to corrections, with the real store."""

import copy
import io
import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import func, select, text, update

from backend.decoding import ImageLimits
from backend.images import ImageStore
from backend.learning import Learning
from backend.store import StoredCorrection, masks
from backend.store.schema import AnnotationRow, ClickRow, CorrectionRow, EventRow, ImageRow
from model.errors import ImageRejected
from plugins.labelstudio import Connection, create_blueprint
from plugins.labelstudio.rle import decode, encode
from tests.plugins.labelstudio.doubles import Discs, Pictures, golden

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


@pytest.fixture
def learning(tmp_path: Path) -> Iterator[Learning]:
    images = ImageStore(ImageLimits(1 << 20, 1_000_000), 1 << 20, 60)
    learning = Learning(f"sqlite:///{tmp_path}/store.sqlite3", images)
    yield learning
    learning.close()


@pytest.fixture
def files() -> Files:
    return Files()


class Sized(Pictures):
    """A picture of the right size, whatever the file."""

    def load(self, key: str, fetch: Callable[[], bytes]) -> Any:
        return super().load(key, lambda: b"600x400")


@pytest.fixture
def http(learning: Learning, files: Files) -> FlaskClient:
    app = Flask("test")
    app.register_blueprint(
        create_blueprint(Discs(), Sized(), files, Connection("http://localhost:8085"), learning)
    )
    return app.test_client()


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


def test_a_recorded_event_becomes_a_correction(http: FlaskClient, learning: Learning) -> None:
    (stored,) = tell(http, learning, CREATED)
    np.testing.assert_array_equal(stored.mask, DRAWN)
    assert (stored.label, stored.annotator) == ("Other", "1")
    assert stored.image.project == "2.1795354385"  # as /predict of the same project says
    assert stored.image.reference == CREATED["task"]["data"]["image"]
    assert stored.time.isoformat() == "2026-11-22T13:33:48.541732+00:00"
    assert stored.digest is not None
    assert learning.inbox.counts() == {"pending": 0, "failed": 0}


def test_a_polygon_covers_what_it_surrounds(http: FlaskClient, learning: Learning) -> None:
    corners = [[10.0, 10.0], [60.0, 10.0], [60.0, 110.0], [10.0, 110.0]]
    polygon = drawn(square()) | {
        "type": "polygonlabels",
        "value": {"points": corners, "polygonlabels": ["A", "B"]},
    }
    (stored,) = tell(http, learning, event(result=[polygon]))
    expected = np.zeros((HEIGHT, WIDTH), dtype=bool)
    expected[40:, 60:360] = True
    np.testing.assert_array_equal(stored.mask, expected)
    assert stored.label == "A,B"


def test_the_clicks_that_led_to_a_region_are_found(http: FlaskClient, learning: Learning) -> None:
    bodies = [golden(f"request-clicks-{count}") for count in (1, 2, 3)]
    answers = [http.post("/predict", json=body).get_json()["results"][0]["result"][0] for body in bodies]
    created = copy.deepcopy(CREATED)
    created["annotation"]["result"] = [drawn(square()) | {"id": answers[0]["id"]}]
    created["annotation"]["task"] = created["task"]["id"] = bodies[0]["tasks"][0]["id"]
    number, _, stamp = bodies[0]["project"].partition(".")
    created["project"] |= {"id": int(number), "created_at": f"{np.datetime64(int(stamp), 's')}.9Z"}
    noted(learning)
    (stored,) = tell(http, learning, created)
    assert [one.click.role for one in stored.clicks] == ["select", "boundary", "boundary"]
    assert stored.model_version == "discs-1"
    for one, answer in zip(stored.clicks, answers, strict=True):
        assert one.mask is not None
        shown = decode(answer["value"]["rle"], WIDTH, HEIGHT) > 0
        np.testing.assert_array_equal(masks.decode(one.mask, WIDTH, HEIGHT), shown)


@pytest.mark.parametrize("order", list(itertools.permutations((1, 2, 3))))
def test_the_latest_revision_counts_in_whatever_order_they_come(
    http: FlaskClient, learning: Learning, order: tuple[int, ...]
) -> None:
    (stored,) = tell(http, learning, *(event(number, [drawn(square(number))]) for number in order))
    assert stored.mask.sum() == 9


def test_a_region_that_is_gone_and_a_cancelled_annotation_are_withdrawn(
    http: FlaskClient, learning: Learning
) -> None:
    two = [drawn(square()), drawn(square()) | {"id": "second"}]
    assert len(tell(http, learning, event(1, two))) == 2
    assert len(tell(http, learning, event(2, two[1:]))) == 1
    assert tell(http, learning, event(3, two, was_cancelled=True)) == []


@pytest.mark.parametrize(
    "deletion",
    [
        {"action": "ANNOTATIONS_DELETED", "annotations": [{"id": 77}, {"id": 1}]},
        {"action": "TASKS_DELETED", "tasks": [{"id": 2}, {"id": 99}]},
    ],
)
def test_what_is_deleted_is_withdrawn_and_does_not_come_back(
    http: FlaskClient, learning: Learning, deletion: dict[str, Any]
) -> None:
    deletion["project"] = CREATED["project"]
    assert tell(http, learning, CREATED, deletion, event(2)) == []


def test_many_annotations_in_one_event(http: FlaskClient, learning: Learning) -> None:
    body = event(action="ANNOTATIONS_CREATED")
    body["annotation"] = [body["annotation"] | {"id": number, "task": number} for number in (1, 2, 3)]
    body["task"] = [body["task"] | {"id": number} for number in (3, 2, 1)]
    assert len(tell(http, learning, body)) == 3
    with learning.database.reading() as session:
        assert session.scalars(select(AnnotationRow.task).order_by(AnnotationRow.name)).all() == [
            "1",
            "2",
            "3",
        ]


def test_two_annotators_on_the_same_region_are_both_kept(http: FlaskClient, learning: Learning) -> None:
    first = event(1, [drawn(square(20))], id=1, completed_by=4)
    second = event(1, [drawn(square(30))], id=2, completed_by={"id": 5, "email": "a@b.co"})
    found = tell(http, learning, first, second)
    assert [(one.annotator, int(one.mask.sum())) for one in found] == [("4", 400), ("5", 900)]


BAD_REGIONS = {
    "empty": (drawn(square(0)), "an empty mask"),
    "full": (drawn(np.ones((HEIGHT, WIDTH), dtype=bool)), "the whole image"),
    "another size": (drawn(square(5, 300, 200)), "the image's size 600 x 400"),
    "damaged": (
        drawn(square()) | {"value": {"format": "rle", "rle": [0, 14, 166, 0, 57, 27]}},
        "brush region",
    ),
    "other size than it says": (drawn(square()) | {"original_width": 601}, "expected 961600 values"),
    "no numbers": (drawn(square()) | {"value": {"rle": ["a"]}}, "numbers from 0 to 255"),
    "no list": (drawn(square()) | {"value": {"rle": {"a": 1}}}, "list of numbers"),
    "huge": (
        drawn(square()) | {"original_width": 10**6, "original_height": 10**6},
        "at most 100000000 pixels",
    ),
    "no size": (drawn(square()) | {"original_width": None}, "original_width"),
    "turned": (drawn(square()) | {"image_rotation": 90}, "not turned"),
    "two corners": (
        drawn(square()) | {"type": "polygon", "value": {"points": [[1, 1], [2, 2]]}},
        "three points",
    ),
    "unknown image": (drawn(square()) | {"to_name": "other"}, "to_name"),
}


@pytest.mark.parametrize("name", BAD_REGIONS)
def test_a_bad_region_is_kept_with_its_flaw_and_spoils_no_other(
    http: FlaskClient, learning: Learning, name: str
) -> None:
    region, flaw = BAD_REGIONS[name]
    (stored,) = tell(http, learning, event(1, [region | {"id": "bad"}, drawn(square())]))
    assert int(stored.mask.sum()) == 2500
    bad, good = flaws(learning)
    assert flaw in bad
    assert "\n" not in bad
    assert good == ""
    assert failures(learning) == []


def test_regions_without_a_mask_are_none_of_our_business(http: FlaskClient, learning: Learning) -> None:
    rectangle = {"id": "r", "type": "rectanglelabels", "value": {"x": 1, "y": 1, "rectanglelabels": ["A"]}}
    relation = {"type": "relation", "from_id": "a", "to_id": "b"}
    assert tell(http, learning, event(1, [rectangle, relation])) == []
    assert flaws(learning) == []
    assert failures(learning) == []


POISON = {
    "no project": {"action": "ANNOTATION_CREATED"},
    "no payload": {"action": "ANNOTATION_CREATED", "annotation": 7, "project": {"id": 1}},
    "no task": {**CREATED, "task": None} | {"task": []},
    "no configuration": {**CREATED, "project": {**CREATED["project"], "label_config": "<View"}},
    "no time": {**CREATED, "annotation": {**CREATED["annotation"], "updated_at": "yesterday"}},
}


@pytest.mark.parametrize("name", POISON)
def test_poison_is_kept_with_a_line_and_blocks_nobody(
    http: FlaskClient, learning: Learning, name: str
) -> None:
    assert len(tell(http, learning, POISON[name], event(1))) == 1
    (line,) = failures(learning)
    assert "expected" in line or "required" in line or "valid" in line
    assert "\n" not in line


def test_an_error_of_ours_is_tried_again_later(
    http: FlaskClient, learning: Learning, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugins.labelstudio.corrections.read_labelling", lambda _: 1 / 0)
    assert tell(http, learning, event(1)) == []
    assert learning.inbox.counts() == {"pending": 1, "failed": 0}
    monkeypatch.undo()
    with learning.database.writing() as session:
        session.execute(update(EventRow).values(next_try=EventRow.received))
    assert len(settled(learning)) == 1


def test_an_image_that_has_vanished_leaves_its_corrections(
    http: FlaskClient, learning: Learning, files: Files
) -> None:
    body, files.body = files.body, None
    (stored,) = tell(http, learning, CREATED)
    assert stored.digest is None
    with learning.database.writing() as session:
        (image,) = session.scalars(select(ImageRow))
        assert image.error.endswith("expected status 200, got 404")
        assert image.next_try is not None
        image.next_try = stored.time
    files.body = body
    (stored,) = settled(learning)
    assert stored.digest is not None


def test_nothing_of_a_storm_is_lost(http: FlaskClient, learning: Learning) -> None:
    count = 1000
    storm = event(1, [drawn(square(10))])

    def post(number: int) -> int:
        body = {**storm, "annotation": storm["annotation"] | {"id": number}}
        return http.application.test_client().post("/webhook", json=body).status_code

    with ThreadPoolExecutor(8) as annotators:
        assert list(annotators.map(post, range(count))) == [201] * count
    learning._intake.close()
    understood = len(learning.corrections.active())
    assert understood > 0  # it works while it is being stormed
    assert learning.inbox.counts() == {"pending": count - understood, "failed": 0}


def test_what_cannot_be_kept_is_not_acknowledged(http: FlaskClient, learning: Learning) -> None:
    with learning.database.writing() as session:
        session.execute(text("ALTER TABLE inbox RENAME TO elsewhere"))
    answer = http.post("/webhook", json=CREATED)
    assert answer.status_code == 503
    assert "expected to write" in answer.get_json()["error"]
    assert http.post("/predict", json=golden("request-clicks-1")).status_code == 200
    with learning.database.writing() as session:
        session.execute(text("ALTER TABLE elsewhere RENAME TO inbox"))
    assert len(tell(http, learning, CREATED)) == 1


def test_events_that_say_nothing_of_annotations_are_not_kept(http: FlaskClient, learning: Learning) -> None:
    for action in ("PROJECT_UPDATED", "TASKS_CREATED", "START_TRAINING", "LABEL_LINK_CREATED"):
        assert http.post("/webhook", json={"action": action}).status_code == 201
    assert learning.inbox.counts() == {"pending": 0, "failed": 0}


def test_clicks_on_nothing_that_is_stored_are_not_noted(http: FlaskClient, learning: Learning) -> None:
    body = golden("request-clicks-1")
    body["project"] = None
    http.post("/predict", json=body)
    noted(learning)
    with learning.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(ClickRow)) == 0
