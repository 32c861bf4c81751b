"""One lock per key, so that two requests for the same thing do the work once and others do not wait."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class KeyedLocks:
    """Locks that exist only while somebody holds or awaits them."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[object, tuple[threading.Lock, int]] = {}

    def __len__(self) -> int:
        """Keys that are held or awaited now."""
        with self._guard:
            return len(self._locks)

    @contextmanager
    def holding(self, key: object) -> Iterator[None]:
        """Hold the key's lock for the body."""
        with self._guard:
            lock, users = self._locks.get(key, (threading.Lock(), 0))
            self._locks[key] = (lock, users + 1)
        try:
            with lock:
                yield
        finally:
            with self._guard:
                _, users = self._locks[key]
                if users == 1:
                    del self._locks[key]
                else:
                    self._locks[key] = (lock, users - 1)
