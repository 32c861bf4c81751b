from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from backend.app import QUEUE, create_app
from backend.cli import main
from backend.learning import Learning
from backend.settings import load_settings
from model import load_predictor
from model.runtimes.pytorch import checkpoint_of
from tests.backend.learning.material import PROJECT, photos, record
from tests.backend.learning.test_heads import promoted


@pytest.fixture
def page(tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    """A client of the application on the same database as `store`."""
    monkeypatch.setenv("BOUNDARYCLICK_DATABASE_URL", f"sqlite:///{tmp_path}/store.sqlite3")
    settings = load_settings(threads=1, weights=str(weights), learning_folder=tmp_path / "jobs")
    app = create_app(settings)
    yield app.test_client()
    app.extensions[QUEUE].close()


def test_the_page_shows_and_changes_what_is_learnt(
    page: FlaskClient, store: Learning, tmp_path: Path, weights: Path
) -> None:
    record(store, photos(tmp_path / "photos", range(2)))
    base = checkpoint_of(load_predictor(weights))
    first, second = promoted(store, base, PROJECT, 2.0), promoted(store, base, PROJECT, 3.0)
    assert page.post("/api/learning/promote", json={"version": second}).status_code == 200
    state = page.get("/api/learning").get_json()
    mine = next(each for each in state["projects"] if each["project"] == PROJECT)
    assert (mine["usable"], mine["fresh"], mine["version"]) == (2, 2, second)
    assert [each["state"] for each in state["versions"]] == ["promoted", "retired"]
    asked = page.post("/api/learning/jobs", json={"project": PROJECT})
    assert (asked.status_code, asked.get_json()["state"]) == (202, "waiting")
    number = asked.get_json()["id"]
    assert page.post(f"/api/learning/jobs/{number}/cancel", json={}).get_json() == {"cancelled": True}
    assert page.post("/api/learning/rollback", json={"project": PROJECT}).get_json() == {"version": first}
    assert page.post("/api/learning/promote", json={"version": second}).get_json() == {"version": second}
    shipped = page.post("/api/learning/promote", json={"version": "shipped", "project": PROJECT})
    assert shipped.get_json() == {"version": None}
    refused = page.post("/api/learning/rollback", json={"project": PROJECT})
    assert (refused.status_code, "found none" in refused.get_json()["error"]) == (400, True)
    with page.get("/learning") as shown:
        assert b"Learning from corrections" in shown.data


@pytest.mark.parametrize("path", ["jobs", "jobs/1/cancel", "promote", "rollback"])
def test_another_web_page_changes_nothing(page: FlaskClient, path: str) -> None:
    answer = page.post(
        f"/api/learning/{path}", data='{"project": "x", "version": "y"}', content_type="text/plain"
    )
    assert (answer.status_code, "application/json" in answer.get_json()["error"]) == (400, True)
    assert page.get("/api/learning").get_json()["jobs"] == []


def test_versions_are_managed_from_the_command_line(
    page: FlaskClient, store: Learning, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = checkpoint_of(load_predictor(weights))
    first, second = promoted(store, base, PROJECT, 2.0), promoted(store, base, PROJECT, 3.0)
    assert main(["models", "list"]) == 0
    listed = capsys.readouterr().out
    assert listed.index(second) < listed.index(first)
    assert main(["models", "rollback", "--project", PROJECT]) == 0
    assert capsys.readouterr().out == f"{first} answers for {PROJECT}\n"
    assert main(["models", "promote", second[:-2]]) == 0
    assert main(["models", "promote", "shipped", "--project", PROJECT]) == 0
    assert store.versions.promoted() == {}
    assert main(["models", "show", second]) == 0
    assert main(["models", "promote", "nothing"]) == 2
    assert main(["learn", "--project", "nothing"]) == 2
    assert "expected one with corrections (all)" in capsys.readouterr().err
