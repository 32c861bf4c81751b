"""Rows that several tables' writers share: found by their unique key, or made."""

import hashlib
from datetime import datetime, timezone
from typing import Any, TypeVar

from sqlalchemy import or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from backend.store.schema import Base, CorrectionRow, ImageRow
from model.corrections import ImageReference

RowT = TypeVar("RowT", bound=Base)


def find_or_add(session: Session, table: type[RowT], key: dict[str, Any], rest: dict[str, Any]) -> RowT:
    """The row with that unique key, made if there is none, and locked until the transaction ends."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.execute(insert(table).values(**key, **rest).on_conflict_do_nothing(index_elements=list(key)))
    return session.scalars(select(table).filter_by(**key).with_for_update()).one()


def image_row(session: Session, image: ImageReference) -> ImageRow:
    """The image's row; a new one is to be fetched as soon as possible."""
    tool, project, reference = image.tool, clean(image.project), clean(image.reference)
    digest = hashlib.sha256("\0".join((tool, project, reference)).encode(errors="replace")).hexdigest()
    rest = {
        "tool": tool,
        "project": project,
        "task": clean(image.task),
        "reference": reference,
        "attempts": 0,
        "next_try": datetime.now(timezone.utc),
        "error": "",
    }
    return find_or_add(session, ImageRow, {"key": digest}, rest)


def see_image(session: Session, image: ImageRow, digest: str, width: int, height: int) -> None:
    """What has been found out about an image; corrections that do not fit it are marked."""
    if image.digest is not None:
        return
    image.digest, image.width, image.height = digest, width, height
    image.next_try, image.error = None, ""
    session.execute(
        update(CorrectionRow)
        .where(
            CorrectionRow.image_id == image.id,
            CorrectionRow.flaw == "",
            or_(CorrectionRow.width != width, CorrectionRow.height != height),
        )
        .values(flaw=misfit(width, height))
    )


def clean(text: str) -> str:
    """Without the one character that PostgreSQL cannot store."""
    return text.replace("\0", "")


def misfit(width: int, height: int) -> str:
    """What is wrong with a mask for an image of that size."""
    return f"mask: expected the image's size {width} x {height}, got another"
