"""Annotations that a project has already, read over Label Studio's API page by page."""

from collections.abc import Iterator

from model.errors import RequestInvalid
from plugins.labelstudio.client import LabelStudioClient
from plugins.labelstudio.corrections import Annotation, Project
from plugins.labelstudio.messages import Message, Task, parse

PAGE = 20
"""Tasks in an answer; each brings all its masks along."""


class AnnotatedTask(Task):
    """A task with everything that has been handed in for it."""

    annotations: tuple[Annotation, ...] = ()


class Page(Message):
    """Some tasks of a project, and how many it has."""

    tasks: tuple[AnnotatedTask, ...]
    total: int


def read_project(client: LabelStudioClient, number: int) -> Project:
    """The project; raises ImageRejected if Label Studio does not give it to us."""
    return parse(Project, client.api(f"/api/projects/{number}"))


def read_annotations(client: LabelStudioClient, project: Project) -> Iterator[tuple[Task, Annotation]]:
    """Every annotation of a project with its task.

    Raises:
        ImageRejected: Label Studio does not answer.
        RequestInvalid: it answers something else than tasks.
    """
    seen, number = 0, 1
    while True:
        query = f"project={project.id}&page={number}&page_size={PAGE}&fields=all"
        page = parse(Page, client.api(f"/api/tasks?{query}"))
        for task in page.tasks:
            for annotation in task.annotations:
                yield task, annotation
        seen, number = seen + len(page.tasks), number + 1
        if seen >= page.total:
            return
        if not page.tasks:
            raise RequestInvalid(
                f"Label Studio: expected {page.total} tasks, got {seen}; were some deleted meanwhile? pull again"
            )
