"""Annotations of a project that has some already, page by page."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from model.errors import BoundaryClickError, RequestInvalid, SettingsError
from plugins.labelstudio import Connection
from plugins.labelstudio.client import LabelStudioClient
from plugins.labelstudio.pulling import PAGE, read_annotations, read_project
from tests.plugins.labelstudio.doubles import golden
from tests.plugins.labelstudio.label_studio_double import LEGACY

EVENT: dict[str, Any] = golden("request-annotation-created")
STUDIO = "http://localhost:8085/studio"


class Studio:
    """A project of `count` tasks, each with two annotations, as Label Studio's API lists them."""

    def __init__(self, count: int) -> None:
        self.tasks = [self._task(number) for number in range(1, count + 1)]
        self.total = count
        self.headers: list[Mapping[str, str]] = []

    @staticmethod
    def _task(number: int) -> dict[str, Any]:
        annotations = [EVENT["annotation"] | {"id": 10 * number + one, "task": number} for one in (1, 2)]
        return EVENT["task"] | {"id": number, "annotations": annotations}

    def __call__(self, url: str, headers: Mapping[str, str]) -> bytes:
        self.headers.append(headers)
        parts = urlsplit(url)
        if parts.path == "/studio/api/projects/2":
            return json.dumps(EVENT["project"]).encode()
        assert parts.path == "/studio/api/tasks"
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        assert (query["project"], query["fields"]) == ("2", "all")
        start = (int(query["page"]) - 1) * int(query["page_size"])
        tasks = self.tasks[start : start + int(query["page_size"])]
        return json.dumps({"tasks": tasks, "total": self.total}).encode()


def pulled(studio: Studio) -> list[tuple[str, str]]:
    """Task and annotation of everything that is read."""
    client = LabelStudioClient(studio, Connection(STUDIO, LEGACY))
    project = read_project(client, 2)
    assert project.key == "2.1795354385"
    return [(str(task.id), str(annotation.id)) for task, annotation in read_annotations(client, project)]


@pytest.mark.parametrize("count", [0, 1, PAGE, 2 * PAGE + 1])
def test_every_annotation_of_every_page_comes_once(count: int) -> None:
    studio = Studio(count)
    found = pulled(studio)
    assert found == [(str(n), str(10 * n + one)) for n in range(1, count + 1) for one in (1, 2)]
    assert {headers["Authorization"] for headers in studio.headers} == {f"Token {LEGACY}"}


def test_tasks_that_are_deleted_meanwhile_do_not_make_it_run_for_ever() -> None:
    studio = Studio(3)
    studio.total = 5
    with pytest.raises(RequestInvalid, match="expected 5 tasks, got 3"):
        pulled(studio)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"id": null}'])
def test_something_else_than_an_answer_is_one_line(body: bytes) -> None:
    client = LabelStudioClient(lambda url, headers: body, Connection(STUDIO, LEGACY))
    with pytest.raises(BoundaryClickError, match=r"^[^\n]+$"):
        read_project(client, 2)


@pytest.mark.parametrize("connection", [Connection(), Connection(STUDIO)])
def test_without_a_token_it_says_what_to_set(connection: Connection) -> None:
    with pytest.raises(SettingsError, match="set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY"):
        read_project(LabelStudioClient(Studio(1), connection), 2)
