"""A real Nuclio beside the gateway: both lists together, everything else passed on, no harm when it fails."""

import socket
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from plugins.cvat import create_blueprint
from tests.plugins.cvat.doubles import DASHBOARD, INVOKED, Answers, golden, store
from tests.plugins.cvat.nuclio_double import OTHER, Dashboard, dashboard

AGENT = {"User-Agent": "CVAT/2.73.0 python-requests/2.33.1"}


@pytest.fixture
def nuclio() -> Iterator[Dashboard]:
    with dashboard() as state:
        yield state


def gateway(url: str) -> FlaskClient:
    app = Flask("test")
    app.register_blueprint(create_blueprint(Answers(), store(), upstream=url))
    return app.test_client()


@pytest.fixture
def http(nuclio: Dashboard) -> FlaskClient:
    return gateway(nuclio.url + "/")


@pytest.fixture
def nowhere() -> str:
    """An address where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


def test_both_lists_are_one(http: FlaskClient, nuclio: Dashboard) -> None:
    listed = http.get("/api/functions", headers={**DASHBOARD, **AGENT, "Authorization": "Token s"}).get_json()
    assert sorted(listed) == ["boundaryclick", "sam"]
    assert listed["sam"] == OTHER
    ((method, path, headers, _),) = nuclio.asked
    assert (method, path) == ("GET", "/api/functions")
    assert headers["x-nuclio-function-namespace"] == "nuclio"
    assert headers["x-nuclio-project-name"] == "cvat"
    assert headers["user-agent"] == AGENT["User-Agent"]
    assert "authorization" not in headers


def test_a_function_of_the_same_name_does_not_hide_ours(http: FlaskClient, nuclio: Dashboard) -> None:
    nuclio.listed = b'{"boundaryclick": {}}'
    assert http.get("/api/functions").get_json()["boundaryclick"]["spec"]["description"]


@pytest.mark.parametrize(
    ("status", "body"), [(500, b"{}"), (200, b"<html>"), (200, b"[]"), (302, b""), (200, b"{" + b" " * (17 << 20))]
)  # fmt: skip
def test_a_nuclio_out_of_order_does_not_hide_our_function(
    http: FlaskClient, nuclio: Dashboard, caplog: pytest.LogCaptureFixture, status: int, body: bytes
) -> None:
    nuclio.listed_status, nuclio.listed = status, body
    assert list(http.get("/api/functions").get_json()) == ["boundaryclick"]
    assert "the functions of Nuclio are left out" in caplog.text


def test_a_nuclio_that_is_not_there_does_not_hide_our_function(nowhere: str) -> None:
    http = gateway(nowhere)
    assert list(http.get("/api/functions").get_json()) == ["boundaryclick"]
    assert http.get("/api/functions/boundaryclick").status_code == 200
    assert (
        http.post("/api/function_invocations", json=golden("2.73")["body"], headers=INVOKED).status_code
        == 200
    )
    response = http.get("/api/functions/sam")
    line = response.get_json()["error"]
    assert response.status == f"502 {line}"
    assert line.startswith(f"Nuclio: expected an answer from {nowhere}, got ")


def test_another_function_is_described_by_nuclio(http: FlaskClient, nuclio: Dashboard) -> None:
    response = http.get("/api/functions/sam", headers=DASHBOARD)
    assert response.get_json() == OTHER
    assert "Set-Cookie" not in response.headers
    response = http.get("/api/functions/none")
    assert (response.status, response.get_json()) == ("404 No such function", {"error": "not here"})


@pytest.mark.parametrize("name", ["..", ".", "%2e%2e", "a b", "a?b", "sam%0d%0aX: y", "ä"])
def test_nuclio_is_asked_for_no_name_that_a_function_cannot_have(
    http: FlaskClient, nuclio: Dashboard, name: str
) -> None:
    assert http.get(f"/api/functions/{name}".replace("?", "%3F")).status_code in (404, 502)
    assert nuclio.asked == []


def test_another_function_is_invoked_by_nuclio(http: FlaskClient, nuclio: Dashboard) -> None:
    body = b'{"image": "' + b"A" * 3_000_000 + b'"}'
    headers = {**INVOKED, **AGENT, "x-nuclio-function-name": "sam", "Cookie": "secret=1"}
    response = http.post(
        "/api/function_invocations", data=body, headers=headers, content_type="application/json"
    )
    assert response.get_json() == {"blob": "A" * 100_000}
    ((method, path, seen, received),) = nuclio.asked
    assert (method, path) == ("POST", "/api/function_invocations")
    assert received == body
    assert (seen["content-type"], seen["content-length"]) == ("application/json", str(len(body)))
    assert (seen["x-nuclio-function-name"], seen["x-nuclio-path"]) == ("sam", "/")
    assert seen["x-nuclio-invoke-timeout"] == "120s"
    assert "cookie" not in seen


def test_our_function_never_goes_to_nuclio(http: FlaskClient, nuclio: Dashboard) -> None:
    body = golden("2.73")["body"]
    for route, headers in (("/", {}), ("/api/function_invocations", INVOKED)):
        assert (
            http.post(route, json=body, headers={**headers, **AGENT}).get_json() == golden("2.73")["answer"]
        )
    assert nuclio.asked == []


def test_a_gateway_that_is_its_own_upstream_does_not_ask_itself_for_ever(http: FlaskClient) -> None:
    listed = http.get("/api/functions", headers={"Via": "1.1 boundaryclick"}).get_json()
    assert list(listed) == ["boundaryclick"]
    response = http.get("/api/functions/sam", headers={"Via": "1.1 boundaryclick"})
    assert "got this one" in response.get_json()["error"]
