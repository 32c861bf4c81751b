"""Who answers for a project: its own head, that of all projects, or the shipped one; on one selection network."""

import logging
import math
import threading
import time
from collections.abc import Mapping

from backend.learning.versions import WatchedVersions
from backend.store import ALL, Version
from model.errors import BoundaryClickError, StoreError
from model.predictor import Predictor
from model.runtimes.conversion import ConversionFailed

log = logging.getLogger(__name__)

LOOK_SECONDS = 3.0
"""How old the answer to "which version is promoted" may be: others may promote, too."""

AGAIN_SECONDS = 60.0
"""After which a head is tried again that could not be converted: there may be room on the disk by then."""

START_SECONDS = 60.0
"""A start waits so long for heads to be loaded; after an upgrade all are converted anew, and the shipped one answers
meanwhile."""


def answering(promoted: Mapping[str, Version], project: str) -> Version | None:
    """The version that answers for a project; None: the shipped head."""
    return promoted.get(project) or promoted.get(ALL)


class Heads:
    """Predictors by project; thread safe.

    Whatever is wrong with database or head, clicks go on, and they never wait for the database: who is promoted
    elsewhere is looked up beside them; what is promoted here is known at once.

    Args:
        base: the shipped head, with the selection network that all share.
    """

    def __init__(self, base: Predictor, versions: WatchedVersions) -> None:
        self._base, self._versions = base, versions
        self._answering: Mapping[str, tuple[Version, Predictor]] = {}
        self._aside: dict[int, float] = {}
        self._looked = 0.0
        self._looking = threading.Lock()
        first = threading.Thread(target=self.look, name="heads", daemon=True)
        first.start()
        first.join(START_SECONDS)
        versions.changed = self.look

    def predictor(self, project: str) -> Predictor:
        """Who answers for the project, as far as is known; a promotion elsewhere is noticed within seconds."""
        if time.monotonic() - self._looked > LOOK_SECONDS and not self._looking.locked():
            threading.Thread(target=self.look, name="heads", daemon=True).start()
        found = self._answering.get(project) or self._answering.get(ALL)
        return self._base if found is None else found[1]

    def look(self) -> None:
        """Learn now which versions are promoted, load new ones and let go of others."""
        with self._looking:
            try:
                promoted, before = self._versions.promoted(), self._answering
                known = {
                    version.id: each for version, each in before.values() if version.id not in self._aside
                }
                self._answering = {project: pair for project, pair in before.items() if project in promoted}
                # One after the other: loading may take seconds, in which those before go on answering.
                for project, version in promoted.items():
                    pair = (version, known.get(version.id) or self._load(version))
                    self._answering = {**self._answering, project: pair}
            except StoreError as error:
                log.warning("which heads answer is not looked up: %s", error)
            self._looked = time.monotonic()

    def _load(self, version: Version) -> Predictor:
        """The version's head, or for as long as that cannot be used the shipped one."""
        if time.monotonic() < self._aside.get(version.id, 0.0):
            return self._base
        try:
            predictor = self._base.with_head(self._versions.weights(version.id), version.name)
        except StoreError:
            raise
        except BoundaryClickError as error:
            log.warning("version %s is left aside, the shipped head answers instead: %s", version.name, error)
            again = time.monotonic() + AGAIN_SECONDS if isinstance(error, ConversionFailed) else math.inf
            self._aside[version.id] = again
            return self._base
        self._aside.pop(version.id, None)
        log.info("version %s answers for project %s", version.name, version.project or "all")
        return predictor
