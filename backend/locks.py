"""Locks that keep requests out of each other's way: one for each key, and room for so many at a time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from backend.patience import Patience
from model.errors import Overloaded


class KeyedLocks:
    """Two requests for the same thing do the work once; locks exist only while somebody holds or awaits them."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[object, tuple[threading.Lock, int]] = {}

    def __len__(self) -> int:
        """Keys that are held or awaited now."""
        with self._guard:
            return len(self._locks)

    @contextmanager
    def holding(self, key: object, patience: Patience | None = None) -> Iterator[None]:
        """Hold the key's lock for the body; raises Overloaded when patience ends before it is free."""
        patience = patience or Patience()
        with self._guard:
            lock, users = self._locks.get(key, (threading.Lock(), 0))
            self._locks[key] = (lock, users + 1)
        try:
            if not lock.acquire(timeout=patience.left):
                raise patience.overloaded()
            try:
                yield
            finally:
                lock.release()
        finally:
            with self._guard:
                _, users = self._locks[key]
                if users == 1:
                    del self._locks[key]
                else:
                    self._locks[key] = (lock, users - 1)


class Bulkhead:
    """Room for so many at a time where it may take long, so that a slow server does not take every thread there is.

    Args:
        room: how many at a time.
        seconds: how long others wait for room; the threads in which they wait are missed elsewhere.
        what: is waited for, for the message.
    """

    def __init__(self, room: int, seconds: float, what: str) -> None:
        self._room, self._seconds, self._what = threading.BoundedSemaphore(room), seconds, what

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Take up room for the body; raises Overloaded where there is none."""
        if not self._room.acquire(timeout=self._seconds):
            raise Overloaded(
                f"{self._what}: expected an answer soon, too many requests wait for it already; "
                "is it slow or down? try again in a moment"
            )
        try:
            yield
        finally:
            self._room.release()
