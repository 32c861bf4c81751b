"""The one cache: values up to a number of bytes."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class ByteCache(Generic[K, V]):
    """Thread-safe; the value used longest ago goes first.

    Args:
        max_bytes: bound on the sum of sizes. The newest value is kept even if it alone is larger, since it is about to
            be used; 0 keeps nothing.
        size: bytes of a value, taken when it is put in; put it in again when it has changed.
    """

    def __init__(self, max_bytes: int, size: Callable[[V], int]) -> None:
        self._max_bytes, self._size = max_bytes, size
        self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._nbytes = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Number of values."""
        return len(self._values)

    @property
    def nbytes(self) -> int:
        """Sum of the sizes."""
        return self._nbytes

    def get(self, key: K) -> V | None:
        """The value, which counts as used now; None if there is none."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key][0]

    def pop(self, key: K) -> V | None:
        """Take the value out; None if there is none."""
        with self._lock:
            return self._remove(key)

    def put(self, key: K, value: V) -> None:
        """Keep the value, and let others go for it."""
        size = self._size(value)
        with self._lock:
            self._remove(key)
            if self._max_bytes <= 0:
                return
            self._values[key] = (value, size)
            self._nbytes += size
            while self._nbytes > self._max_bytes and len(self._values) > 1:
                self._remove(next(iter(self._values)))

    def _remove(self, key: K) -> V | None:
        value, size = self._values.pop(key, (None, 0))
        self._nbytes -= size
        return value
