"""User name and password on the routes of the service."""

from base64 import b64encode
from collections.abc import Mapping

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend.access import Rate
from backend.app import create_app
from backend.settings import load_settings
from model import Predictor
from model.errors import SettingsError

USER, PASSWORD = "backend", "päss:word"


def basic(user: str, password: str) -> Mapping[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


@pytest.fixture(scope="module")
def guarded(predictor: Predictor) -> Flask:
    settings = load_settings(threads=1, basic_auth_user=USER, basic_auth_pass=PASSWORD, database_url="none")
    return create_app(settings, predictor)


@pytest.fixture
def client(guarded: Flask) -> FlaskClient:
    return guarded.test_client()


@pytest.mark.parametrize(
    "headers",
    [{}, basic(USER, "wrong"), basic("wrong", PASSWORD), basic("", ""), {"Authorization": "Bearer x"}],
    ids=["none", "password", "user", "empty", "another scheme"],
)
@pytest.mark.parametrize(
    "path", ["/api/images", "/setup", "/predict", "/webhook", "/versions", "/api/segment", "/nowhere"]
)
def test_who_does_not_know_it_is_refused(client: FlaskClient, path: str, headers: Mapping[str, str]) -> None:
    response = client.post(path, json={"action": "PROJECT_UPDATED"}, headers=headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Basic ")
    assert "BASIC_AUTH_USER" in response.get_json()["error"]


def test_the_pages_ask_for_it(client: FlaskClient) -> None:
    for path in ("/", "/learning", "/assets/page.css", "/metrics"):
        assert client.get(path).status_code == 401


def test_who_knows_it_is_answered(client: FlaskClient) -> None:
    known = basic(USER, PASSWORD)
    assert client.post("/webhook", json={"action": "PROJECT_UPDATED"}, headers=known).status_code == 201
    assert client.get("/versions", headers=known).status_code == 200


def test_those_who_cannot_log_in_are_answered_without(client: FlaskClient) -> None:
    assert client.get("/health").status_code == 200
    assert client.get("/api/functions").status_code == 200


def test_troubles_are_shown_to_those_who_have_logged_in(client: FlaskClient) -> None:
    known = basic(USER, PASSWORD)
    for _ in range(2):
        assert (
            client.post(
                "/predict", json={"tasks": [{"id": "x"}], "label_config": 7}, headers=known
            ).status_code
            == 400
        )
    assert client.get("/ready").get_json()["errors"] == []
    (trouble,) = client.get("/ready", headers=known).get_json()["errors"]
    assert trouble["count"] == 2
    assert trouble["line"].startswith("/predict: label_config: ")


@pytest.mark.parametrize("half", [{"basic_auth_user": USER}, {"basic_auth_pass": PASSWORD}])
def test_one_without_the_other_is_a_mistake(predictor: Predictor, half: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="BASIC_AUTH_USER, BASIC_AUTH_PASS: expected both"):
        create_app(load_settings(threads=1, database_url="none", **half), predictor)


TOKEN = "a-token-for-programs"


def test_a_token_does_instead(predictor: Predictor) -> None:
    settings = load_settings(threads=1, access_token=TOKEN, database_url="none")
    client = create_app(settings, predictor).test_client()
    for wrong in ({}, {"Authorization": "Bearer "}, {"Authorization": f"Bearer {TOKEN}x"}, basic("", "")):
        refused = client.get("/versions", headers=wrong)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"] == 'Bearer realm="boundaryclick"'
    assert client.get("/versions", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert TOKEN not in repr(settings)


def test_every_answer_forbids_foreign_pages_and_contents(client: FlaskClient) -> None:
    for path in ("/", "/health", "/nowhere", "/api/functions"):
        headers = client.get(path).headers
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"


def test_a_minutes_requests_may_come_at_once_and_then_one_by_one() -> None:
    rate = Rate(3)
    assert [rate.wait("a", 0.0) for _ in range(3)] == [0.0] * 3
    assert rate.wait("a", 0.0) == pytest.approx(20.0)
    assert rate.wait("b", 0.0) == 0.0
    assert rate.wait("a", 10.0) == pytest.approx(10.0)
    assert rate.wait("a", 20.5) == 0.0
    assert rate.wait("a", 20.5) > 0


def test_who_asks_too_often_is_told_how_long_to_wait(predictor: Predictor) -> None:
    settings = load_settings(threads=1, rate_limit=2, trusted_proxies=1, database_url="none")
    client = create_app(settings, predictor).test_client()

    def ask(client_behind_the_proxy: str) -> TestResponse:
        return client.get("/versions", headers={"X-Forwarded-For": client_behind_the_proxy})

    assert [ask("192.0.2.1").status_code for _ in range(2)] == [200, 200]
    refused = ask("192.0.2.1")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert "BOUNDARYCLICK_RATE_LIMIT" in refused.get_json()["error"]
    assert ask("192.0.2.2").status_code == 200
    assert client.get("/health", headers={"X-Forwarded-For": "192.0.2.1"}).status_code == 200
