"""Images that are still to be seen: fetched when there is time, again and again for a while."""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from sqlalchemy import func, select

from backend.store.engine import Database
from backend.store.rows import clean, see_image
from backend.store.schema import ImageRow
from model.corrections import ImageReference

LEASE = timedelta(minutes=5)
MOST_ATTEMPTS = 8
FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(hours=12)


@dataclass(frozen=True)
class UnseenImage:
    """An image whose content is not known yet."""

    id: int
    image: ImageReference


class ImageList:
    """What is known of images; thread safe, several processes may share a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, tools: tuple[str, ...]) -> UnseenImage | None:
        """An image of these tools that is due, for this process alone; None if there is none."""
        now = datetime.now(timezone.utc)
        with self._database.writing() as session:
            row = session.scalars(
                select(ImageRow)
                .where(ImageRow.next_try <= now, ImageRow.tool.in_(tools))
                .order_by(ImageRow.next_try)
                .limit(1)
                .with_for_update(skip_locked=True)
            ).one_or_none()
            if row is None:
                return None
            row.attempts += 1
            row.next_try = now + LEASE
            return UnseenImage(row.id, ImageReference(row.tool, row.project, row.task, row.reference))

    def seen(self, unseen: UnseenImage, digest: str, width: int, height: int) -> None:
        """The image has been decoded; masks that do not fit it are marked from now on."""
        with self._database.writing() as session:
            see_image(session, session.get_one(ImageRow, unseen.id), digest, width, height)

    def vanished(self, unseen: UnseenImage, error: str) -> None:
        """The image could not be had this time; after the last time only the error is left."""
        with self._database.writing() as session:
            row = session.get_one(ImageRow, unseen.id)
            wait = min(FIRST_WAIT * 4 ** (row.attempts - 1), LONGEST_WAIT)
            row.error = clean(error)
            row.next_try = None if row.attempts >= MOST_ATTEMPTS else datetime.now(timezone.utc) + wait

    def next_due(self, tools: tuple[str, ...]) -> datetime | None:
        """When the next image is due; None if there is none."""
        with self._database.reading() as session:
            return session.scalar(select(func.min(ImageRow.next_try)).where(ImageRow.tool.in_(tools)))
