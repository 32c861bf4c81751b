"""Annotations that are known: what a tool need not be asked for again."""

from dataclasses import dataclass

from sqlalchemy import select

from backend.store.engine import Database
from backend.store.schema import AnnotationRow


@dataclass(frozen=True)
class KnownAnnotation:
    """An annotation that has not been deleted, at its last revision."""

    project: str
    task: str
    annotation: str
    revision: int


class AnnotationList:
    """What is known of annotations; thread safe, several processes may share a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, tool: str) -> list[KnownAnnotation]:
        """Every annotation of a tool that has not been deleted. Raises StoreError."""
        rows = select(
            AnnotationRow.project, AnnotationRow.task, AnnotationRow.name, AnnotationRow.revision
        ).where(AnnotationRow.tool == tool, AnnotationRow.withdrawn.is_(False))
        with self._database.reading() as session:
            return [KnownAnnotation(*row) for row in session.execute(rows)]
