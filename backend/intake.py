"""From acknowledged events to corrections, and from references to images seen: when there is time."""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from threading import Event, Lock, Thread

from backend.decoding import decode_image
from backend.images import ImageStore
from backend.store import Event as InboxEvent
from backend.store import ImageList, Inbox
from backend.store.images import UnseenImage
from model.corrections import ImageReference
from model.errors import BoundaryClickError, ImageRejected, StoreError

log = logging.getLogger(__name__)

LONGEST_PAUSE = 300.0
"""Seconds until it is looked again for what other processes have left to do."""
PAUSE_AFTER_FAILURE = 30.0

Understand = Callable[[bytes], None]
Fetch = Callable[[ImageReference], bytes]


@dataclass(frozen=True)
class Tool:
    """What is needed of an annotation tool.

    Args:
        understand: records what an event says; raises BoundaryClickError for one that never will be understood.
        fetch: file of an image; raises ImageRejected.
    """

    understand: Understand | None
    fetch: Fetch


class Intake:
    """Works through inbox and images, one at a time, in a thread that starts when there is something to do.

    Args:
        images: its limits hold; what it has decoded is not decoded again.
    """

    def __init__(self, inbox: Inbox, unseen: ImageList, images: ImageStore) -> None:
        self._inbox = inbox
        self._unseen = unseen
        self._images = images
        self._tools: dict[str, Tool] = {}
        self._something = Event()
        self._stopped = False
        self._thread: Thread | None = None
        self._lock = Lock()

    def join(self, name: str, tool: Tool) -> None:
        """Work for this tool from now on, on what is left of the last time first."""
        self._tools[name] = tool
        if self._inbox.next_due() is not None or self._unseen.next_due((name,)) is not None:
            self.wake()

    def wake(self) -> None:
        """There is something to do; returns at once."""
        with self._lock:
            self._something.set()
            if self._thread is None and not self._stopped:
                self._thread = Thread(target=self._loop, name="intake", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """End the thread after what it is at; what is left waits in the database."""
        with self._lock:
            self._stopped = True
            self._something.set()
        if self._thread is not None:
            self._thread.join()

    def work(self) -> None:
        """Do whatever is due now. Raises StoreError."""
        while not self._stopped:
            if (event := self._inbox.take()) is not None:
                self._understand(event)
            elif (image := self._unseen.take(tuple(self._tools))) is not None:
                self._see(image)
            else:
                return

    def see_all(self, name: str, tool: Tool) -> None:
        """Fetch every image of one tool that is due, and leave events to others. Raises StoreError."""
        self._tools[name] = tool
        while (image := self._unseen.take((name,))) is not None:
            self._see(image)

    def _loop(self) -> None:
        pause = 0.0
        while not self._stopped:
            self._something.wait(pause)
            self._something.clear()
            try:
                self.work()
                pause = self._pause()
            except Exception as error:  # a full disk, a server that is down: it may be better later
                log.warning("corrections wait: %s", _one_line(error))
                pause = PAUSE_AFTER_FAILURE

    def _pause(self) -> float:
        """Seconds until the next thing is due."""
        due = [when for when in (self._inbox.next_due(), self._unseen.next_due(tuple(self._tools))) if when]
        if not due:
            return LONGEST_PAUSE
        return min(max((min(due) - datetime.now(timezone.utc)).total_seconds(), 0.0), LONGEST_PAUSE)

    def _understand(self, event: InboxEvent) -> None:
        tool = self._tools.get(event.tool)
        try:
            if tool is None or tool.understand is None:
                raise LookupError(f"no plugin for events of {event.tool}")
            tool.understand(event.body)
        except StoreError as error:
            self._inbox.wait_for_store(event, _one_line(error))
            raise
        except BoundaryClickError as error:
            log.warning("event %d of %s is given up: %s", event.id, event.tool, _one_line(error))
            self._inbox.give_up(event, _one_line(error))
        except Exception as error:
            log.exception("event %d of %s is put off", event.id, event.tool)
            self._inbox.put_off(event, _one_line(error))
        else:
            self._inbox.done(event)

    def _see(self, unseen: UnseenImage) -> None:
        try:
            data = self._tools[unseen.image.tool].fetch(unseen.image)
            digest = hashlib.sha256(data).hexdigest()
            # Not kept: the cache belongs to those who are clicking.
            image = self._images.find(digest) or decode_image(data, self._images.limits)
        except (ImageRejected, OSError) as error:
            log.info("image %d was not seen: %s", unseen.id, _one_line(error))
            self._unseen.vanished(unseen, _one_line(error))
        except Exception as error:
            log.exception("image %d was not seen", unseen.id)
            self._unseen.vanished(unseen, _one_line(error))
        else:
            self._unseen.seen(unseen, image.digest, image.width, image.height)


def _one_line(error: BaseException) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:500]
