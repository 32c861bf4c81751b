"""What annotators have handed in: corrections, the clicks before them, and events still to be understood."""

from backend.store.engine import Database
from backend.store.images import ImageList
from backend.store.inbox import Event, Inbox
from backend.store.interactions import InteractionStore
from backend.store.repository import CorrectionStore, StoredClick, StoredCorrection

__all__ = [
    "CorrectionStore",
    "Database",
    "Event",
    "ImageList",
    "Inbox",
    "InteractionStore",
    "StoredClick",
    "StoredCorrection",
]
