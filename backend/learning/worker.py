"""Looks after jobs: takes one at a time, brings its images, starts the process that trains, and sees it to its end."""

import hashlib
import logging
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from backend.intake import Fetch
from backend.learning.gathering import chosen, gather
from backend.learning.keeping import Learning
from backend.learning.pausing import Pausable
from backend.learning.task import LOST, Task
from backend.store import Job, JobLost
from model.errors import StoreError
from model.loading import RuntimeName

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
RENEW_SECONDS = 15.0
STOP_SECONDS = 20.0
LONGEST_SECONDS = 4 * 3600.0
"""After so long a process is taken to hang."""

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Workplace:
    """What jobs are done with.

    Attributes:
        database: URL.
        folder: of this database's jobs; made when needed, emptied when they are done.
        threads: CPU threads of a training.
        replay: as in `Task`.
        after: so many new corrections of a project start a job; 0: never.
    """

    database: str
    folder: Path
    weights: str
    device: str
    runtime: RuntimeName
    threads: int
    replay: str | None
    after: int
    max_image_bytes: int
    max_image_pixels: int

    def job_folder(self, job: Job) -> Path:
        """Where a job keeps what it needs to go on; another database in the same place has other folders."""
        return self.folder / f"{self._prefix}{job.id}"

    def job_folders(self) -> list[Path]:
        """Those that are there."""
        return list(self.folder.glob(f"{self._prefix}*"))

    @property
    def _prefix(self) -> str:
        return f"{hashlib.sha256(self.database.encode()).hexdigest()[:8]}-job-"


class Worker:
    """Does jobs one after the other, in the thread that calls; thread safe.

    Args:
        fetchers: who gets the images of a tool's corrections.
    """

    def __init__(self, learning: Learning, workplace: Workplace, fetchers: Mapping[str, Fetch]) -> None:
        self._learning, self._place, self._fetchers = learning, workplace, fetchers
        self._owner = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._turn = threading.Lock()
        self._stopped = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._pausable = Pausable()

    def give_way(self, busy: bool) -> None:
        """The process that trains stands still as long as `busy` was the last thing said."""
        self._pausable.give_way(busy)

    def tend(self) -> None:
        """Ask for jobs where there are enough new corrections, then do all that wait. Logs what goes wrong."""
        try:
            if self._place.after > 0:
                self.ask_where(self._place.after, "corrections")
            self.work()
            self._tidy()
        except StoreError as error:
            log.warning("learning waits: %s", error)

    def ask_all(self) -> None:
        """Ask for jobs wherever there is a new correction; for a schedule. Logs what goes wrong."""
        try:
            self.ask_where(1, "schedule")
            self.work()
        except StoreError as error:
            log.warning("learning waits: %s", error)

    def ask_where(self, fewest: int, cause: str) -> list[Job]:
        """Ask for a job for every project with so many new corrections. Raises StoreError."""
        learning = self._learning
        collected = learning.projects.collected(learning.jobs.latest())
        return [
            learning.jobs.ask(each.project, cause, each.latest)
            for each in collected
            if each.project and each.fresh >= fewest
        ]

    def work(self, only: int | None = None) -> None:
        """Do every job that is due, or one of them; returns at once if this worker is at it. Raises StoreError."""
        if not self._turn.acquire(blocking=False):
            return
        try:
            while not self._stopped.is_set() and (job := self._learning.jobs.take(self._owner, only)):
                self._do(job)
        finally:
            self._turn.release()

    def close(self) -> None:
        """Stop: a job that is being done waits for the next start, and goes on from there."""
        self._stopped.set()
        self._pausable.terminate()
        if self._turn.acquire(timeout=STOP_SECONDS):
            self._turn.release()

    def _do(self, job: Job) -> None:
        log.info("job %d: learning from the corrections of %s", job.id, job.project or "all projects")
        folder = self._place.job_folder(job)
        error = ""
        try:
            self._bring_images(job, folder)
            error = self._train(job, folder)
        except JobLost:
            log.info("job %d was cancelled", job.id)
        except (OSError, StoreError) as failure:
            error = " ".join(str(failure).split())[:500]
        if error and not self._stopped.is_set():
            log.warning("job %d was interrupted: %s", job.id, error)
        if error or self._stopped.is_set():
            self._learning.jobs.put_back(job, error, counts=not self._stopped.is_set())
        ended = self._learning.jobs.get(job.id)
        if ended is None or ended.ended is not None:
            shutil.rmtree(folder, ignore_errors=True)
        if ended is not None and ended.ended is not None:
            log.info("job %d: %s %s", job.id, ended.state, ended.error or ended.result.get("reason", ""))

    def _tidy(self) -> None:
        """Remove what jobs have left behind that ended while nobody worked on them."""
        kept = {self._place.job_folder(job) for job in self._learning.jobs.open()}
        for folder in self._place.job_folders():
            if folder not in kept:
                shutil.rmtree(folder, ignore_errors=True)

    def _bring_images(self, job: Job, folder: Path) -> None:
        last = 0.0

        def report(share: float) -> None:
            nonlocal last
            if self._stopped.is_set():
                raise JobLost
            if time.monotonic() - last > POLL_SECONDS:
                last = time.monotonic()
                self._learning.jobs.report(job, "images", share)

        corrections = chosen(self._learning.corrections, job.project)
        missing = gather(corrections, self._fetchers, folder / "images", report)
        for reason, count in missing.items():
            log.warning("job %d: %d correction(s) are left out: %s", job.id, count, reason)

    def _train(self, job: Job, folder: Path) -> str:
        """Run the process to its end; returns what it died of, nothing if it ended in order."""
        place = self._place
        task = Task(
            job=job.id,
            owner=job.owner,
            database=SecretStr(place.database),
            folder=folder,
            weights=place.weights,
            device=place.device,
            runtime=place.runtime,
            threads=place.threads,
            replay=place.replay,
            max_image_bytes=place.max_image_bytes,
            max_image_pixels=place.max_image_pixels,
        )
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": str(task.threads),
            "OMP_WAIT_POLICY": "passive",  # threads that wait for each other give their cores to whoever has work
            "MALLOC_ARENA_MAX": "2",  # fewer heaps: what one thread has freed, the next one takes
            # What was freed stays with the process: each step asks for as much again, and the kernel clears new pages.
            "MALLOC_MMAP_MAX_": "0",
            "MALLOC_TRIM_THRESHOLD_": str(1 << 34),
        }
        with subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "backend.learning", str(os.getpid()), str(Path.cwd())],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            self._process = process
            self._pausable.start(process)
            try:
                return _see_to_its_end(process, task.model_dump_json(), self._watch(job, process))
            finally:
                self._process = None
                self._pausable.finish()
                process.kill()

    def _watch(self, job: Job, process: "subprocess.Popen[str]") -> Callable[[], None]:
        """Called every now and then: the job stays ours, a cancelled one ends, and so does one that hangs."""
        began = renewed = time.monotonic()

        def watch() -> None:
            nonlocal renewed
            now = time.monotonic()
            self._pausable.breathe()
            if self._stopped.is_set() or now - began > LONGEST_SECONDS:
                process.kill()
            elif now - renewed > RENEW_SECONDS:
                renewed = now
                try:
                    self._learning.jobs.renew(job)
                except JobLost:
                    process.kill()
                    raise
                except StoreError as error:
                    log.warning("job %d: %s", job.id, error)

        return watch


def _see_to_its_end(process: "subprocess.Popen[str]", message: str, watch: Callable[[], None]) -> str:
    """What the process died of."""
    errors, first = "", True
    while True:
        try:
            _, errors = process.communicate(message if first else None, timeout=POLL_SECONDS)
        except subprocess.TimeoutExpired:
            first = False
            watch()
            continue
        break
    if process.returncode == LOST:
        raise JobLost
    if process.returncode == 0:
        return ""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    return f"training ended with status {process.returncode}: {lines[-1][:300] if lines else 'no word'}"
