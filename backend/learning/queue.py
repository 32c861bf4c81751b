"""The queue: messages that there is work, and the clock. The jobs themselves are rows of the store."""

import json
import logging
from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from huey import RedisHuey, SqliteHuey, crontab
from huey.consumer import Consumer
from huey.registry import Message
from huey.serializer import Serializer

from backend.learning.worker import Worker
from model.errors import SettingsError

log = logging.getLogger(__name__)

NAME = "boundaryclick"
LONGEST_DELAY = 2.0
"""Seconds until a message is noticed; a file is looked at again and again."""


class Queue:
    """Rings for workers and, once started, is one: of this machine with a file, of many with Redis.

    Args:
        url: redis://HOST:PORT/N; None: a file in `folder`.
        schedule: minute, hour, day, month and weekday as cron has them, when to learn whatever is new; None: never.
    """

    def __init__(
        self, worker: Worker, folder: Path, url: str | None = None, schedule: str | None = None
    ) -> None:
        self.worker, self._folder, self._url, self._schedule = worker, folder, url, schedule
        self._consumer: Consumer | None = None

    @cached_property
    def _huey(self) -> Any:
        """Made when it is first needed: it opens its store at once."""
        if self._url is not None:
            return _redis(self._url)
        self._folder.mkdir(parents=True, exist_ok=True)
        file = str(self._folder / "queue.sqlite3")
        return SqliteHuey(NAME, filename=file, results=False, utc=False, serializer=_Json())

    @cached_property
    def _message(self) -> Callable[[], object]:
        """Enqueues."""
        message: Callable[[], object] = self._huey.task(name="work")(self.worker.tend)
        return message

    def ring(self) -> None:
        """There is a job; returns at once. If the message is lost, the clock finds the job within a minute."""
        try:
            self._message()
        except Exception as error:  # whatever Redis or a full disk raise
            log.warning("no worker was told of a new job: %s", " ".join(str(error).split()))

    def start(self) -> None:
        """Work in threads of this process from now on, on what was left over first."""
        logging.getLogger("huey").setLevel(logging.WARNING)  # else it tells of every tick
        _ = self._message
        # A tick that comes while a job is being done is of no use when that has ended.
        self._huey.periodic_task(crontab(), name="tick", expires=50)(self.worker.tend)
        if self._schedule is not None:
            self._huey.periodic_task(cron(self._schedule), name="schedule")(self.worker.ask_all)
        self._consumer = _Consumer(self._huey, workers=1, max_delay=LONGEST_DELAY, check_worker_health=False)
        self._consumer.start()
        self.ring()

    @property
    def alive(self) -> bool | None:
        """Whether the threads work that were started; None if none were, so that others do."""
        if self._consumer is None:
            return None
        threads = [self._consumer.scheduler, *(thread for _, thread in self._consumer.worker_threads)]
        return all(thread.is_alive() for thread in threads)

    def close(self) -> None:
        """Stop the threads; a job that is being done waits for the next start."""
        self.worker.close()
        if self._consumer is not None:
            self._consumer.stop()
        if "_huey" in self.__dict__:
            self._huey.storage.close()


class _Json(Serializer):  # type: ignore[misc]
    """Messages as JSON. Huey's own are pickled: whoever can write to the queue could run anything in its workers."""

    _TIMES = ("eta", "expires_resolved")

    def _serialize(self, data: Message) -> bytes:
        return json.dumps(data._asdict(), default=datetime.isoformat).encode()

    def _deserialize(self, data: bytes) -> Message:
        fields = json.loads(data)
        times = {name: datetime.fromisoformat(fields[name]) for name in self._TIMES if fields.get(name)}
        return Message(**{**fields, **times})


class _Consumer(Consumer):  # type: ignore[misc]
    """Huey's consumer within another program, whose handlers of signals stay what they are."""

    def _set_signal_handlers(self) -> None:
        pass


def cron(schedule: str) -> Callable[..., bool]:
    """When something is due; SettingsError if that is no schedule."""
    fields = schedule.split()
    names = ("minute", "hour", "day", "month", "day_of_week")
    try:
        if len(fields) != len(names):
            raise ValueError("five fields are needed")
        due: Callable[..., bool] = crontab(**dict(zip(names, fields, strict=True)), strict=True)
    except ValueError as error:
        raise SettingsError(
            f"schedule: expected five fields as cron has them, such as 0 3 * * *, got {schedule!r} ({error})"
        ) from None
    return due


def _redis(url: str) -> Any:
    try:
        return RedisHuey(NAME, url=url, results=False, utc=False, serializer=_Json())
    except Exception as error:  # the package redis is missing, or the URL is none
        raise SettingsError(
            f"queue: expected redis://HOST:PORT/N and the package redis, could not use it ({type(error).__name__}); "
            "pip install 'boundaryclick[redis]'"
        ) from None
