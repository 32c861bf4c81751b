"""Decoded images, kept in memory within a bound on bytes."""

import hashlib
import threading
import time
from collections.abc import Callable

import numpy as np
from cachetools import TTLCache
from numpy.typing import NDArray

from backend.caching import ByteCache, CacheFigures
from backend.decoding import DecodedImage, ImageLimits, decode_image, decode_mask
from backend.locks import KeyedLocks

_MOST_REFERENCES = 65_536


class ImageStore:
    """Thread-safe source of decoded images: by content, by digest, by reference.

    Args:
        limits: what images are accepted.
        max_bytes: memory for pixels, see `ByteCache`.
        reference_seconds: how long `load` goes on without fetching again.

    Attributes:
        timed: told what an image took, "fetch" or "decode" and seconds. By default nobody listens.
    """

    def __init__(self, limits: ImageLimits, max_bytes: int, reference_seconds: float) -> None:
        self.limits = limits
        self._images = ByteCache[str, DecodedImage](max_bytes, lambda image: image.pixels.nbytes)
        self._references: TTLCache[str, str] = TTLCache(_MOST_REFERENCES, ttl=reference_seconds)
        self._lock = threading.Lock()
        self._decoding = KeyedLocks()
        self._loading = KeyedLocks()
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
        """The image whose file has this SHA-256, if it is still kept."""
        return self._images.get(digest)

    def decode(self, data: bytes) -> DecodedImage:
        """The image in a file's bytes, decoded once; raises ImageRejected."""
        digest = hashlib.sha256(data).hexdigest()
        with self._decoding.holding(digest):
            image = self.find(digest)
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
            fetch: returns the file's bytes; may raise ImageRejected, then nothing is remembered.
        """
        with self._loading.holding(key):
            with self._lock:
                digest = self._references.get(key, "")
            # An image that is gone is missed once, when it is decoded.
            image = self.find(digest) if digest in self._images else None
            if image is None:
                started = time.perf_counter()
                data = fetch()
                self.timed("fetch", time.perf_counter() - started)
                image = self.decode(data)
                with self._lock:
                    self._references[key] = image.digest
        return image


def _nobody(_stage: str, _seconds: float) -> None:
    """Times are measured for whoever wants them."""
