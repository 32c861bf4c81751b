"""Bodies that have been acknowledged and wait to be understood: a queue that survives the process."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from sqlalchemy import func, select, update

from backend.store.engine import Database
from backend.store.rows import clean
from backend.store.schema import FAILED, PENDING, EventRow
from model.together import Together

LEASE = timedelta(minutes=5)
"""How long a process may be at work on an event before another takes it to be dead."""
MOST_ATTEMPTS = 8
FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(hours=1)
WAIT_FOR_STORE = timedelta(minutes=1)
TURN_SECONDS = 6.0
"""How long an event waits until those before it are kept: the threads belong to those who click."""


@dataclass(frozen=True)
class Event:
    """A body to be understood.

    Attributes:
        attempts: how often it has been tried, this time included.
    """

    id: int
    tool: str
    body: bytes
    attempts: int


@dataclass(frozen=True)
class Failure:
    """An event that has been given up, and why."""

    id: int
    tool: str
    received: datetime
    error: str


class Inbox:
    """Thread safe; several processes may share a database.

    An event that cannot be dealt with is kept with its error and never tried again by itself.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._putting = Together(self._keep, "database", TURN_SECONDS)

    def put(self, tool: str, body: bytes) -> None:
        """Keep a body; it is on the disk when this returns. Raises StoreError, or Overloaded when that takes long."""
        now = datetime.now(timezone.utc)
        self._putting.do(EventRow(tool=tool, body=body, received=now, next_try=now))

    def take(self) -> Event | None:
        """The oldest event that is due, for this process alone; None if there is none.

        Taking counts as an attempt: an event that kills whoever touches it is given up, too.
        """
        now = datetime.now(timezone.utc)
        with self._database.writing() as session:
            row = session.scalars(
                select(EventRow)
                .where(EventRow.state == PENDING, EventRow.next_try <= now)
                .order_by(EventRow.id)
                .limit(1)
                .with_for_update(skip_locked=True)
            ).one_or_none()
            if row is None:
                return None
            if row.attempts >= MOST_ATTEMPTS:
                row.state, row.error = FAILED, row.error or "ended the process that worked on it"
                return None
            row.attempts += 1
            row.next_try = now + LEASE
            return Event(row.id, row.tool, row.body, row.attempts)

    def done(self, event: Event) -> None:
        """The event has been dealt with; it is dropped, what came of it is in the store."""
        with self._database.writing() as session:
            row = session.get(EventRow, event.id)
            if row is not None:
                session.delete(row)

    def put_off(self, event: Event, error: str) -> None:
        """Try again later, each time after a longer wait, until it has been tried often enough."""
        if event.attempts >= MOST_ATTEMPTS:
            self.give_up(event, error)
            return
        wait = min(FIRST_WAIT * 4 ** (event.attempts - 1), LONGEST_WAIT)
        self._change(event, next_try=datetime.now(timezone.utc) + wait, error=clean(error))

    def wait_for_store(self, event: Event, error: str) -> None:
        """Try again later, however often: it is the store that does not work, and not the event."""
        self._change(
            event,
            attempts=event.attempts - 1,
            next_try=datetime.now(timezone.utc) + WAIT_FOR_STORE,
            error=clean(error),
        )

    def give_up(self, event: Event, error: str) -> None:
        """Keep the event with its error; it is not tried again."""
        self._change(event, state=FAILED, error=clean(error))

    def failures(self) -> list[Failure]:
        """Events that have been given up, the oldest first."""
        columns = (EventRow.id, EventRow.tool, EventRow.received, EventRow.error)
        with self._database.reading() as session:
            found = session.execute(select(*columns).where(EventRow.state == FAILED).order_by(EventRow.id))
            return [Failure(*row) for row in found]

    def retry_failed(self) -> int:
        """Try every event again that has been given up; returns how many."""
        with self._database.writing() as session:
            rows = session.scalars(select(EventRow).where(EventRow.state == FAILED)).all()
            for row in rows:
                row.state, row.attempts, row.next_try = PENDING, 0, datetime.now(timezone.utc)
            return len(rows)

    def next_due(self) -> datetime | None:
        """When the next event is due; None if there is none."""
        with self._database.reading() as session:
            return session.scalar(select(func.min(EventRow.next_try)).where(EventRow.state == PENDING))

    def counts(self) -> dict[str, int]:
        """Number of events that wait, and that have been given up."""
        with self._database.reading() as session:
            found = session.execute(select(EventRow.state, func.count()).group_by(EventRow.state))
            numbers = {state: count for state, count in found}  # noqa: C416 - rows are no pairs to mypy
        return {state: numbers.get(state, 0) for state in (PENDING, FAILED)}

    def _keep(self, rows: Sequence[EventRow]) -> list[None]:
        with self._database.writing() as session:
            session.add_all(rows)
        return [None] * len(rows)

    def _change(self, event: Event, **values: object) -> None:
        with self._database.writing() as session:
            session.execute(update(EventRow).where(EventRow.id == event.id).values(**values))
