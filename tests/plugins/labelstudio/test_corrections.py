"""From Label Studio's events to corrections, with the real store."""

import copy
import itertools
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from backend.learning import Learning
from backend.store import masks
from backend.store.schema import AnnotationRow
from model.errors import RequestInvalid
from plugins.labelstudio.corrections import Annotation, Project, read_submission
from plugins.labelstudio.messages import Task
from plugins.labelstudio.rle import decode
from tests.plugins.labelstudio.doubles import Discs, golden
from tests.plugins.labelstudio.events import (
    CREATED,
    DRAWN,
    HEIGHT,
    WIDTH,
    drawn,
    event,
    noted,
    square,
    tell,
)


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


def test_the_polygons_of_one_answer_are_one_object_until_one_has_another_label(
    http: FlaskClient, learning: Learning
) -> None:
    def part(name: str, left: float, label: str = "A") -> dict[str, Any]:
        corners = [[left, 10], [left + 10, 10], [left + 10, 30], [left, 30]]
        value = {"points": corners, "polygonlabels": [label]}
        return drawn(square()) | {"id": name, "type": "polygonlabels", "value": value}

    (stored,) = tell(http, learning, event(1, result=[part("tor-x", 10), part("tor-x.2", 50)]))
    assert stored.mask.sum() == 2 * 60 * 80
    others = tell(http, learning, event(2, result=[part("tor-x", 10), part("tor-x.2", 50, "B")]))
    assert sorted((one.label, int(one.mask.sum())) for one in others) == [("A", 4800), ("B", 4800)]


def test_the_clicks_that_led_to_a_region_are_found_and_the_weights_that_answered_them(
    http: FlaskClient, learning: Learning, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another head has been promoted while the object goes on with its own.
    monkeypatch.setattr(Discs, "version_for", lambda _service, _project: "discs-2")
    bodies = [golden(f"request-clicks-{count}") for count in (1, 2, 3)]
    results = [http.post("/predict", json=body).get_json()["results"][0] for body in bodies]
    assert {result["model_version"] for result in results} == {"discs-1"}
    answers = [result["result"][0] for result in results]
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


@pytest.mark.parametrize("year", ["0001", "1970", "9999"])
def test_a_time_that_is_none_is_refused_with_the_years_that_are(year: str) -> None:
    annotation = Annotation(id=1, updated_at=f"{year}-06-01T00:00:00")
    with pytest.raises(RequestInvalid, match=f"expected a time from 1971 to 9998, got {year}-06-01"):
        read_submission(Project(id=1), Task(id=1), annotation)
