"""What Prometheus is told, after real clicks; and what /ready says while parts do not work."""

import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families as families

from backend.app import create_app
from backend.caching import ByteCache, CacheFigures
from backend.health import Bounded
from backend.learning import Learning
from backend.settings import load_settings
from model.errors import StoreError
from model.inference import Passes


def figures(client) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample by its name and labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families(answer.text)
        for sample in family.samples
    }


def told(client, name: str, **labels: str) -> float:
    return figures(client)["boundaryclick_" + name, frozenset(labels.items())]


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """The machine may be busy; how long something takes is not what is tested."""
    monkeypatch.setattr("backend.health.PATIENCE", 600.0)


@pytest.fixture
def clicked(client, photo_png):
    """A client whose page has selected an object and clicked its outline once, then taken that click back."""
    image = client.post("/api/images", data=photo_png).get_json()["image"]
    clicks = [{"x": 120, "y": 90, "role": "select"}, {"x": 165, "y": 90, "role": "boundary"}]
    for count in (1, 2, 1):
        answer = client.post("/api/segment", json={"image": image, "clicks": clicks[:count]})
        assert answer.status_code == 200
    return client


def test_clicks_their_stages_caches_and_requests_are_counted(clicked, predictor):
    known = figures(clicked)

    def value(name: str, **labels: str) -> float:
        return known["boundaryclick_" + name, frozenset(labels.items())]

    assert value("clicks_total", tool="page", role="select") == 1
    assert value("clicks_total", tool="page", role="boundary") == 1
    for stage in ("decode", "select", "boundary"):
        assert value("stage_seconds_count", stage=stage) == 1
        assert value("stage_seconds_sum", stage=stage) > 0
    assert value("stage_seconds_count", stage="wait") == 2
    assert value("request_seconds_count", route="/api/segment", status="200") == 3
    assert value("requests_running") == 1
    assert (value("cache_hits_total", cache="images"), value("cache_misses_total", cache="images")) == (3, 1)
    assert (value("cache_hits_total", cache="objects"), value("cache_misses_total", cache="objects")) == (
        2,
        1,
    )
    assert value("cache_bytes", cache="images") == 240 * 180 * 3
    assert value("cache_entries", cache="objects") == 1
    assert value("model_queue") == 0
    assert value("up", part="model") == value("up", part="database") == 1
    ((_, versions),) = [key for key in known if key[0] == "boundaryclick_info"]
    assert dict(versions)["answering"] == dict(versions)["shipped"] == predictor.version


def test_jobs_and_events_that_wait_are_told(client, monkeypatch):
    monkeypatch.setattr(Learning, "put", lambda self, tool, body: self.inbox.put(tool, body))
    before = figures(client)
    key = ("boundaryclick_learning_jobs", frozenset({("state", "waiting")}))
    answer = client.post("/api/learning/jobs", json={"project": "labelstudio/figures"})
    assert answer.status_code == 202
    assert figures(client)[key] == before[key] + 1
    job = answer.get_json()["id"]
    client.post(f"/api/learning/jobs/{job}/cancel", json={})
    assert figures(client)[key] == before[key]


def test_not_ready_without_the_database_and_ready_again_with_it(client, monkeypatch):
    def gone(_):
        raise StoreError("database x: expected to read it, got disk I/O error")

    with monkeypatch.context() as broken:
        broken.setattr("backend.store.jobs.JobStore.counts", gone)
        answer = client.get("/ready")
        assert answer.status_code == 503
        assert "disk I/O error" in answer.get_json()["error"]
        assert told(client, "up", part="database") == 0
        assert told(client, "up", part="model") == 1
    assert client.get("/ready").status_code == 200


def test_ready_again_once_the_model_works_again(clicked, photo_png, monkeypatch):
    def fail(*_):
        raise RuntimeError("out of memory")

    image = clicked.post("/api/images", data=photo_png).get_json()["image"]
    body = {"image": image, "clicks": [{"x": 30, "y": 30, "role": "select"}]}
    with monkeypatch.context() as broken:
        broken.setattr(Passes, "encode", fail)
        assert clicked.post("/api/segment", json=body).status_code == 500
        answer = clicked.get("/ready")
        assert (answer.status_code, answer.get_json()["error"]) == (503, "model: out of memory")
    assert clicked.get("/ready").status_code == 200


def test_what_is_told_without_login_names_no_folder(predictor, monkeypatch):
    settings = load_settings(threads=1, basic_auth_user="a", basic_auth_pass="b")
    client = create_app(settings, predictor).test_client()
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", auth=("a", "b")).status_code == 200

    def gone(_):
        raise StoreError("database /home/somebody: expected to read it, got an error")

    monkeypatch.setattr("backend.store.jobs.JobStore.counts", gone)
    assert client.get("/ready").get_json()["error"] == "database: does not work"
    assert "/home/somebody" in client.get("/ready", auth=("a", "b")).get_json()["error"]


def test_who_never_answers_is_asked_once_and_not_waited_for():
    asked, release = [], threading.Event()

    def ask() -> str:
        asked.append(1)
        release.wait()
        return "here"

    bounded = Bounded(ask, 0.01)
    for _ in range(3):
        with pytest.raises(TimeoutError, match="expected an answer"):
            bounded()
    assert asked == [1]
    release.set()
    assert Bounded(ask, 600)() == "here"


def test_a_cache_counts_what_is_asked_of_it():
    cache = ByteCache[str, bytes](10, len)
    assert cache.get("a") is None
    cache.put("a", b"12345")
    assert "a" in cache
    assert cache.get("a") == cache.pop("a") == b"12345"
    assert cache.pop("a") is None
    assert cache.figures == CacheFigures(hits=2, misses=2, nbytes=0, count=0)
