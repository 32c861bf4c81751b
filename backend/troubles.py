"""The last things that went wrong, for those who cannot read the log: annotation tools show none of it."""

import logging
import threading
import weakref
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timezone

LOGGERS = ("backend", "plugins", "boundaryclick")
MOST = 20
LONGEST = 500


@dataclass(frozen=True)
class Trouble:
    """One line of the log.

    Attributes:
        time: ISO 8601, UTC.
        count: how often it has come in a row.
    """

    time: str
    line: str
    count: int


class Troubles(logging.Handler):
    """Keeps the last warnings and errors of our own loggers; thread safe."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._kept: deque[Trouble] = deque(maxlen=MOST)
        self._guard = threading.Lock()

    def listen(self, owner: object) -> None:
        """Begin, for as long as `owner` lives."""
        for name in LOGGERS:
            logger = logging.getLogger(name)
            logger.addHandler(self)
            weakref.finalize(owner, logger.removeHandler, self).atexit = False

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record's message; the traceback stays in the log."""
        line = " ".join(record.getMessage().split())[:LONGEST]
        time = datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="seconds")
        with self._guard:
            count = 1
            if self._kept and self._kept[-1].line == line:
                count += self._kept.pop().count
            self._kept.append(Trouble(time, line, count))

    def latest(self) -> list[Trouble]:
        """What is kept, the newest first."""
        with self._guard:
            return list(reversed(self._kept))
