"""The one cache: values up to a number of bytes."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True)
class CacheFigures:
    """How often a value that was asked for was there, and was not; what is kept now."""

    hits: int
    misses: int
    nbytes: int
    count: int


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
        self._hits = self._misses = 0

    def __len__(self) -> int:
        """Number of values."""
        return len(self._values)

    def __contains__(self, key: K) -> bool:
        """Whether there is a value now; counts neither as a use nor as a question."""
        return key in self._values

    @property
    def nbytes(self) -> int:
        """Sum of the sizes."""
        return self._nbytes

    @property
    def figures(self) -> "CacheFigures":
        """How the cache has done so far."""
        return CacheFigures(self._hits, self._misses, self._nbytes, len(self._values))

    def get(self, key: K) -> V | None:
        """The value, which counts as used now; None if there is none."""
        with self._lock:
            if not self._found(key):
                return None
            self._values.move_to_end(key)
            return self._values[key][0]

    def pop(self, key: K) -> V | None:
        """Take the value out; None if there is none."""
        with self._lock:
            return self._remove(key) if self._found(key) else None

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

    def _found(self, key: K) -> bool:
        found = key in self._values
        self._hits += found
        self._misses += not found
        return found

    def _remove(self, key: K) -> V | None:
        value, size = self._values.pop(key, (None, 0))
        self._nbytes -= size
        return value
