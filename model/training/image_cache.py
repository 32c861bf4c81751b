"""Decoded images on disk, so that each is decoded once in a run, whichever process needs it.

The files are plain arrays, read through the operating system's page cache, which all workers and all training processes
share; a copy in each process would take as many times the memory.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray


class ImageCache:
    """Images reduced to `largest_side` and kept below `folder`, at most `most_bytes` in all.

    Which images are kept is decided beforehand, first come, first served, by `reserve`: so all processes agree without
    a word, and no bookkeeping can be damaged when one is killed.
    """

    def __init__(self, folder: Path, most_bytes: int, largest_side: int) -> None:
        self.folder, self.largest_side = folder, largest_side
        self._left = most_bytes
        self._reserved: set[Path] = set()

    def reserve(self, path: Path, width: int, height: int) -> None:
        """Keep the `width` x `height` image at `path` if there is room."""
        factor = self._factor(width, height)
        needed = round(width * factor) * round(height * factor) * 3 + 4096
        if path not in self._reserved and needed <= self._left:
            self._reserved.add(path)
            self._left -= needed

    def load(self, path: Path, decode: Callable[[], NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB, reduced."""
        if path not in self._reserved:
            return self._reduced(decode())
        kept = self.folder / self._name(path)
        try:
            pixels: NDArray[np.uint8] = np.load(kept, allow_pickle=False)
        except (OSError, ValueError, EOFError):  # not there yet, or cut off by a crash of the machine
            pixels = self._reduced(decode())
            self._keep(kept, pixels)
        return pixels

    def _factor(self, width: int, height: int) -> float:
        return min(1.0, self.largest_side / max(width, height))

    def _reduced(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, width = pixels.shape[:2]
        factor = self._factor(width, height)
        if factor == 1.0:
            return pixels
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)

    def _name(self, path: Path) -> str:
        """Changes with the file, so that a replaced image is decoded again."""
        status = path.stat()
        key = f"{path.resolve()} {status.st_size} {status.st_mtime_ns} {self.largest_side}"
        return hashlib.sha256(key.encode()).hexdigest()[:32] + ".npy"

    def _keep(self, kept: Path, pixels: NDArray[np.uint8]) -> None:
        partial = kept.with_name(f"{kept.name}.{os.getpid()}.part")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as file:
                np.save(file, pixels)
            partial.replace(kept)
        except OSError:  # a full disk costs time, not the run
            self._reserved.clear()
            partial.unlink(missing_ok=True)
