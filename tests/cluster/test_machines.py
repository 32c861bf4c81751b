"""Two services as on two machines, a worker that fine-tunes, and what they share: PostgreSQL, Redis, and nginx."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis import Redis

from backend.decoding import ImageLimits
from backend.images import ImageStore
from backend.learning import Learning
from model import load_predictor
from model.runtimes.pytorch import checkpoint_of
from tests.backend.learning.material import PROJECT, photos, record
from tests.backend.learning.test_heads import promoted
from tests.backend.store import postgresql
from tests.cluster.asking import SECONDS, Asker, regions
from tests.cluster.needs import missing
from tests.cluster.servers import nginx, redis_server
from tests.end_to_end.serving import ROOT, end_group, serving

TASKS = range(60, 76)


class Cluster:
    """Two machines, nginx before them, and the environment that they share."""

    def __init__(self, weights: Path, stack: ExitStack) -> None:
        programs = postgresql.found()
        if programs is None:
            missing("needs PostgreSQL's server programs: install the package postgresql")
        self.database = stack.enter_context(postgresql.postgresql(programs))
        self.redis = stack.enter_context(redis_server())
        self.environment = {
            "BOUNDARYCLICK_DATABASE_URL": self.database,
            "BOUNDARYCLICK_QUEUE_URL": self.redis,
            "BOUNDARYCLICK_WEIGHTS": str(weights),
            "BOUNDARYCLICK_TRUSTED_PROXIES": "1",
        }
        self.stack = stack
        self.machines = [Asker(stack.enter_context(serving(self.environment))) for _ in range(2)]
        self.front = Asker(
            stack.enter_context(nginx([urlsplit(machine.url).netloc for machine in self.machines]))
        )

    def learning(self) -> Learning:
        """The store that they share."""
        return Learning(self.database, ImageStore(ImageLimits(1 << 24, 1 << 24), 1 << 24, 60.0))


@pytest.fixture(scope="module")
def cluster(weights: Path) -> Iterator[Cluster]:
    with ExitStack() as stack:
        yield Cluster(weights, stack)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def begun(machine: Asker) -> float:
    return sum(machine.encoded().values())


def test_the_clicks_on_an_image_meet_one_machine(cluster: Cluster):
    before = [begun(machine) for machine in cluster.machines]
    for task in TASKS:
        for count in (1, 2, 3, 1):
            assert regions(cluster.front.predict(task, task, count))
    for seed in (80, 81, 82):
        for count in (1, 2):
            assert cluster.front.invoke(seed, count).json()
    image = cluster.front.upload(85)
    for count in (1, 2):
        assert cluster.front.segment(image, 85, count).status_code == 200
    grown = [begun(machine) - old for machine, old in zip(cluster.machines, before, strict=True)]
    assert sum(grown) == len(TASKS) + 3 + 1, "each object is encoded once, by one of them"
    assert all(grown), "both have work"


def test_a_job_that_one_machine_asks_for_is_done_by_the_worker_of_another(cluster: Cluster, tmp_path: Path):
    store = cluster.learning()
    record(store, photos(tmp_path / "photos", range(3)))
    store.close()
    asked = cluster.front.post("/api/learning/jobs", json={"project": PROJECT})
    assert asked.status_code == 202
    with Redis.from_url(cluster.redis) as redis:
        (message,) = redis.lrange("huey.redis.boundaryclick", 0, -1)
    assert json.loads(message)["name"].endswith("worker.work"), "JSON, not a pickle"
    worker = subprocess.Popen(
        [sys.executable, "-m", "backend.cli", "learn", "--worker"],
        cwd=ROOT,
        env={**os.environ, **cluster.environment, "BOUNDARYCLICK_LEARN_AFTER": "0"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert worker.stdout is not None
        assert "ready to learn" in worker.stdout.readline()

        def job() -> dict[str, Any]:
            jobs = cluster.machines[1].get("/api/learning").json()["jobs"]
            return next(each for each in jobs if each["id"] == asked.json()["id"])

        until(lambda: job()["state"] not in ("waiting", "running"))
        # That has been found out by the worker, which alone looks at them.
        assert job()["state"] == "done"
        assert "too few corrections" in job()["result"]["reason"]
    finally:
        worker.terminate()
        try:
            worker.wait(SECONDS)
        finally:
            end_group(worker)
            worker.stdout.close()
    assert worker.returncode == 0


def test_a_version_that_is_promoted_through_one_answers_from_both(cluster: Cluster, weights: Path):
    store = cluster.learning()
    name = promoted(store, checkpoint_of(load_predictor(weights)), "", 2.0)
    store.versions.roll_back("")
    store.close()
    until(lambda: all(each.get("/health").json()["model_version"] != name for each in cluster.machines))
    answer = cluster.machines[0].post("/api/learning/promote", json={"version": name})
    assert answer.status_code == 200, answer.text
    until(lambda: all(each.get("/health").json()["model_version"] == name for each in cluster.machines))
    answers = [each.predict(90, 90, 2).json() for each in cluster.machines]
    assert answers[0] == answers[1]
    assert answers[0]["results"][0]["model_version"] == name


def test_a_machine_that_is_killed_takes_nobodys_work_with_it(cluster: Cluster):
    """The last test: one of the machines does not come back."""
    before = [cluster.front.predict(task, task, 3).json() for task in TASKS]
    asked = cluster.machines[0].post("/api/learning/jobs", json={"project": "of-a-machine-that-is-killed"})
    assert asked.status_code == 202
    port = urlsplit(cluster.machines[0].url).port
    masters = [
        int(folder.name)
        for folder in Path("/proc").glob("[0-9]*")
        if _listens(folder, port) and "backend.cli" in _command(folder)
    ]
    assert masters
    for process in masters:
        os.kill(process, signal.SIGKILL)
    assert [cluster.front.predict(task, task, 3).json() for task in TASKS] == before
    jobs = cluster.front.get("/api/learning").json()["jobs"]
    assert asked.json()["id"] in [job["id"] for job in jobs], "the store is there"


def _command(folder: Path) -> str:
    try:
        return (folder / "cmdline").read_text()
    except OSError:
        return ""


def _listens(folder: Path, port: int | None) -> bool:
    """Whether a process holds the socket that listens at the port."""
    try:
        held = {str(link.readlink()) for link in (folder / "fd").iterdir()}
    except OSError:
        return False
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = {
        f"socket:[{line[9]}]" for line in lines if line[3] == "0A" and line[1].endswith(f":{port:04X}")
    }
    return bool(held & listening)
