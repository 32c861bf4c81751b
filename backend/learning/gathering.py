"""The images of corrections, brought into one folder, so that the process that trains needs no annotation tool."""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from backend.intake import Fetch
from backend.store import ALL, CorrectionStore, StoredCorrection, split_name
from model.errors import BoundaryClickError

log = logging.getLogger(__name__)

MOST_CORRECTIONS = 1000
"""The newest ones: a head of this size learns little from more, and their features take about 2 MB each."""


def chosen(store: CorrectionStore, project: str) -> list[StoredCorrection]:
    """The corrections that a job of the project learns from and is judged by, oldest first. Raises StoreError."""
    tool, name = (None, None) if project == ALL else split_name(project)
    return store.active(tool, name)[-MOST_CORRECTIONS:]


def gather(
    corrections: Sequence[StoredCorrection],
    fetchers: Mapping[str, Fetch],
    folder: Path,
    report: Callable[[float], None],
) -> Counter[str]:
    """Fetch into `folder`, by digest, every image that is not there yet; returns why others are missing, counted.

    Raises:
        OSError: the folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing: Counter[str] = Counter()
    failed: dict[str, str] = {}
    for number, correction in enumerate(corrections, start=1):
        if correction.digest is None:
            missing["image not seen yet"] += 1
        elif correction.digest in failed or not (folder / correction.digest).is_file():
            reason = failed.get(correction.digest) or _fetch(correction, correction.digest, fetchers, folder)
            if reason:
                failed[correction.digest] = reason
                missing[reason] += 1
        report(number / len(corrections))
    return missing


def _fetch(correction: StoredCorrection, digest: str, fetchers: Mapping[str, Fetch], folder: Path) -> str:
    """Why the image could not be had; empty if it is there now."""
    fetch = fetchers.get(correction.image.tool)
    if fetch is None:
        return f"nobody to fetch images of {correction.image.tool}"
    try:
        data = fetch(correction.image)
    except (BoundaryClickError, OSError) as error:
        log.info(
            "an image of %s was not fetched: %s", correction.image.tool, " ".join(str(error).split())[:300]
        )
        return "image vanished"
    if hashlib.sha256(data).hexdigest() != digest:
        return "image has changed"
    partial = folder / f"{digest}.part"
    partial.write_bytes(data)
    partial.replace(folder / digest)
    return ""
