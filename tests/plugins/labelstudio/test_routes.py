"""The routes, called with recorded bodies."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from model import Click
from model.errors import ImageRejected, ImageTooLarge
from plugins.labelstudio import Connection
from plugins.labelstudio.options import Options
from plugins.labelstudio.rle import decode
from plugins.labelstudio.routes import create_blueprint
from tests.plugins.labelstudio.doubles import RADIUS, Discs, Downloads, Pictures, golden

STUDIO = "http://localhost:8085"
WARM_SECONDS = 600.0
Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def service() -> Discs:
    return Discs()


@pytest.fixture
def downloads() -> Downloads:
    return Downloads()


@pytest.fixture
def http(service: Discs, downloads: Downloads) -> FlaskClient:
    app = Flask("test")
    app.register_blueprint(create_blueprint(service, Pictures(), downloads, Connection(STUDIO)))
    return app.test_client()


def answered(http: FlaskClient, body: Any) -> Any:
    """First result of a /predict that goes well."""
    response = http.post("/predict", json=body)
    assert response.status_code == 200, response.text
    return response.get_json()["results"][0]


def refused(http: FlaskClient, body: Any) -> str:
    """The line that a /predict is refused with."""
    response = http.post("/predict", json=body)
    assert (response.status_code, list(response.get_json())) == (400, ["error"])
    error = str(response.get_json()["error"])
    assert "\n" not in error
    return error


def test_setup_answers_the_version(http: FlaskClient) -> None:
    response = http.post("/setup", json=golden("request-setup"))
    assert (response.status_code, response.get_json()) == (200, {"model_version": "discs-1"})


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_versions(http: FlaskClient, method: str) -> None:
    response = http.open("/versions", method=method)
    assert (response.status_code, response.get_json()) == (200, {"versions": ["discs-1"]})


@pytest.mark.parametrize("name", ["clicks-3", "brush-with-labels"])
def test_recorded_requests_get_the_recorded_answers(http: FlaskClient, name: str) -> None:
    response = http.post("/predict", json=golden(f"request-{name}"))
    assert response.get_json() == golden(f"answer-{name}")


@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_click_reaches_the_service_in_order(http: FlaskClient, service: Discs, count: int) -> None:
    prediction = answered(http, golden(f"request-clicks-{count}"))
    (clicks,) = service.asked
    assert [click.role for click in clicks] == ["select", "boundary", "boundary"][:count]
    x, y = (golden("request-clicks-1")["params"]["context"]["result"][0]["value"][axis] for axis in "xy")
    assert clicks[0] == Click(x * 6 - 0.5, y * 4 - 0.5, "select")
    (item,) = prediction["result"]
    mask = decode(item["value"]["rle"], 600, 400) > 0
    assert mask.sum() == pytest.approx(count * 3.1416 * RADIUS**2, rel=0.02)
    assert mask[round(clicks[-1].y), round(clicks[-1].x)]


def test_the_image_is_fetched_once_with_the_token_of_setup(http: FlaskClient, downloads: Downloads) -> None:
    setup = golden("request-setup")
    http.post("/setup", json=setup)
    for count in (1, 2, 3):
        answered(http, golden(f"request-clicks-{count}"))
    ((url, headers),) = downloads.seen
    assert url == STUDIO + golden("request-clicks-1")["tasks"][0]["data"]["image"]
    assert headers == {"Authorization": f"Token {setup['access_token']}"}


def test_opening_a_task_answers_nothing_and_warms_its_image(http: FlaskClient, service: Discs) -> None:
    response = http.post("/predict", json=golden("request-opened"))
    assert (response.status_code, response.get_json()) == (200, {"results": []})
    assert service.warm_done.wait(WARM_SECONDS)
    assert service.warmed == ["600x400"]
    assert service.asked == []


def test_an_image_that_cannot_be_warmed_is_a_line_in_the_log(
    http: FlaskClient, service: Discs, downloads: Downloads, caplog: pytest.LogCaptureFixture
) -> None:
    downloads.body = b"no image"
    assert http.post("/predict", json=golden("request-opened")).get_json() == {"results": []}
    deadline = time.monotonic() + WARM_SECONDS
    while "expected WIDTHxHEIGHT" not in caplog.text and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "task 2 of project '2.1795354385': image: expected WIDTHxHEIGHT" in caplog.text
    assert service.warmed == []


def test_several_tasks_at_once_are_predicted_with_a_score_each(
    http: FlaskClient, service: Discs, downloads: Downloads
) -> None:
    body = golden("request-opened")
    (task,) = body["tasks"]
    unreachable = {**task, "id": 8, "data": {"image": "no reference"}}
    tasks = [task, unreachable, {**task, "id": 9}]
    results = http.post("/predict", json={**body, "tasks": tasks}).get_json()["results"]
    assert results[1] == []
    for result, number in ((results[0], 2), (results[2], 9)):
        (item,) = result["result"]
        assert item["id"] == f"tor-task-{number}"
        assert item["value"]["brushlabels"] == []
        assert 0 < result["score"] < 1
        assert decode(item["value"]["rle"], 600, 400)[200, 300]
    assert service.asked == [(Click(299.5, 199.5, "select"),)] * 2


def test_without_prelabelling_nothing_is_predicted_unasked(service: Discs, downloads: Downloads) -> None:
    app = Flask("test")
    app.register_blueprint(
        create_blueprint(service, Pictures(), downloads, Connection(STUDIO), options=Options(prelabel=False))
    )
    body = golden("request-opened")
    response = app.test_client().post("/predict", json={**body, "tasks": body["tasks"] * 500})
    assert response.get_json() == {"results": []}
    assert (downloads.seen, service.asked) == ([], [])


def test_nothing_found_is_an_empty_prediction(http: FlaskClient, service: Discs) -> None:
    service.empty = True
    assert answered(http, golden("request-clicks-1")) == {
        "result": [],
        "score": 0.0,
        "model_version": "discs-1",
    }


def test_alt_clicks_alone_are_an_empty_prediction(http: FlaskClient, service: Discs) -> None:
    body = golden("request-clicks-1")
    for item in body["params"]["context"]["result"]:
        item["is_positive"] = False
    assert answered(http, body)["result"] == []
    assert service.asked == []


def test_drafts_that_cannot_be_read_are_passed_over(http: FlaskClient) -> None:
    body = golden("request-clicks-1")
    body["tasks"][0]["drafts"] = [{"result": [{"value": {"rle": "not even a list"}}]}, 7]
    assert answered(http, body)["result"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda body: body.pop("tasks"), "tasks: Field required"),
        (lambda body: body.update(tasks=[]), "tasks: expected one task with the clicks, got 0"),
        (
            lambda body: body.update(tasks=body["tasks"] * 2),
            "tasks: expected one task with the clicks, got 2",
        ),
        (
            lambda body: body.pop("label_config"),
            "label_config: expected the project's labelling configuration",
        ),
        (lambda body: body.update(label_config="<View>"), "expected well-formed XML"),
        (
            lambda body: body["tasks"][0].update(data={"photo": "/data/a.png"}),
            "expected 'image', which the Image",
        ),
        (lambda body: body["tasks"][0].update(data={"image": ["/data/a.png"]}), "expected a URL or a path"),
        (
            lambda body: body["params"]["context"]["result"][0]["value"].update(x=-3.0),
            "click x: expected 0 to 100",
        ),
        (
            lambda body: body["params"]["context"]["result"][0].update(original_width=399),
            "expected the shape",
        ),
    ],
)
def test_what_cannot_be_answered_is_refused_in_one_line(
    http: FlaskClient, change: Change, message: str
) -> None:
    body = golden("request-clicks-1")
    change(body)
    assert message in refused(http, body)


def test_a_refusal_names_the_task_in_the_log(
    http: FlaskClient, downloads: Downloads, caplog: pytest.LogCaptureFixture
) -> None:
    downloads.body = b"no image"
    assert "expected WIDTHxHEIGHT" in refused(http, golden("request-clicks-1"))
    assert "task 2 of project '2." in caplog.text
    assert "expected WIDTHxHEIGHT" in caplog.text


@pytest.mark.parametrize(("refusal", "status"), [(ImageTooLarge, 413), (ImageRejected, 400)])
def test_an_image_that_is_too_large_has_a_status_of_its_own(
    service: Discs, refusal: type[ImageRejected], status: int
) -> None:
    def download(url: str, headers: Mapping[str, str]) -> bytes:
        raise refusal("image: expected another\none")

    app = Flask("test")
    app.register_blueprint(create_blueprint(service, Pictures(), download, Connection(STUDIO)))
    response = app.test_client().post("/predict", json=golden("request-clicks-1"))
    assert (response.status_code, response.get_json()) == (status, {"error": "image: expected another one"})


@pytest.mark.parametrize("route", ["/setup", "/predict", "/webhook"])
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff", b"[" * 5000, b'{"action": NaN, "tasks": NaN, "project": NaN}'],
)
def test_bodies_that_are_no_message_are_refused(http: FlaskClient, route: str, body: bytes) -> None:
    response = http.post(route, data=body, content_type="application/json")
    assert (response.status_code, list(response.get_json())) == (400, ["error"])


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
def test_what_a_foreign_page_could_send_unasked_is_refused(http: FlaskClient, kind: str | None) -> None:
    response = http.post("/predict", data=json.dumps(golden("request-clicks-1")), content_type=kind)
    assert response.status_code == 400
    assert "application/json" in response.get_json()["error"]


def test_webhooks_are_accepted_and_counted(http: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        for count in (1, 2):
            response = http.post("/webhook", json=golden("request-annotation-created"))
            assert response.status_code == 201
            assert response.get_json() == {"action": "ANNOTATION_CREATED", "count": count}
        assert http.post("/webhook", json={"action": "LABEL_LINK_CREATED\nforged"}).get_json() == {
            "action": "other",
            "count": 1,
        }
    assert "webhook 'ANNOTATION_CREATED'" in caplog.text
    assert "\nforged" not in caplog.text
