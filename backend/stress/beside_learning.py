"""Clicks beside a fine-tuning: how long a boundary click takes with nothing else to do, and in each stage of a job.

python -m model.fine_tuning.tissue tissue --images 134
python -m backend.stress.beside_learning folder:tissue

Starts a service with a database of its own, imports the data set as corrections, clicks for a while, asks for a job,
clicks until it has ended, and for a while again. About three quarters of the objects are trained on, as in any job.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import requests

from backend.benchmarking import click_beside, commit, hardware
from backend.served import serving, settings_apart
from backend.store import ALL
from backend.stress.clients import SECONDS, Client, Photo, Tally
from backend.stress.plays import unpacked
from model.clicks import Click
from model.errors import BoundaryClickError

ALONE, WAITING = "alone", "waiting"
"""Stages beside those that a job names: no job, and one that nobody has begun."""

SIZE = (640, 480)
CLICKS = 20
"""On a photo, the selection included; the next one is new to the service."""

WATCHED_SECONDS = 0.5
MOST_FAILURES = 20
"""Times in a row that the service may say nothing of the job."""

OPEN = ("waiting", "running")


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Attributes:
        dataset: LAYOUT:PATH, as `boundaryclick import` takes it.
        alone: boundary clicks before the job, and as many after it.
        pause: seconds between an answer and the next click.
        threads: of the service's networks; 0: every core.
    """

    dataset: str
    alone: int
    pause: float
    threads: int = 0


def measure(plan: Plan) -> dict[str, Any]:
    """Figures as JSON values; raises BoundaryClickError if anything is refused or the job fails."""
    with tempfile.TemporaryDirectory() as folder:
        # No job but the one that is asked for.
        settings = {**settings_apart(folder), "BOUNDARYCLICK_LEARN_AFTER": "0"}
        _import(plan.dataset, settings)
        with serving(["--threads", str(plan.threads)], settings) as service:
            jobs, tally = Jobs(service.url), Tally()
            client = Client(service.url, 0, tally)
            clicks = _boundary_clicks(client, plan.pause, jobs.stage, tally)
            _make(clicks, plan.alone)
            with jobs.watched():
                while jobs.running:
                    next(clicks)
            job = jobs.told()
            _make(clicks, plan.alone)
            client.close()
    return {
        "hardware": hardware(),
        "commit": commit(),
        "pause_s": plan.pause,
        "job": job,
        "boundary_clicks": tally.as_json()["kinds"],
    }


def _make(clicks: Iterator[None], count: int) -> None:
    for _ in range(count):
        next(clicks)


def _boundary_clicks(client: Client, pause: float, stage: Callable[[], str], tally: Tally) -> Iterator[None]:
    """One boundary click beside the contour at a time, on ever new photos; each counts for the stage it began in."""
    number = 0
    while True:
        photo, number = Photo(number, *SIZE), number + 1
        clicks = [Click(photo.width / 2, photo.height / 2, "select")]
        mask = unpacked(client.ask("page", photo, clicks), photo)
        for count in range(1, CLICKS):
            time.sleep(pause)
            clicks.append(click_beside(mask, count))
            kind, began = stage(), time.perf_counter()
            mask = unpacked(client.ask("page", photo, clicks), photo)
            tally.count(kind, time.perf_counter() - began, True, "")
            yield


class Jobs:
    """The one job of a service's only project, besides that of all projects."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._job: dict[str, Any] = {}
        self._lost: BoundaryClickError | None = None
        self._ended = threading.Event()

    @property
    def running(self) -> bool:
        """Whether it has not ended, as far as is known; BoundaryClickError if the service tells nothing of it."""
        if self._lost:
            raise self._lost
        return self._job.get("state") in OPEN

    def stage(self) -> str:
        """The name of what is being done."""
        job = self._job  # another thread replaces it
        return (job["stage"] or WAITING) if job.get("state") in OPEN else ALONE

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Ask for the job, and follow it during the body."""
        projects = [each["project"] for each in self._state()["projects"] if each["project"] != ALL]
        if not projects:
            raise BoundaryClickError("corrections: expected some that can be used, got none")
        self._job = self._asked("post", "/api/learning/jobs", json={"project": projects[0]})
        watcher = threading.Thread(target=self.watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            self._ended.set()
            watcher.join()

    def told(self) -> dict[str, Any]:
        """What came of it."""
        if self._job["state"] != "done":
            raise BoundaryClickError(
                f"job: expected it to be done, it is {self._job['state']}: {self._job['error']}"
            )
        started, ended = (datetime.fromisoformat(self._job[name]) for name in ("started", "ended"))
        return {"seconds": round((ended - started).total_seconds()), "result": self._job["result"]}

    def watch(self) -> None:
        """Ask how it stands, again and again, until nobody wants to know any more or the service is silent."""
        failures = 0
        while not self._ended.wait(WATCHED_SECONDS):
            try:
                (self._job,) = (each for each in self._state()["jobs"] if each["id"] == self._job["id"])
                failures = 0
            except (BoundaryClickError, ValueError) as error:
                failures += 1
                if failures == MOST_FAILURES:
                    self._lost = BoundaryClickError(f"job: expected to hear of it, got: {error}")
                    return

    def _state(self) -> dict[str, Any]:
        return self._asked("get", "/api/learning")

    def _asked(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        try:
            with requests.Session() as session:
                session.trust_env = False  # the service runs here, where no proxy can reach it
                answer = session.request(method, self._url + path, timeout=SECONDS, **body)
                answer.raise_for_status()
                found: dict[str, Any] = answer.json()
        except requests.RequestException as error:
            raise BoundaryClickError(f"{path}: expected an answer, got {error}") from error
        return found


def _import(dataset: str, settings: Mapping[str, str]) -> None:
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "backend.cli", "import", dataset],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BoundaryClickError(done.stderr.strip() or f"import: ended with {done.returncode}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print figures as JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m backend.stress.beside_learning", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "dataset", metavar="LAYOUT:PATH", help="corrections, as `boundaryclick import` takes them"
    )
    parser.add_argument(
        "--alone", type=int, default=150, help="clicks before and after the job (default: 150)"
    )
    parser.add_argument("--pause", type=float, default=0.5, help="seconds between clicks (default: 0.5)")
    parser.add_argument(
        "--threads", type=int, default=0, help="of the service's networks (default: every core)"
    )
    args = parser.parse_args(arguments)
    if args.alone < 1 or args.pause < 0 or args.threads < 0:
        parser.error("expected --alone of at least 1, --pause and --threads not below 0")
    try:
        print(json.dumps(measure(Plan(args.dataset, args.alone, args.pause, args.threads)), indent=2))
    except BoundaryClickError as error:
        print(f"beside_learning: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
