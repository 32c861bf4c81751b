"""`serve --engine ray` with two replicas, each a process of its own."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.cli import main
from backend.cluster import serving as cluster
from backend.cluster.calls import Call
from backend.cluster.routing import Destination
from backend.settings import load_settings
from model.errors import SettingsError, Unavailable
from tests.cluster.asking import SECONDS, Asker
from tests.cluster.needs import need_ray
from tests.end_to_end.serving import serving

TOKEN = "a-token-of-the-cluster-tests"
LOGIN = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def alone(weights: Path) -> Iterator[Asker]:
    """The service in one process."""
    with serving({"BOUNDARYCLICK_WEIGHTS": str(weights), "BOUNDARYCLICK_ACCESS_TOKEN": TOKEN}) as url:
        yield Asker(url, LOGIN)


@pytest.fixture(scope="module")
def spread(weights: Path) -> Iterator[Asker]:
    need_ray()
    environment = {
        "BOUNDARYCLICK_ENGINE": "ray",
        "BOUNDARYCLICK_REPLICAS": "2",
        "BOUNDARYCLICK_WEIGHTS": str(weights),
        "BOUNDARYCLICK_ACCESS_TOKEN": TOKEN,
        "BOUNDARYCLICK_MAX_REQUEST_BYTES": "2000000",
    }
    with serving(environment) as url:
        yield Asker(url, LOGIN)


def processes(mark: str) -> list[int]:
    """Replicas that were started with a word in their environment, so not those of others on this machine."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = (folder / "cmdline").read_text(), (folder / "environ").read_text()
        except OSError:  # another's, or gone
            continue
        if "ServeReplica:boundaryclick" in command and mark in environment:
            found.append(int(folder.name))
    return found


def test_fronts_share_replicas_whatever_is_their_own(monkeypatch: pytest.MonkeyPatch):
    plan = cluster.Plan.of(load_settings(replicas=2))
    monkeypatch.setattr(cluster, "usable_cores", lambda: 64)
    own = {"port": 1, "rate_limit": 3, "trusted_proxies": 1, "log_level": "debug", "log_format": "json"}
    elsewhere = cluster.Plan.of(load_settings(replicas=2, **own))
    assert elsewhere.name == plan.name
    assert elsewhere.cpus == 32
    for other in ({"threads": 3}, {"weights": "other"}, {"access_token": "t"}, {"replicas_per_gpu": 2}):
        assert cluster.Plan.of(load_settings(**{"replicas": 2, **other})).name != plan.name


def test_replicas_without_ray_are_not_silently_left_out(capsys: pytest.CaptureFixture[str]):
    assert main(["serve", "--replicas", "2"]) == 2
    assert "replicas: expected --engine ray with 2 of them" in capsys.readouterr().err


def test_replicas_need_room_on_single_machines():
    plan = cluster.Plan.of(load_settings(replicas=3, threads=4, device="cuda", replicas_per_gpu=2))
    plan.require_room([{"CPU": 9.0, "GPU": 1.0}, {"CPU": 4.0, "GPU": 1.0}])
    for machines in ([{"CPU": 12.0}], [{"CPU": 16.0, "GPU": 1.0}], [{"CPU": 6.0, "GPU": 2.0}] * 2):
        with pytest.raises(
            SettingsError, match=r"3 of 4 CPUs and 0\.5 GPUs each to find room, got .* enough for [02];"
        ):
            plan.require_room(machines)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Ray's own
def test_a_request_that_ends_replicas_is_asked_of_two(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("ray")
    from ray.exceptions import RayActorError

    asked = []

    def ends(_self: object, _destination: Destination, call: Call, _seconds: float) -> None:
        asked.append(call.id)
        raise RayActorError

    monkeypatch.setattr(cluster.Replicas, "_sent", ends)
    call = Call({"PATH_INFO": "/predict", "HTTP_X_REQUEST_ID": "the-request"}, b"")
    with pytest.raises(Unavailable, match=r"the replica that was asked ended, 2 times; .* the-request"):
        cluster.Replicas(cluster.Plan.of(load_settings())).send(Destination(), call)
    assert asked == ["the-request"] * 2


def test_replicas_answer_as_one_process_does(alone: Asker, spread: Asker):
    image = alone.upload(1)
    assert spread.upload(1) == image
    for count in (1, 2):
        one, two = (asker.segment(image, 1, count).json() for asker in (alone, spread))
        assert (one["runs"], one["score"]) == (two["runs"], two["score"])
        one, two = (asker.predict(31, 2, count).json() for asker in (alone, spread))
        assert one == two
        assert one["results"][0]["result"]
        one, two = (asker.invoke(3, count).json() for asker in (alone, spread))
        assert one == two


def test_what_is_refused_is_refused_in_the_same_words(alone: Asker, spread: Asker):
    requests = {
        "a stranger": lambda asker: Asker(asker.url).predict(1, 1, 1),
        "no JSON": lambda asker: asker.post(
            "/predict", data=b"{", headers={"Content-Type": "application/json"}
        ),
        "no route": lambda asker: asker.get("/nowhere"),
        "an unknown image": lambda asker: asker.segment("0" * 64, 1, 1),
        "CVAT without image": lambda asker: asker.post("/", json={"pos_points": []}),
    }
    for name, ask in requests.items():
        one, two = ask(alone), ask(spread)
        assert (one.status_code, one.reason, one.json()) == (two.status_code, two.reason, two.json()), name
        assert one.status_code >= 400
        assert two.headers["X-Content-Type-Options"] == "nosniff"
        assert two.headers.get("WWW-Authenticate") == one.headers.get("WWW-Authenticate")
    large = spread.post("/api/images", data=bytes(2_000_001), headers={"Content-Type": "image/png"})
    assert large.status_code == 413
    assert "at most 2000000 bytes" in large.json()["error"]


def test_every_click_on_an_object_goes_to_the_replica_that_holds_it(spread: Asker):
    before = spread.encoded()
    for seed in range(20, 28):
        image = spread.upload(seed)
        for count in (1, 2, 3, 2):
            assert spread.segment(image, seed, count).status_code == 200
            assert spread.predict(seed, seed, count).status_code == 200
            assert spread.invoke(seed, count).status_code == 200
    begun = {labels: value - before[labels] for labels, value in spread.encoded().items()}
    assert len(begun) == 2
    # One object for each photo and tool, however many clicks; where two tools meet in one replica, they share it.
    assert 8 <= sum(begun.values()) <= 24
    assert all(begun.values()), "both replicas have work"


def test_what_label_studio_says_of_itself_reaches_every_replica(spread: Asker):
    answer = spread.post("/setup", json={"project": "9.1", "schema": "<View/>", "hostname": "http://studio"})
    assert answer.json()["model_version"] == spread.get("/health").json()["model_version"]
    asked = spread.figures("boundaryclick_request_seconds_count")
    assert sum("/setup" in labels for labels in asked) == 2


def test_a_replica_that_is_killed_takes_nobodys_work_with_it(spread: Asker):
    before = [spread.predict(task, task, 2).json() for task in range(40, 44)]
    victims = processes(TOKEN)
    assert len(victims) == 2
    os.kill(victims[0], signal.SIGKILL)
    assert [spread.predict(task, task, 2).json() for task in range(40, 44)] == before
    # Its successor: as many as before, and ready.
    deadline = time.monotonic() + SECONDS
    while len(spread.encoded()) < 2 or victims[0] in processes(TOKEN):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert spread.get("/ready").json()["ready"] is True
    learning = [labels for labels in spread.figures("boundaryclick_up") if "part=learning" in labels]
    assert len(learning) == 1, "one of them fine-tunes"


def test_replicas_that_cannot_start_say_so_in_one_line():
    need_ray()
    with (
        pytest.raises(AssertionError, match=r"boundaryclick serve: .*no-such\.safetensors"),
        serving({"BOUNDARYCLICK_ENGINE": "ray", "BOUNDARYCLICK_WEIGHTS": "no-such.safetensors"}),
    ):
        pass
