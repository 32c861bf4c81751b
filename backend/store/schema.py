"""The tables; migrations/versions brings a database to what is described here."""

from datetime import datetime, timezone
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

ACTIVE, REPLACED, WITHDRAWN = "active", "replaced", "withdrawn"
PENDING, FAILED = "pending", "failed"
WAITING, RUNNING, DONE, CANCELLED = "waiting", "running", "done", "cancelled"
JOB_STATES = (WAITING, RUNNING, DONE, FAILED, CANCELLED)
PROMOTED, RETIRED, REJECTED = "promoted", "retired", "rejected"
VERSION_STATES = (PROMOTED, RETIRED, REJECTED)

_IS_OPEN = f"state IN ('{WAITING}', '{RUNNING}')"
_IS_PROMOTED = f"state = '{PROMOTED}'"


class UtcDateTime(TypeDecorator[datetime]):
    """Times with a time zone; SQLite, which knows none, keeps them in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC."""
        return None if value is None else value.astimezone(timezone.utc)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From UTC."""
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=timezone.utc)


class Base(DeclarativeBase):
    """Base of every table."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - read by SQLAlchemy, not ours to change
        datetime: UtcDateTime,
        float: Double,
        dict[str, Any]: JSON,
    }


class ImageRow(Base):
    """An image that corrections or clicks refer to; `digest` and size are known once it has been seen.

    `key` is a digest of tool, project and reference: a reference may be a data: URI of megabytes, which no index holds.
    `next_try` is when it is fetched again, None when there is nothing more to do.
    """

    __tablename__ = "images"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    tool: Mapped[str]
    project: Mapped[str]
    task: Mapped[str]
    reference: Mapped[str] = mapped_column(Text)
    digest: Mapped[str | None] = mapped_column(String(64), index=True)
    width: Mapped[int | None]
    height: Mapped[int | None]
    attempts: Mapped[int] = mapped_column(default=0)
    next_try: Mapped[datetime | None] = mapped_column(index=True)
    error: Mapped[str] = mapped_column(Text, default="")


class AnnotationRow(Base):
    """What one person hands in as a whole. Kept when deleted: an event that comes late must not bring it back."""

    __tablename__ = "annotations"
    __table_args__ = (
        UniqueConstraint("tool", "project", "name"),
        Index("ix_annotations_task", "tool", "project", "task"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tool: Mapped[str]
    project: Mapped[str]
    name: Mapped[str]
    task: Mapped[str]
    revision: Mapped[int] = mapped_column(BigInteger)
    withdrawn: Mapped[bool] = mapped_column(default=False)


class InteractionRow(Base):
    """The clicks on one object: what the service has seen, whether or not a correction came of it."""

    __tablename__ = "interactions"
    __table_args__ = (UniqueConstraint("tool", "project", "task", "region"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tool: Mapped[str]
    project: Mapped[str]
    task: Mapped[str]
    region: Mapped[str]
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"), index=True)
    model_version: Mapped[str]
    updated: Mapped[datetime] = mapped_column(index=True)

    clicks: Mapped[list["ClickRow"]] = relationship(
        order_by="ClickRow.position", cascade="all, delete-orphan", passive_deletes=True
    )


class ClickRow(Base):
    """A click, and the mask after it where that was seen: image pixels, COCO counts in the image's size."""

    __tablename__ = "clicks"

    interaction_id: Mapped[int] = mapped_column(
        ForeignKey("interactions.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    role: Mapped[str]
    x: Mapped[float]
    y: Mapped[float]
    mask: Mapped[bytes | None]


class CorrectionRow(Base):
    """One object at one revision. `mask`: COCO counts of (height, width); `flaw`: why it is not learnt from."""

    __tablename__ = "corrections"
    __table_args__ = (
        UniqueConstraint("annotation_id", "region", "revision"),
        CheckConstraint(f"state IN ('{ACTIVE}', '{REPLACED}', '{WITHDRAWN}')", name="state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    annotation_id: Mapped[int] = mapped_column(ForeignKey("annotations.id"), index=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"), index=True)
    interaction_id: Mapped[int | None] = mapped_column(
        ForeignKey("interactions.id", ondelete="SET NULL"), index=True
    )
    region: Mapped[str] = mapped_column(index=True)
    revision: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(16), default=ACTIVE, index=True)
    label: Mapped[str]
    annotator: Mapped[str]
    time: Mapped[datetime]
    model_version: Mapped[str] = mapped_column(default="")
    width: Mapped[int | None]
    height: Mapped[int | None]
    mask: Mapped[bytes | None]
    flaw: Mapped[str] = mapped_column(Text, default="")

    image: Mapped[ImageRow] = relationship()
    annotation: Mapped[AnnotationRow] = relationship()
    interaction: Mapped[InteractionRow | None] = relationship()


class EventRow(Base):
    """A body that has been acknowledged and waits to be understood; gone when that is done."""

    __tablename__ = "inbox"
    __table_args__ = (
        CheckConstraint(f"state IN ('{PENDING}', '{FAILED}')", name="state"),
        Index("ix_inbox_due", "state", "next_try"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tool: Mapped[str]
    body: Mapped[bytes]
    received: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(16), default=PENDING)
    attempts: Mapped[int] = mapped_column(default=0)
    next_try: Mapped[datetime]
    error: Mapped[str] = mapped_column(Text, default="")


class JobRow(Base):
    """A piece of long work on one project; at most one of a project is open.

    `lease`: until when its owner must have been heard of; `latest`: the newest correction there was when it ended.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint(f"state IN ({', '.join(map(repr, JOB_STATES))})", name="state"),
        Index(
            "ix_jobs_open",
            "project",
            unique=True,
            sqlite_where=text(_IS_OPEN),
            postgresql_where=text(_IS_OPEN),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project: Mapped[str] = mapped_column(index=True)
    cause: Mapped[str]
    state: Mapped[str] = mapped_column(String(16), default=WAITING)
    created: Mapped[datetime]
    started: Mapped[datetime | None]
    ended: Mapped[datetime | None]
    owner: Mapped[str] = mapped_column(default="")
    lease: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    stage: Mapped[str] = mapped_column(String(16), default="")
    progress: Mapped[float] = mapped_column(default=0.0)
    latest: Mapped[int] = mapped_column(default=0)
    result: Mapped[dict[str, Any]] = mapped_column(default=dict)
    error: Mapped[str] = mapped_column(Text, default="")


class ModelVersionRow(Base):
    """A head that was trained here: what it came from, its figures, whether it answers; at most one of a project does.

    `base`: digest of the weights that it was trained on; `previous`: who answered before it was promoted, by id, None
    for nobody of this project.
    """

    __tablename__ = "model_versions"
    __table_args__ = (
        CheckConstraint(f"state IN ({', '.join(map(repr, VERSION_STATES))})", name="state"),
        Index(
            "ix_model_versions_promoted",
            "project",
            unique=True,
            sqlite_where=text(_IS_PROMOTED),
            postgresql_where=text(_IS_PROMOTED),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    parent: Mapped[str]
    base: Mapped[str] = mapped_column(String(16))
    project: Mapped[str] = mapped_column(index=True)
    state: Mapped[str] = mapped_column(String(16))
    created: Mapped[datetime]
    previous: Mapped[int | None]
    job_id: Mapped[int | None] = mapped_column(ForeignKey("jobs.id"), index=True)
    figures: Mapped[dict[str, Any]] = mapped_column(default=dict)
    weights: Mapped[bytes] = mapped_column(deferred=True)
