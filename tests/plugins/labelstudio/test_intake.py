"""Events that are damaged, many or late, with the real store."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, text, update

from backend.learning import Learning
from backend.store.schema import ClickRow, EventRow, ImageRow
from tests.plugins.labelstudio.doubles import golden
from tests.plugins.labelstudio.events import (
    CREATED,
    HEIGHT,
    WIDTH,
    Files,
    drawn,
    event,
    failures,
    flaws,
    noted,
    settled,
    square,
    tell,
)

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
    for action in ("PROJECT_UPDATED", "TASKS_CREATED", "LABEL_LINK_CREATED"):
        assert http.post("/webhook", json={"action": action}).status_code == 201
    assert learning.inbox.counts() == {"pending": 0, "failed": 0}


@pytest.mark.parametrize(
    ("project", "name"),
    [
        ({"id": 3, "created_at": "2026-11-22T14:00:00Z", "title": "cats"}, "labelstudio/3.1795356000"),
        (3, "labelstudio/3"),
    ],
)
def test_the_button_that_starts_training_asks_for_a_job(
    http: FlaskClient, learning: Learning, project: object, name: str
) -> None:
    for _ in range(2):
        body = {"action": "START_TRAINING", "project": project}
        assert http.post("/webhook", json=body).status_code == 201
    (job,) = learning.jobs.open()
    assert (job.project, job.cause) == (name, "button")
    nameless = http.post("/webhook", json={"action": "START_TRAINING"})
    assert (nameless.status_code, "project: Field required" in nameless.text) == (400, True)


def test_clicks_on_nothing_that_is_stored_are_not_noted(http: FlaskClient, learning: Learning) -> None:
    body = golden("request-clicks-1")
    body["project"] = None
    http.post("/predict", json=body)
    noted(learning)
    with learning.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(ClickRow)) == 0
