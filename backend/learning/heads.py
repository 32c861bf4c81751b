"""Who answers for a project: its own head, that of all projects, or the shipped one; on one selection network."""

import logging
import threading
import time
from collections.abc import Mapping

from backend.store import ALL, Version, VersionStore
from model.errors import BoundaryClickError, StoreError
from model.heads import checkpoint_of, unpack_head
from model.predictor import Predictor, usable_device

log = logging.getLogger(__name__)

LOOK_SECONDS = 3.0
"""How old the answer to "which version is promoted" may be: others may promote, too."""


def answering(promoted: Mapping[str, Version], project: str) -> Version | None:
    """The version that answers for a project; None: the shipped head."""
    return promoted.get(project) or promoted.get(ALL)


class Heads:
    """Predictors by project; thread safe. A head is loaded when it is first asked for.

    Whatever is wrong with database or head, the shipped head answers: clicks go on.

    Args:
        base: the shipped head, with the selection network that all share.
    """

    def __init__(self, base: Predictor, versions: VersionStore, device: str = "cpu") -> None:
        self._base, self._versions, self._device = base, versions, usable_device(device)
        self._checkpoint = checkpoint_of(base)
        self._promoted: Mapping[str, Version] = {}
        self._loaded: dict[int, Predictor] = {}
        self._looked = float("-inf")
        self._lock = threading.Lock()

    def predictor(self, project: str) -> Predictor:
        """Who answers for the project now."""
        with self._lock:
            if time.monotonic() - self._looked > LOOK_SECONDS:
                self._look()
            version = answering(self._promoted, project)
            return self._base if version is None else self._loaded[version.id]

    def look_again(self) -> None:
        """Something has been promoted or rolled back here: notice it with the next click."""
        with self._lock:
            self._looked = float("-inf")

    def _look(self) -> None:
        """Learn which versions are promoted, load new ones and let go of others."""
        self._looked = time.monotonic()
        try:
            promoted = self._versions.promoted()
            if {name: each.id for name, each in promoted.items()} == {
                n: e.id for n, e in self._promoted.items()
            }:
                return
            wanted = {each.id: each for each in promoted.values()}
            loaded = {number: self._loaded.get(number) or self._load(each) for number, each in wanted.items()}
        except StoreError as error:
            log.warning("which heads answer is not looked up: %s", error)
            return
        self._promoted, self._loaded = promoted, loaded

    def _load(self, version: Version) -> Predictor:
        try:
            head = unpack_head(self._versions.weights(version.id), self._checkpoint, version.name)
        except StoreError:
            raise
        except BoundaryClickError as error:
            log.warning("version %s is left aside, the shipped head answers instead: %s", version.name, error)
            return self._base
        predictor = Predictor(head, self._device)
        predictor.version = version.name
        log.info("version %s answers for project %s", version.name, version.project or "all")
        return predictor
