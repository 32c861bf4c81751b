"""Work ahead of the first click, in the background."""

from collections.abc import Callable
from threading import Lock, Thread

Job = Callable[[], None]


class Warmer:
    """Runs jobs one at a time in the background; of those that wait, only the newest is kept.

    An annotator who leafs through tasks leaves a trail of jobs, and only the open task is worth the work.
    A job must deal with its own errors.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: Job | None = None
        self._running = False

    def offer(self, job: Job) -> None:
        """Run `job` soon; returns at once."""
        with self._lock:
            self._waiting = job
            if self._running:
                return
            self._running = True
        Thread(target=self._work, name="labelstudio-warmer", daemon=True).start()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            job()

    def _next(self) -> Job | None:
        with self._lock:
            job, self._waiting = self._waiting, None
            self._running = job is not None
            return job
