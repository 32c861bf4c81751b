"""What the service does with what annotators hand in: one object that plugins are given."""

from collections.abc import Callable
from datetime import timedelta

from backend.images import ImageStore
from backend.intake import Fetch, Intake, Tool, Understand
from backend.learning.versions import WatchedVersions
from backend.recording import Recorder
from backend.store import (
    CorrectionStore,
    Database,
    ImageList,
    Inbox,
    InteractionStore,
    Job,
    JobStore,
    ProjectList,
    project_name,
)
from model.corrections import AnnotationKey, Interaction, Recorded, Submission

IDLE_CLICKS = timedelta(days=30)
"""How long clicks are kept that no correction comes of."""


class Learning:
    """Corrections, clicks and events, kept in one database; thread safe.

    Attributes:
        ring: called when there is a new job; returns at once. By default nobody hears it.

    Raises:
        SettingsError: the database cannot be used.
    """

    def __init__(self, database_url: str, images: ImageStore) -> None:
        self.database = Database(database_url)
        self.corrections = CorrectionStore(self.database)
        self.inbox = Inbox(self.database)
        self.images = ImageList(self.database)
        self.jobs = JobStore(self.database)
        self.versions = WatchedVersions(self.database)
        self.projects = ProjectList(self.database)
        self.ring: Callable[[], None] = _nobody
        interactions = InteractionStore(self.database)
        self._recorder = Recorder(interactions.note, lambda: interactions.forget(IDLE_CLICKS))
        self._intake = Intake(self.inbox, self.images, images)

    def join(self, tool: str, fetch: Fetch, understand: Understand | None = None) -> None:
        """From now on, fetch this tool's images with `fetch` and hand its events to `understand`."""
        self._intake.join(tool, Tool(understand, fetch))

    def put(self, tool: str, body: bytes) -> None:
        """Keep an event, to be understood later; it is on the disk when this returns. Raises StoreError."""
        self.inbox.put(tool, body)
        self._intake.wake()

    def offer(self, interaction: Interaction) -> None:
        """Note an annotator's clicks soon; returns at once."""
        self._recorder.offer(interaction)

    def record(self, submission: Submission) -> Recorded:
        """See `CorrectionStore.record`."""
        return self.corrections.record(submission)

    def withdraw(self, key: AnnotationKey) -> int:
        """See `CorrectionStore.withdraw`."""
        return self.corrections.withdraw(key)

    def withdraw_task(self, tool: str, project: str, task: str) -> int:
        """See `CorrectionStore.withdraw_task`."""
        return self.corrections.withdraw_task(tool, project, task)

    def start_training(self, tool: str, project: str, cause: str = "button") -> Job:
        """Learn from a project's corrections soon; the job that is there, if there is one. Raises StoreError."""
        return self.ask(project_name(tool, project), cause)

    def ask(self, project: str, cause: str) -> Job:
        """As `start_training`, for a project by its name among all tools; ALL for all of them."""
        job = self.jobs.ask(project, cause)
        self.ring()
        return job

    def fetch_images(self, tool: str, fetch: Fetch) -> None:
        """Fetch, in the caller's thread, every image of the tool that is due. Raises StoreError."""
        self._intake.see_all(tool, Tool(None, fetch))

    def catch_up(self) -> None:
        """Understand and fetch, in the caller's thread, whatever is due now. Raises StoreError."""
        self._intake.work()

    def close(self) -> None:
        """End the work in the background; what is left waits in the database."""
        self._intake.close()
        self._recorder.close()
        self.database.close()


def _nobody() -> None:
    """Jobs wait until somebody looks for them."""
