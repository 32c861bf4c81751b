"""What annotators have handed in: corrections, the clicks before them, and events still to be understood."""

from backend.store.engine import Database
from backend.store.images import ImageList
from backend.store.inbox import Event, Failure, Inbox
from backend.store.interactions import InteractionStore
from backend.store.jobs import Job, JobLost, JobStore
from backend.store.projects import ALL, Collected, ProjectList, project_name, split_name
from backend.store.repository import CorrectionStore, StoredClick, StoredCorrection
from backend.store.versions import SHIPPED, NewVersion, Version, VersionStore

__all__ = [
    "ALL",
    "SHIPPED",
    "Collected",
    "CorrectionStore",
    "Database",
    "Event",
    "Failure",
    "ImageList",
    "Inbox",
    "InteractionStore",
    "Job",
    "JobLost",
    "JobStore",
    "NewVersion",
    "ProjectList",
    "StoredClick",
    "StoredCorrection",
    "Version",
    "VersionStore",
    "project_name",
    "split_name",
]
