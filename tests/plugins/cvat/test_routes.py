"""The gateway, asked as each version of CVAT asks, in both of its ways to invoke a function."""

import json
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from model.errors import ImageRejected
from plugins.cvat import create_blueprint, routes
from plugins.cvat.prompts import RightClick
from tests.plugins.cvat.doubles import DASHBOARD, INVOKED, VERSIONS, Answers, golden, in_base64, store


@pytest.fixture
def service() -> Answers:
    return Answers()


def gateway(service: Answers, right_click: RightClick = "boundary") -> FlaskClient:
    app = Flask("test")
    app.register_blueprint(create_blueprint(service, store(), right_click))
    return app.test_client()


@pytest.fixture
def http(service: Answers) -> FlaskClient:
    return gateway(service)


def invoke(http: FlaskClient, body: Any, way: str = "direct", user_agent: str = "") -> TestResponse:
    route, headers = ("/", {}) if way == "direct" else ("/api/function_invocations", INVOKED)
    return http.post(route, json=body, headers={**headers, "User-Agent": user_agent})


def refused(response: TestResponse, status: int = 400) -> str:
    """The line that an invocation is refused with; the annotator sees it only in the status line."""
    line = str(response.get_json()["error"])
    assert response.status_code == status
    assert response.status == f"{status} {line}"
    assert "\n" not in line
    return line


@pytest.mark.parametrize("way", ["direct", "dashboard"])
@pytest.mark.parametrize("version", VERSIONS)
def test_each_version_gets_its_answer(http: FlaskClient, service: Answers, version: str, way: str) -> None:
    exchange = golden(version)
    response = invoke(http, exchange["body"], way, exchange["user_agent"])
    assert (response.status_code, response.mimetype) == (200, "application/json")
    assert response.get_json() == exchange["answer"]
    (clicks,) = service.asked
    assert [[click.x, click.y, click.role] for click in clicks] == exchange["clicks"]


@pytest.mark.parametrize("version", VERSIONS)
def test_each_version_survives_an_empty_answer(http: FlaskClient, service: Answers, version: str) -> None:
    exchange = golden(version)
    service.mask = np.zeros((6, 8), bool)
    assert invoke(http, exchange["body"], user_agent=exchange["user_agent"]).get_json() == exchange["nothing"]
    body = {**exchange["body"], "pos_points": [], "obj_bbox": []}
    assert invoke(http, body, user_agent=exchange["user_agent"]).get_json() == exchange["nothing"]
    assert len(service.asked) == 1


def test_the_function_is_listed_as_cvat_reads_it(http: FlaskClient) -> None:
    listed = http.get("/api/functions", headers=DASHBOARD, base_url="http://backend:9090").get_json()
    (item,) = listed.values()
    assert http.get("/api/functions/boundaryclick", base_url="http://backend:9090").get_json() == item
    annotations = item["metadata"]["annotations"]
    assert all(isinstance(value, str) for value in annotations.values())
    assert (item["metadata"]["name"], list(listed)) == ("boundaryclick", ["boundaryclick"])
    assert (annotations["type"], annotations["spec"]) == ("interactor", "")
    assert int(annotations["version"]) >= 2
    assert (int(annotations["min_pos_points"]), int(annotations["min_neg_points"])) == (1, 0)
    assert not [key for key in annotations if key.startswith("startswith_box")]
    assert item["spec"]["description"]
    assert item["status"] == {"state": "ready", "httpPort": 9090}


@pytest.mark.parametrize(
    ("url", "port"), [("http://backend", 80), ("https://b", 443), ("http://[::1]:81", 81)]
)
def test_direct_invocations_come_to_the_port_that_cvat_knows(http: FlaskClient, url: str, port: int) -> None:
    assert http.get("/api/functions/boundaryclick", base_url=url).get_json()["status"]["httpPort"] == port


def test_right_clicks_can_be_ignored(service: Answers) -> None:
    http = gateway(service, "ignore")
    invoke(http, golden("2.73")["body"])
    (clicks,) = service.asked
    assert [[click.x, click.y, click.role] for click in clicks] == golden("2.73")["clicks"][:2]
    annotations = http.get("/api/functions/boundaryclick").get_json()["metadata"]["annotations"]
    assert annotations["min_neg_points"] == "-1"
    assert "ignored" in annotations["help_message"]


def test_an_image_is_decoded_once(http: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    body = golden("2.73")["body"]
    assert invoke(http, body).status_code == 200

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr("base64.b64decode", fail)
    assert invoke(http, {**body, "neg_points": []}).status_code == 200
    assert invoke(http, {**body, "image": in_base64(Image.new("RGB", (8, 6)))}).status_code == 500


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": None}, "image: expected a valid string, got None"),
        ({"image": ""}, "image: String should have at least 1 character"),
        ({"image": "http://127.0.0.1/a.png"}, "image: expected a file in base64, got 22 characters"),
        ({"image": "c2VjcmV0"}, "image: expected JPEG"),
        ({"pos_points": None}, "pos_points: "),
        ({"pos_points": [[1, 2, 3]]}, "pos_points.0: "),
        ({"pos_points": [["1", 2]]}, "pos_points.0.0: expected a valid number, got str"),
        ({"pos_points": [[1, 2]] * 1001}, "pos_points: Tuple should have at most 1000 items"),
        ({"pos_points": [[-5, 2]]}, "click x: expected 0 to 8"),
        ({"neg_points": [[4, 7.5]]}, "click y: expected 0 to 6"),
        ({"obj_bbox": [1, 2]}, "obj_bbox.0: "),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line_without_the_image(
    http: FlaskClient, caplog: pytest.LogCaptureFixture, change: dict[str, Any], message: str
) -> None:
    line = refused(invoke(http, {**golden("2.73")["body"], **change}))
    assert line.startswith(message)
    assert f"invocation refused: {line}" in caplog.text
    assert golden("2.73")["body"]["image"][:12] not in caplog.text
    assert "c2VjcmV0" not in caplog.text


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 5000, b'{"image": NaN}'])
def test_bodies_that_are_no_interaction_are_refused(http: FlaskClient, body: bytes) -> None:
    assert refused(http.post("/", data=body, content_type="application/json"))


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
def test_what_a_foreign_page_could_send_unasked_is_refused(http: FlaskClient, kind: str | None) -> None:
    response = http.post("/", data=json.dumps(golden("2.73")["body"]), content_type=kind)
    assert "application/json" in refused(response)


@pytest.mark.parametrize("way", ["direct", "dashboard"])
def test_a_large_body_is_refused_before_it_is_read(
    http: FlaskClient, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(routes, "MOST_BYTES", 1000)
    body = {**golden("2.73")["body"], "image": "A" * 1000}
    assert "expected at most 1000 bytes" in refused(invoke(http, body, way), 413)


def test_an_image_beyond_the_limits_has_a_status_of_its_own(service: Answers) -> None:
    app = Flask("test")
    app.register_blueprint(create_blueprint(service, store(max_bytes=10)))
    assert "at most 10 bytes" in refused(invoke(app.test_client(), golden("2.73")["body"]), 413)


def test_the_status_line_cannot_be_broken(service: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ImageRejected("eins\r\nSet-Cookie: a=1\x00 zwölf " + 1000 * "x")

    monkeypatch.setattr(service, "predict", refuse)
    response = invoke(gateway(service), golden("2.73")["body"])
    assert response.status.startswith("400 eins Set-Cookie: a=1 zw?lf xxx")
    assert len(response.status) < 320
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("name", ["other", "boundaryclick2", "..", "a%2Fb"])
def test_other_functions_are_not_known(http: FlaskClient, name: str) -> None:
    assert http.get(f"/api/functions/{name}").status_code == 404
    response = http.post("/api/function_invocations", json={}, headers={"x-nuclio-function-name": name})
    assert "expected boundaryclick" in refused(response, 404)


@pytest.mark.parametrize("kind", ["L", "P", "RGBA", "1", "CMYK", "I;16"])
def test_images_come_in_all_modes(http: FlaskClient, kind: str) -> None:
    image = Image.new(kind, (8, 6))
    body = {**golden("2.73")["body"], "image": in_base64(image, "TIFF" if kind == "CMYK" else "PNG")}
    assert invoke(http, body).get_json() == golden("2.73")["answer"]
