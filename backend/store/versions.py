"""Versions: the heads that were trained here, which of them answers, and what was measured of each."""

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.store.engine import Database
from backend.store.jobs import Job, finish
from backend.store.schema import PROMOTED, REJECTED, RETIRED, ModelVersionRow
from model.errors import RequestInvalid

SHIPPED = "shipped"
"""What is promoted to have no head of its own answer for a project."""


@dataclass(frozen=True)
class Version:
    """A version without its weights; see `ModelVersionRow`."""

    id: int
    name: str
    parent: str
    base: str
    project: str
    state: str
    created: datetime
    figures: dict[str, Any]


@dataclass(frozen=True)
class NewVersion:
    """A version to be added.

    Attributes:
        label: beginning of its name; its number and `digest` follow.
        weights: the packed head.
    """

    label: str
    digest: str
    parent: str
    base: str
    figures: dict[str, Any]
    weights: bytes


class VersionStore:
    """Thread safe; several processes may share a database. Every method may raise StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def conclude(self, job: Job, latest: int, new: NewVersion, promote: bool) -> Version:
        """Add what a job has made, promote it or not, and finish the job: all or nothing. Raises JobLost."""
        with self._database.writing() as session:
            number = session.scalar(select(func.count()).where(ModelVersionRow.project == job.project)) or 0
            row = ModelVersionRow(
                name=f"{new.label}-v{number + 1}-{new.digest}",
                parent=new.parent,
                base=new.base,
                project=job.project,
                state=REJECTED,
                created=datetime.now(timezone.utc),
                job_id=job.id,
                figures=new.figures,
                weights=new.weights,
            )
            session.add(row)
            session.flush()
            if promote:
                _promote(session, row)
            finish(session, job, latest, {"version": row.name, "promoted": promote, **new.figures})
            return _version(row)

    def promote(self, name: str) -> Version:
        """Let a version answer for its project from now on. Raises RequestInvalid if there is none of that name.

        Args:
            name: or the beginning of it, if no other begins so.
        """
        with self._database.writing() as session:
            row = _named(session, name)
            if row.state != PROMOTED:
                _promote(session, row)
            return _version(row)

    def retire(self, project: str) -> None:
        """Let no head of its own answer for a project."""
        with self._database.writing() as session:
            _retire(session, project)

    def roll_back(self, project: str) -> Version | None:
        """Let the version answer that did before; None: none of the project's own.

        Raises:
            RequestInvalid: no version of the project answers, so there is nothing to go back from.
        """
        with self._database.writing() as session:
            current = _retire(session, project)
            if current is None:
                raise RequestInvalid(
                    f"roll back: expected a promoted version of project {project or 'all'}, found none; "
                    "the shipped weights answer already"
                )
            if current.previous is None:
                return None
            before = session.get_one(ModelVersionRow, current.previous)
            before.state = PROMOTED
            session.flush()
            return _version(before)

    def promoted(self) -> dict[str, Version]:
        """The versions that answer, by project."""
        with self._database.reading() as session:
            rows = session.scalars(select(ModelVersionRow).where(ModelVersionRow.state == PROMOTED))
            return {row.project: _version(row) for row in rows}

    def listed(self, project: str | None = None, most: int = 200) -> list[Version]:
        """The newest versions, newest first; of one project, or of all."""
        rows = select(ModelVersionRow).order_by(ModelVersionRow.id.desc()).limit(most)
        if project is not None:
            rows = rows.where(ModelVersionRow.project == project)
        with self._database.reading() as session:
            return [_version(row) for row in session.scalars(rows)]

    def get(self, name: str) -> Version:
        """The version of that name, or the only one that begins so. Raises RequestInvalid."""
        with self._database.reading() as session:
            return _version(_named(session, name))

    def weights(self, version: int) -> bytes:
        """The packed head."""
        with self._database.reading() as session:
            return session.scalars(select(ModelVersionRow.weights).where(ModelVersionRow.id == version)).one()


def _promote(session: Session, row: ModelVersionRow) -> None:
    before = _retire(session, row.project)
    row.state, row.previous = PROMOTED, before.id if before else None
    session.flush()


def _retire(session: Session, project: str) -> ModelVersionRow | None:
    """Nobody of the project answers any more; returns who did."""
    row = session.scalars(
        select(ModelVersionRow)
        .where(ModelVersionRow.project == project, ModelVersionRow.state == PROMOTED)
        .with_for_update()
    ).one_or_none()
    if row is not None:
        row.state = RETIRED
        session.flush()  # before another is promoted: there is room for one only
    return row


def _named(session: Session, name: str) -> ModelVersionRow:
    beginning = ModelVersionRow.name.startswith(name, autoescape=True)
    rows = session.scalars(select(ModelVersionRow).where(beginning).order_by(ModelVersionRow.id)).all()
    exact = [row for row in rows if row.name == name]
    found = exact or list(rows)
    if len(found) != 1:
        names = ", ".join(row.name for row in found[:5]) or "no version that begins so"
        raise RequestInvalid(
            f"version: expected the name of one, or its beginning, got {name!r} ({names}); "
            "boundaryclick models list shows them all"
        )
    return found[0]


def _version(row: ModelVersionRow) -> Version:
    return Version(**{name: getattr(row, name) for name in Version.__dataclass_fields__})
