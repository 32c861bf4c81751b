"""Versions, and whoever must know at once which of them answers."""

from collections.abc import Callable

from backend.store import Job, NewVersion, Version, VersionStore
from backend.store.engine import Database


class WatchedVersions(VersionStore):
    """As `VersionStore`; what is changed here is heard of at once, what is changed elsewhere is not.

    Attributes:
        changed: called after each change, in the caller's thread. By default nobody listens.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.changed: Callable[[], None] = _nobody

    def conclude(self, job: Job, latest: int, new: NewVersion, promote: bool) -> Version:
        """See `VersionStore.conclude`."""
        version = super().conclude(job, latest, new, promote)
        self.changed()
        return version

    def promote(self, name: str) -> Version:
        """See `VersionStore.promote`."""
        version = super().promote(name)
        self.changed()
        return version

    def retire(self, project: str) -> None:
        """See `VersionStore.retire`."""
        super().retire(project)
        self.changed()

    def roll_back(self, project: str) -> Version | None:
        """See `VersionStore.roll_back`."""
        before = super().roll_back(project)
        self.changed()
        return before


def _nobody() -> None:
    """Who wants to know finds out from the database."""
