"""Jobs: long work on one project, taken by one process at a time, that survives the process."""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.store.engine import Database
from backend.store.rows import clean
from backend.store.schema import CANCELLED, DONE, FAILED, JOB_STATES, RUNNING, WAITING, JobRow
from model.errors import StoreError

LEASE = timedelta(minutes=2)
"""How long a process may be silent before another takes its job to be left alone."""

MOST_ATTEMPTS = 3

OPEN = (WAITING, RUNNING)


class JobLost(Exception):
    """The job was cancelled, or another process has taken it over: there is nothing more to do for it."""


@dataclass(frozen=True)
class Job:
    """A job as it stands; see `JobRow`."""

    id: int
    project: str
    cause: str
    state: str
    created: datetime
    started: datetime | None
    ended: datetime | None
    owner: str
    attempts: int
    stage: str
    progress: float
    result: dict[str, Any]
    error: str


class JobStore:
    """Thread safe; several processes on several machines may share a database. Every method may raise StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(self, project: str, cause: str, latest: int = 0) -> Job:
        """A new job, unless one of the project waits or runs already: then that one.

        Args:
            latest: the newest correction; whatever becomes of the job, it has been asked for because of those so far.
        """
        try:
            with self._database.writing() as session:
                return _ask(session, clean(project), cause, latest)
        except StoreError as error:
            if not isinstance(error.__cause__, IntegrityError):
                raise
        with self._database.writing() as session:  # somebody else has asked in the same moment
            return _ask(session, clean(project), cause, latest)

    def take(self, owner: str, job: int | None = None) -> Job | None:
        """The oldest job that waits, or whose process is not heard of any more, for this owner alone.

        Taking counts as an attempt: a job that kills whoever works on it fails in the end.

        Args:
            job: only this one.
        """
        due = or_(JobRow.state == WAITING, and_(JobRow.state == RUNNING, JobRow.lease < _now()))
        rows = select(JobRow).where(due).order_by(JobRow.id).with_for_update(skip_locked=True)
        with self._database.writing() as session:
            for row in session.scalars(rows if job is None else rows.where(JobRow.id == job)):
                if row.attempts >= MOST_ATTEMPTS:
                    _end(row, FAILED, row.error or "the process that worked on it ended without a word")
                    continue
                row.state, row.owner, row.lease = RUNNING, owner, _now() + LEASE
                row.started, row.attempts = row.started or _now(), row.attempts + 1
                return _job(row)
            return None

    def report(self, job: Job, stage: str, progress: float) -> None:
        """Say how far the job is, and that somebody is at it. Raises JobLost."""
        with self._database.writing() as session:
            row = owned(session, job)
            row.stage, row.progress, row.lease = stage, progress, _now() + LEASE

    def renew(self, job: Job) -> None:
        """Say that somebody is at it still. Raises JobLost."""
        with self._database.writing() as session:
            owned(session, job).lease = _now() + LEASE

    def finish(self, job: Job, latest: int, result: dict[str, Any]) -> None:
        """The job has been done. Raises JobLost."""
        with self._database.writing() as session:
            finish(session, job, latest, result)

    def fail(self, job: Job, error: str) -> None:
        """The job cannot be done. Raises JobLost."""
        with self._database.writing() as session:
            _end(owned(session, job), FAILED, clean(error))

    def put_back(self, job: Job, error: str, counts: bool = True) -> None:
        """Let the job be taken again, as often as jobs are; does nothing if it is not this owner's any more.

        Args:
            counts: whether this was an attempt; not if the service was stopped in an orderly way.
        """
        with self._database.writing() as session:
            row = session.get(JobRow, job.id, with_for_update=True)
            if row is None or row.state != RUNNING or row.owner != job.owner:
                return
            if counts and row.attempts >= MOST_ATTEMPTS:
                _end(row, FAILED, clean(error))
                return
            row.state, row.owner, row.lease, row.error = WAITING, "", None, clean(error)
            row.attempts -= 0 if counts else 1

    def cancel(self, job: int) -> bool:
        """End a job that waits or runs; whoever works on it notices soon. Whether there was one."""
        with self._database.writing() as session:
            row = session.get(JobRow, job, with_for_update=True)
            if row is None or row.state not in OPEN:
                return False
            _end(row, CANCELLED, "")
            return True

    def get(self, job: int) -> Job | None:
        """The job of that number."""
        with self._database.reading() as session:
            row = session.get(JobRow, job)
            return None if row is None else _job(row)

    def listed(self, most: int = 50) -> list[Job]:
        """The newest jobs, newest first."""
        with self._database.reading() as session:
            rows = session.scalars(select(JobRow).order_by(JobRow.id.desc()).limit(most))
            return [_job(row) for row in rows]

    def open(self) -> list[Job]:
        """Jobs that wait or run, oldest first."""
        with self._database.reading() as session:
            return [
                _job(row) for row in session.scalars(select(JobRow).where(_is_open()).order_by(JobRow.id))
            ]

    def counts(self) -> dict[str, int]:
        """Number of jobs by state."""
        with self._database.reading() as session:
            found = session.execute(select(JobRow.state, func.count()).group_by(JobRow.state))
            numbers = {state: count for state, count in found}  # noqa: C416 - rows are no pairs to mypy
        return {state: numbers.get(state, 0) for state in JOB_STATES}

    def latest(self) -> dict[str, int]:
        """By project, the newest correction that a job has dealt with, however it ended."""
        with self._database.reading() as session:
            rows = session.execute(select(JobRow.project, JobRow.latest).where(JobRow.ended.is_not(None)))
            seen: dict[str, int] = {}
            for project, newest in rows:
                seen[project] = max(newest, seen.get(project, 0))
            return seen


def _ask(session: Session, project: str, cause: str, latest: int) -> Job:
    row = session.scalars(select(JobRow).where(JobRow.project == project, _is_open())).one_or_none()
    if row is None:
        row = JobRow(project=project, cause=clean(cause), created=_now(), state=WAITING, latest=latest)
        session.add(row)
        session.flush()
    return _job(row)


def owned(session: Session, job: Job) -> JobRow:
    """The job's row, locked; raises JobLost if it is not this owner's to work on any more."""
    row = session.get(JobRow, job.id, with_for_update=True)
    if row is None or row.state != RUNNING or row.owner != job.owner:
        raise JobLost
    return row


def finish(session: Session, job: Job, latest: int, result: dict[str, Any]) -> None:
    """As `JobStore.finish`, within a transaction that does more."""
    row = owned(session, job)
    row.latest, row.result, row.progress = latest, result, 1.0
    _end(row, DONE, "")


def _end(row: JobRow, state: str, error: str) -> None:
    row.state, row.error, row.ended, row.lease = state, error, _now(), None


def _is_open() -> ColumnElement[bool]:
    return JobRow.state.in_(OPEN)


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _job(row: JobRow) -> Job:
    return Job(**{name: getattr(row, name) for name in Job.__dataclass_fields__})
