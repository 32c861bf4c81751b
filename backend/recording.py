"""Clicks on their way into the store: never in an annotator's way, never more than a bound in memory."""

import logging
import time
from collections import deque
from collections.abc import Callable
from threading import Lock, Thread

from model.corrections import Interaction
from model.errors import StoreError

log = logging.getLogger(__name__)

MOST_BYTES = 32 << 20
"""Masks that wait to be written; with more, the newest are dropped and only their clicks come with the next."""
TIDY_SECONDS = 86_400.0
CLOSE_SECONDS = 5.0


class Recorder:
    """Notes interactions one after the other in the background; the thread lives while there are any.

    Args:
        note: writes one down.
        tidy: called now and then when there is nothing else to do.
    """

    def __init__(self, note: Callable[[Interaction], None], tidy: Callable[[], object]) -> None:
        self._note = note
        self._tidy = tidy
        self._waiting: deque[Interaction] = deque()
        self._nbytes = 0
        self._dropped = 0
        self._running = False
        self._thread: Thread | None = None
        self._tidied = float("-inf")
        self._lock = Lock()

    def offer(self, interaction: Interaction) -> None:
        """Note it soon; returns at once."""
        size = interaction.mask.nbytes
        with self._lock:
            if self._waiting and self._nbytes + size > MOST_BYTES:
                self._dropped += 1
                return
            self._waiting.append(interaction)
            self._nbytes += size
            if self._running:
                return
            self._running = True
            self._thread = Thread(target=self._work, name="recorder", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Return when what was offered has been noted, or the database takes too long for it."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join(CLOSE_SECONDS)

    def _work(self) -> None:
        while (interaction := self._next()) is not None:
            self._try(lambda interaction=interaction: self._note(interaction))  # type: ignore[misc]

    def _next(self) -> Interaction | None:
        with self._lock:
            if self._waiting:
                interaction = self._waiting.popleft()
                self._nbytes -= interaction.mask.nbytes
                return interaction
            dropped, self._dropped = self._dropped, 0
        if dropped:
            log.warning(
                "masks after %d click(s) were not kept: the database is slower than the clicks", dropped
            )
        if time.monotonic() - self._tidied > TIDY_SECONDS:
            self._tidied = time.monotonic()
            self._try(self._tidy)
        with self._lock:
            self._running = bool(self._waiting)
        return self._next() if self._running else None

    def _try(self, work: Callable[[], object]) -> None:
        try:
            work()
        except StoreError as error:
            log.warning("clicks were not kept: %s", error)
        except Exception:
            log.exception("clicks were not kept")
