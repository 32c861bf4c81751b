"""Decoded images, kept in memory within a bound on bytes."""

import hashlib
import threading
import time
from collections.abc import Callable

import numpy as np
from cachetools import LRUCache, TTLCache
from numpy.typing import NDArray

from backend.caching import ByteCache, CacheFigures
from backend.decoding import DecodedImage, ImageLimits, decode_image, decode_mask
from backend.locks import Bulkhead, KeyedLocks
from model.errors import ImageRejected

_MOST_REFERENCES = 65_536
_MOST_FAILURES = 1024
MOST_FETCHED = 8
"""At a time, as long as nobody says otherwise."""
ROOM_SECONDS = 1.0
"""How long an image waits until fewer are being fetched."""


class ImageStore:
    """Thread-safe source of decoded images: by content, by digest, by reference.

    Args:
        limits: what images are accepted.
        max_bytes: memory for pixels, see `ByteCache`.
        reference_seconds: how long `load` goes on without fetching again.
        most_fetched: images at a time, so that a slow server does not take every thread.
        max_file_bytes: memory for files that came in by `keep`.

    Attributes:
        timed: told what an image took, "fetch" or "decode" and seconds. By default nobody listens.
    """

    def __init__(
        self,
        limits: ImageLimits,
        max_bytes: int,
        reference_seconds: float,
        most_fetched: int = MOST_FETCHED,
        max_file_bytes: int = 0,
    ) -> None:
        self.limits = limits
        self._images = ByteCache[str, DecodedImage](max_bytes, lambda image: image.pixels.nbytes)
        self._files = ByteCache[str, bytes](max_file_bytes, len)
        self._references: TTLCache[str, str] = TTLCache(_MOST_REFERENCES, ttl=reference_seconds)
        self._lock = threading.Lock()
        self._decoding = KeyedLocks()
        self._loading = KeyedLocks()
        self._fetching = Bulkhead(most_fetched, ROOM_SECONDS, "image")
        self._failures: LRUCache[str, tuple[float, ImageRejected]] = LRUCache(_MOST_FAILURES)
        self.timed: Callable[[str, float], None] = _nobody

    @property
    def nbytes(self) -> int:
        """Bytes of pixels that are kept now."""
        return self._images.nbytes

    @property
    def figures(self) -> CacheFigures:
        """How the images that are kept have done."""
        return self._images.figures

    def find(self, digest: str) -> DecodedImage | None:
        """The image whose file has this SHA-256, if it or its file is still kept."""
        image = self._images.get(digest)
        if image is None and (data := self._files.get(digest)) is not None:
            return self.decode(data)
        return image

    def keep(self, data: bytes) -> DecodedImage:
        """As `decode`, for a file that nobody can be asked for again: it is kept, too, and takes far less than pixels.

        Else annotators with more images than there is room for would only take each other's away.
        """
        image = self.decode(data)
        self._files.put(image.digest, data)
        return image

    def decode(self, data: bytes) -> DecodedImage:
        """The image in a file's bytes, decoded once; raises ImageRejected."""
        digest = hashlib.sha256(data).hexdigest()
        with self._decoding.holding(digest):
            image = self._images.get(digest)
            if image is None:
                started = time.perf_counter()
                image = decode_image(data, self.limits)
                self.timed("decode", time.perf_counter() - started)
                self._images.put(digest, image)
        return image

    def decode_mask(self, data: bytes) -> NDArray[np.bool_]:
        """The (H, W) mask in a file's bytes, within the same limits; raises ImageRejected."""
        return decode_mask(data, self.limits)

    def load(self, key: str, fetch: Callable[[], bytes]) -> DecodedImage:
        """The image that `key` stands for; `fetch` is called only when it is not at hand.

        Args:
            key: whatever names the image without ambiguity, such as an absolute URL.
            fetch: returns the file's bytes; may raise ImageRejected. Whoever waited for it meanwhile is told the same,
                as of a server that hangs each would have to find that out for himself, one after the other.

        Raises:
            ImageRejected: the bytes are no acceptable image, or `fetch` raised it.
            Overloaded: too many others are being fetched.
        """
        asked = time.monotonic()
        with self._loading.holding(key):
            with self._lock:
                digest = self._references.get(key, "")
                failed, error = self._failures.get(key, (asked, None))
            # An image that is gone is missed once, when it is decoded.
            image = self._images.get(digest) if digest in self._images else None
            if image is None and error is not None and failed > asked:
                raise type(error)(*error.args)
            return image or self._fetched(key, fetch)

    def _fetched(self, key: str, fetch: Callable[[], bytes]) -> DecodedImage:
        try:
            with self._fetching.entered():
                started = time.perf_counter()
                data = fetch()
                self.timed("fetch", time.perf_counter() - started)
            image = self.decode(data)
        except ImageRejected as error:
            with self._lock:
                self._failures[key] = (time.monotonic(), error)
            raise
        with self._lock:
            self._references[key] = image.digest
        return image


def _nobody(_stage: str, _seconds: float) -> None:
    """Times are measured for whoever wants them."""
