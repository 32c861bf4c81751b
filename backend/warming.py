"""Work ahead of the first click, in the background and within bounds."""

import logging
from collections.abc import Callable
from threading import Lock, Thread

from backend.decoding import DecodedImage

log = logging.getLogger(__name__)


class Warmer:
    """Runs `warm` for one image at a time; of those that wait, only the newest is kept.

    So at most two images live here besides those of the cache, however many are offered.

    Args:
        warm: called in a thread of its own; what it raises is logged.
    """

    def __init__(self, warm: Callable[[DecodedImage], object]) -> None:
        self._warm = warm
        self._lock = Lock()
        self._waiting: DecodedImage | None = None
        self._running = False

    def offer(self, image: DecodedImage) -> None:
        """Warm `image` soon; returns at once."""
        with self._lock:
            self._waiting = image
            if self._running:
                return
            self._running = True
        Thread(target=self._work, name="warmer", daemon=True).start()

    def _work(self) -> None:
        while (image := self._next()) is not None:
            try:
                self._warm(image)
            except Exception:
                log.exception("image %s: warming failed", image.digest)

    def _next(self) -> DecodedImage | None:
        with self._lock:
            image, self._waiting = self._waiting, None
            self._running = image is not None
            return image
