"""Projects: what has been collected for each, counted."""

from dataclasses import dataclass

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from backend.store.engine import Database
from backend.store.schema import ACTIVE, AnnotationRow, CorrectionRow

ALL = ""
"""The name that stands for all projects together."""


def project_name(tool: str, project: str) -> str:
    """A project's name among those of all tools."""
    return f"{tool}/{project}"


def split_name(name: str) -> tuple[str, str]:
    """Tool and project of a project's name."""
    tool, _, project = name.partition("/")
    return tool, project


@dataclass(frozen=True)
class Collected:
    """Corrections of one project that are active.

    Attributes:
        usable, flawed: how many can be learnt from, and how many cannot.
        latest: number of the newest usable one, 0 without any.
        fresh: usable ones that no finished job has seen.
    """

    project: str
    usable: int
    flawed: int
    latest: int
    fresh: int


class ProjectList:
    """Thread safe; raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collected(self, seen: dict[str, int]) -> list[Collected]:
        """What there is of each project, the largest first.

        Args:
            seen: by project, the newest correction that has been learnt from.
        """
        sound = CorrectionRow.flaw == ""
        rows = (
            select(
                AnnotationRow.tool,
                AnnotationRow.project,
                func.sum(case((sound, 1), else_=0)),
                func.sum(case((sound, 0), else_=1)),
                func.max(case((sound, CorrectionRow.id), else_=0)),
            )
            .join(CorrectionRow.annotation)
            .where(CorrectionRow.state == ACTIVE)
            .group_by(AnnotationRow.tool, AnnotationRow.project)
        )
        with self._database.reading() as session:
            counts = {
                project_name(tool, project): (int(usable), int(flawed), int(latest))
                for tool, project, usable, flawed, latest in session.execute(rows)
            }
            usable, flawed, newest = ([each[i] for each in counts.values()] for i in range(3))
            counts[ALL] = (sum(usable), sum(flawed), max(newest, default=0))
            found = [
                Collected(project, *each, fresh=_newer(session, project, seen.get(project, 0)))
                for project, each in counts.items()
            ]
        return sorted(found, key=lambda each: (-each.usable, each.project))


def _newer(session: Session, project: str, after: int) -> int:
    """Usable corrections beyond one."""
    newer = (
        select(func.count())
        .select_from(CorrectionRow)
        .join(CorrectionRow.annotation)
        .where(CorrectionRow.state == ACTIVE, CorrectionRow.flaw == "", CorrectionRow.id > after)
    )
    if project != ALL:
        tool, name = split_name(project)
        newer = newer.where(AnnotationRow.tool == tool, AnnotationRow.project == name)
    return session.scalar(newer) or 0
