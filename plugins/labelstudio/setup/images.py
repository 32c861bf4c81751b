"""Sample images into a project: each file once, however often it is asked for."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import Field

from model.errors import SettingsError
from plugins.labelstudio.messages import Message, Task
from plugins.labelstudio.setup.server import Refused, Server

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")
"""What both Label Studio imports as images and the backend reads."""
PAGE = 500
LONGEST_NAME = 60
"""Characters of a file's name; Label Studio has room for 100 with what it puts before it."""

_PREFIX = re.compile(r"[0-9a-f]{8}-")
"""Label Studio puts it before the name of each file that is uploaded."""


class Page(Message):
    """Some tasks of a project, and how many it has."""

    tasks: tuple[Task, ...]
    total: int


class Imported(Message):
    """Answer to an upload."""

    task_count: int = Field(ge=0)


def find_images(folder: Path) -> list[Path]:
    """The image files in a folder, by name.

    Raises:
        SettingsError: no folder, or no image in it.
    """
    if not folder.is_dir():
        raise SettingsError(f"--images: expected a folder, got {folder}")
    found = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and path.is_file() and path.name[0] != "."
    )
    if not found:
        raise SettingsError(f"--images: expected {', '.join(SUFFIXES)} files in {folder}, found none")
    return found


def upload(server: Server, project: int, files: list[Path]) -> int:
    """Upload the files that no task of the project shows yet; returns how many.

    Raises:
        SettingsError: Label Studio refuses a file.
    """
    there = Counter(name for task in read_tasks(server, project) for name in _names(task.data))
    missing: list[tuple[str, Path]] = []
    for path in files:
        name = _safe_name(path.name)
        if there[name] > 0:
            there[name] -= 1
        else:
            missing.append((name, path))
    for name, path in missing:
        with path.open("rb") as file:
            try:
                server.send(Imported, "POST", f"/api/projects/{project}/import", files={"file": (name, file)})
            except Refused as refusal:
                raise SettingsError(f"{path}: Label Studio does not take it: {refusal.words}") from None
    return len(missing)


def read_tasks(server: Server, project: int) -> Iterator[Task]:
    """Every task of the project."""
    seen, number = 0, 1
    while True:
        page = server.read(Page, "/api/tasks", project=project, page=number, page_size=PAGE)
        yield from page.tasks
        seen, number = seen + len(page.tasks), number + 1
        if seen >= page.total or not page.tasks:
            return


def _names(data: dict[str, Any]) -> Iterator[str]:
    """File names that a task's data refer to, without what Label Studio puts before them."""
    for value in data.values():
        if isinstance(value, str):
            yield _PREFIX.sub("", PurePosixPath(unquote(urlsplit(value).path)).name, count=1)


def _safe_name(name: str) -> str:
    """The name to upload a file by: one that Label Studio's storage leaves as it is, so that it is found again."""
    safe = re.sub(r"[^-\w.]", "", name.strip().replace(" ", "_"))
    if len(safe) <= LONGEST_NAME:
        return safe
    stem, suffix = safe[: LONGEST_NAME - 20], PurePosixPath(safe).suffix
    return f"{stem}-{hashlib.sha256(safe.encode()).hexdigest()[:8]}{suffix}"
