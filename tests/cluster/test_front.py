"""The front before applications in this process: what it does by itself, and where requests go."""

import io
import json
import re

import pytest
from flask import Flask

from backend.app import create_app
from backend.bodies import CLICKS, NAMES
from backend.cluster.calls import Answer, Call, carry_out
from backend.cluster.front import METHODS, behind_front, create_front
from backend.cluster.routing import Destination
from backend.commands.serve import create_routes
from backend.settings import Settings, load_settings
from model import Predictor
from model.errors import Unavailable
from plugins.cvat.routes import MOST_BYTES
from tests.cluster.asking import photo
from tests.plugins.labelstudio.doubles import GOLDEN


def front(settings: Settings, *applications: Flask, sent: list[Destination]) -> Flask:
    """A front that sends what is for one to the first."""

    def send(destination: Destination, call: Call) -> dict[str, Answer]:
        sent.append(destination)
        chosen = applications if destination.every else applications[:1]
        return {str(number): carry_out(app, call) for number, app in enumerate(chosen)}

    return create_front(settings, create_routes(), send)


def test_uploads_and_clicks_name_the_same_image(settings: Settings, predictor: Predictor):
    sent: list[Destination] = []
    client = front(settings, create_app(settings, predictor), sent=sent).test_client()
    data = photo(1)
    image = client.post("/api/images", data=data, content_type="image/png").get_json()["image"]
    form = {"image": (io.BytesIO(data), "photo.png")}
    assert client.post("/api/images", data=form).get_json()["image"] == image
    clicks = [{"x": 80, "y": 60, "role": "select"}]
    answer = client.post("/api/segment", json={"image": image, "clicks": clicks})
    assert answer.status_code == 200
    assert sent == [Destination(key=image)] * 3


def test_requests_are_counted_before_they_are_sent(predictor: Predictor):
    settings, sent = load_settings(threads=1, rate_limit=2), []
    client = front(settings, create_app(behind_front(settings), predictor), sent=sent).test_client()
    assert [client.get("/api/functions").status_code for _ in range(3)] == [200, 200, 429]
    assert len(sent) == 2
    assert client.get("/health").status_code == 200
    assert client.get("/").headers["X-Content-Type-Options"] == "nosniff"


def test_what_the_front_says_itself_is_said_as_by_the_service(settings: Settings, predictor: Predictor):
    app = create_app(settings, predictor)
    client, alone = front(settings, app, sent=[]).test_client(), app.test_client()
    one, two = (each.head("/", buffered=True) for each in (alone, client))
    assert int(two.headers["Content-Length"]) == int(one.headers["Content-Length"]) > 0
    assert client.get("/").data == alone.get("/", buffered=True).data

    def fails(_destination: Destination, _call: Call) -> dict[str, Answer]:
        raise RuntimeError("broken")

    answer = create_front(settings, create_routes(), fails).test_client().get("/")
    assert answer.status_code == 500
    assert answer.get_json()["request"] == answer.headers["X-Request-ID"]
    refused = client.open("/", method="TRACE")
    assert refused.status_code == 405
    assert "error" in refused.get_json()
    for each in (answer, refused):
        assert each.headers["X-Content-Type-Options"] == "nosniff"


def test_figures_of_all_are_one_answer(settings: Settings, predictor: Predictor):
    applications = [create_app(settings, predictor) for _ in range(2)]
    answer = front(settings, *applications, sent=[]).test_client().get("/metrics")
    assert answer.status_code == 200
    for number in range(2):
        assert f'boundaryclick_up{{part="model",replica="{number}"}} 1.0' in answer.text
    assert answer.text.count("# HELP boundaryclick_up ") == 1


def test_nobody_there_is_said_as_such(settings: Settings):
    def send(_destination: Destination, _call: Call) -> dict[str, Answer]:
        raise Unavailable("service: nobody is there")

    answer = create_front(settings, create_routes(), send).test_client().get("/")
    assert (answer.status_code, answer.get_json()["error"]) == (503, "service: nobody is there")
    assert answer.headers["Retry-After"]


def test_strangers_get_no_further_than_the_front(predictor: Predictor):
    settings, sent = load_settings(threads=1, access_token="a-token"), []
    app = create_app(settings, predictor)
    client, alone = front(settings, app, sent=sent).test_client(), app.test_client()
    asked = {
        (re.sub("<.*?>", "1", rule.rule), method) for rule in app.url_map.iter_rules() for method in METHODS
    }
    passed = set()
    for path, method in sorted(asked):
        sent.clear()
        status = client.open(path, method=method).status_code
        assert status == alone.open(path, method=method).status_code, (method, path)
        # Where CVAT has routes the replica may refuse the method, too.
        assert len(sent) == (status != 401) or path.startswith("/api/function"), (method, path)
        passed |= {path} if sent else set()
    assert "/predict" not in passed
    assert {"/", "/health", "/api/functions"} <= passed


@pytest.mark.parametrize(
    ("path", "most", "status"),
    [
        ("/api/segment", CLICKS, 413),
        ("/api/learning/jobs", NAMES, 413),
        ("/", MOST_BYTES, 413),
        ("/versions", NAMES, 200),
        ("/predict", 256 << 20, 413),
    ],
)
def test_no_more_of_a_body_is_read_than_is_of_use(
    settings: Settings, predictor: Predictor, path: str, most: int, status: int
):
    class Untouched(io.BytesIO):
        def read(self, *_: object) -> bytes:
            raise AssertionError("read")

        readline = readinto = read

    app, sent = create_app(settings, predictor), []
    large = {
        "method": "POST",
        "content_type": "application/json",
        "input_stream": Untouched(),
        "environ_overrides": {"CONTENT_LENGTH": str(most + 1)},
    }
    answer = front(settings, app, sent=sent).test_client().open(path, **large)
    alone = app.test_client().open(path, **large)
    assert (answer.status_code, answer.data) == (alone.status_code, alone.data)
    assert answer.status_code == status
    assert sent == [Destination()]


@pytest.mark.parametrize("name", [rb'"\q"', b"012", b'"\xff"', b'"a\nb"'])
def test_a_task_that_cannot_be_read_is_refused_as_by_the_service(
    settings: Settings, predictor: Predictor, name: bytes
):
    app = create_app(settings, predictor)
    body = {"data": b'{"tasks":[{"id":%s}]}' % name, "content_type": "application/json"}
    answers = [each.test_client().post("/predict", **body) for each in (app, front(settings, app, sent=[]))]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert answers[0].data == answers[1].data


def test_label_studio_names_the_task_where_it_is_looked_for():
    for name in ("opened", "clicks-1", "role-attributes"):
        body = (GOLDEN / f"request-{name}.json").read_bytes()
        key = f"labelstudio task {json.loads(body)['tasks'][0]['id']}"
        assert create_routes().of("POST", "/predict", "application/json", body) == Destination(key=key)
