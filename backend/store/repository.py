"""Corrections, images and clicks: what is written, and what fine-tuning reads."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session, joinedload, selectinload

from backend.store import masks
from backend.store.engine import Database
from backend.store.rows import clean, find_or_add, image_row, misfit
from backend.store.schema import (
    ACTIVE,
    REPLACED,
    WITHDRAWN,
    AnnotationRow,
    CorrectionRow,
    InteractionRow,
)
from model.clicks import Click, Role
from model.corrections import AnnotationKey, Correction, ImageReference, Recorded, Submission


@dataclass(frozen=True)
class StoredClick:
    """A click and the mask after it, None where it was not seen."""

    click: Click
    mask: bytes | None


@dataclass(frozen=True)
class StoredCorrection:
    """An active correction.

    Attributes:
        digest: SHA-256 of the image's file; None until the image has been seen.
        width, height: of the mask, and of the image once it has been seen.
        counts: the mask as COCO's run lengths.
        clicks: the annotator's own, in order; empty if they are not known.
    """

    id: int
    image: ImageReference
    digest: str | None
    width: int
    height: int
    counts: bytes
    label: str
    annotator: str
    time: datetime
    model_version: str
    clicks: tuple[StoredClick, ...]

    @property
    def mask(self) -> NDArray[np.bool_]:
        """(H, W) bool."""
        return masks.decode(self.counts, self.width, self.height)


@dataclass(frozen=True)
class _Drawn:
    """A correction as it is stored."""

    correction: Correction
    mask: bytes | None
    width: int | None
    height: int | None
    flaw: str


class CorrectionStore:
    """Corrections of every tool; thread safe, several processes may share a database.

    What `record` and `withdraw` return has been committed. Both may be repeated and may come in any order: an older
    revision after a newer one, or anything after a deletion, changes nothing.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, submission: Submission) -> Recorded:
        """Make the annotation hold exactly these objects; those it held before and are gone are withdrawn.

        Raises:
            StoreError: the database does not take it; nothing has changed.
        """
        drawn = {correction.region: _draw(correction) for correction in submission.corrections}
        with self._database.writing() as session:
            annotation = _annotation(session, submission.key, submission.task)
            if annotation.withdrawn or submission.revision <= annotation.revision:
                return Recorded(stale=True)
            annotation.revision = submission.revision
            return _exchange(session, annotation, submission, drawn)

    def withdraw(self, key: AnnotationKey) -> int:
        """The annotation has been deleted, for good; returns how many corrections that takes away."""
        with self._database.writing() as session:
            annotation = _annotation(session, key, "")
            annotation.withdrawn = True
            return _withdraw(session, CorrectionRow.annotation_id == annotation.id)

    def withdraw_task(self, tool: str, project: str, task: str) -> int:
        """Every annotation of the task has been deleted; returns how many corrections that takes away."""
        with self._database.writing() as session:
            of_task = (
                AnnotationRow.tool == tool,
                AnnotationRow.project == clean(project),
                AnnotationRow.task == clean(task),
            )
            gone = session.scalars(select(AnnotationRow.id).where(*of_task)).all()
            session.execute(update(AnnotationRow).where(*of_task).values(withdrawn=True))
            return _withdraw(session, CorrectionRow.annotation_id.in_(gone))

    def active(self, tool: str | None = None, project: str | None = None) -> list[StoredCorrection]:
        """What can be learnt from, oldest first: active, without a flaw.

        Args:
            tool, project: only those, None: all.
        """
        rows = (
            select(CorrectionRow)
            .join(CorrectionRow.annotation)
            .where(CorrectionRow.state == ACTIVE, CorrectionRow.flaw == "")
            .order_by(CorrectionRow.id)
            .options(
                joinedload(CorrectionRow.image),
                joinedload(CorrectionRow.interaction).options(selectinload(InteractionRow.clicks)),
            )
        )
        if tool is not None:
            rows = rows.where(AnnotationRow.tool == tool)
        if project is not None:
            rows = rows.where(AnnotationRow.project == project)
        with self._database.reading() as session:
            return [_stored(row) for row in session.scalars(rows)]

    def counts(self) -> dict[str, int]:
        """Number of corrections by state; `flawed` counts those of the active ones that are not learnt from."""
        with self._database.reading() as session:
            found = session.execute(select(CorrectionRow.state, func.count()).group_by(CorrectionRow.state))
            numbers = {state: count for state, count in found}  # noqa: C416 - rows are no pairs to mypy
            flawed = session.scalar(
                select(func.count()).where(CorrectionRow.state == ACTIVE, CorrectionRow.flaw != "")
            )
        return {state: numbers.get(state, 0) for state in (ACTIVE, REPLACED, WITHDRAWN)} | {
            "flawed": flawed or 0
        }


def _draw(correction: Correction) -> _Drawn:
    mask = correction.mask
    if mask is None:
        return _Drawn(correction, None, None, None, clean(correction.flaw) or "no mask")
    flaw = clean(correction.flaw)
    if not mask.any():
        flaw = flaw or "mask: expected an object, got an empty mask"
    elif mask.all():
        flaw = flaw or "mask: expected an object, got the whole image"
    return _Drawn(correction, masks.encode(mask), mask.shape[1], mask.shape[0], flaw)


def _annotation(session: Session, key: AnnotationKey, task: str) -> AnnotationRow:
    identity = {"tool": key.tool, "project": clean(key.project), "name": clean(key.annotation)}
    rest = {"task": clean(task), "revision": -1, "withdrawn": False}
    return find_or_add(session, AnnotationRow, identity, rest)


def _exchange(
    session: Session, annotation: AnnotationRow, submission: Submission, drawn: dict[str, _Drawn]
) -> Recorded:
    """The old objects of an annotation for the new ones; those that are the same stay as they are."""
    before = {
        row.region: row
        for row in session.scalars(
            select(CorrectionRow).where(
                CorrectionRow.annotation_id == annotation.id, CorrectionRow.state == ACTIVE
            )
        )
    }
    added = replaced = unchanged = 0
    for name, new in drawn.items():
        region = clean(name)
        old = before.pop(region, None)
        row = _correction_row(session, annotation, submission, region, new)
        if old is not None and _same(old, row):
            unchanged += 1
            continue
        if old is not None:
            old.state = REPLACED
            replaced += 1
        else:
            added += 1
        session.add(row)
    for gone in before.values():
        gone.state = WITHDRAWN
    return Recorded(added, replaced, unchanged, len(before))


def _correction_row(
    session: Session, annotation: AnnotationRow, submission: Submission, region: str, new: _Drawn
) -> CorrectionRow:
    """The row of a correction; not part of the session yet."""
    image = image_row(session, new.correction.image)
    flaw = new.flaw
    if not flaw and image.width is not None and (new.width, new.height) != (image.width, image.height):
        flaw = misfit(image.width, image.height or 0)
    interaction = session.scalars(
        select(InteractionRow).filter_by(
            tool=annotation.tool, project=annotation.project, task=annotation.task, region=region
        )
    ).one_or_none()
    return CorrectionRow(
        annotation_id=annotation.id,
        image_id=image.id,
        interaction_id=interaction.id if interaction else None,
        region=region,
        revision=submission.revision,
        state=ACTIVE,
        label=clean(new.correction.label),
        annotator=clean(submission.annotator),
        time=submission.time,
        model_version=interaction.model_version if interaction else "",
        width=new.width,
        height=new.height,
        mask=new.mask,
        flaw=flaw,
    )


def _same(old: CorrectionRow, new: CorrectionRow) -> bool:
    return all(
        getattr(old, name) == getattr(new, name) for name in ("mask", "label", "image_id", "width", "height")
    )


def _withdraw(session: Session, which: ColumnElement[bool]) -> int:
    gone = session.scalars(select(CorrectionRow).where(which, CorrectionRow.state == ACTIVE)).all()
    for row in gone:
        row.state = WITHDRAWN
    return len(gone)


def _stored(row: CorrectionRow) -> StoredCorrection:
    image, interaction = row.image, row.interaction
    return StoredCorrection(
        id=row.id,
        image=ImageReference(image.tool, image.project, image.task, image.reference),
        digest=image.digest,
        width=row.width or 0,
        height=row.height or 0,
        counts=row.mask or b"",
        label=row.label,
        annotator=row.annotator,
        time=row.time,
        model_version=row.model_version,
        clicks=_clicks(interaction) if interaction else (),
    )


def _clicks(interaction: InteractionRow) -> tuple[StoredClick, ...]:
    return tuple(
        StoredClick(Click(row.x, row.y, cast(Role, row.role)), row.mask) for row in interaction.clicks
    )
