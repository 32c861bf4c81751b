"""User name and password on the routes of the service."""

from base64 import b64encode
from collections.abc import Mapping

import pytest
from flask import Flask
from flask.testing import FlaskClient

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
    "path", ["/", "/setup", "/predict", "/webhook", "/versions", "/api/segment", "/nowhere"]
)
def test_who_does_not_know_it_is_refused(client: FlaskClient, path: str, headers: Mapping[str, str]) -> None:
    response = client.post(path, json={"action": "PROJECT_UPDATED"}, headers=headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Basic ")
    assert "BASIC_AUTH_USER" in response.get_json()["error"]


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
