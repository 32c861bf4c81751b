"""The steps of setting up a project, in order; each may be repeated and changes only what is not right yet."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from model.errors import RequestInvalid, SettingsError
from plugins.labelstudio.labelling import CLICK_TAGS, Labelling, read_labelling
from plugins.labelstudio.messages import Message, shortened
from plugins.labelstudio.setup.configuration import Shape, Tools, labels_of, render, shape_of, tools_of
from plugins.labelstudio.setup.connecting import BasicAuth, attach, fix_webhook, read_backends
from plugins.labelstudio.setup.images import find_images, read_tasks, upload
from plugins.labelstudio.setup.server import Refused, Server
from plugins.labelstudio.setup.trial import trial_click

SHORTEST_TITLE = 3
LONGEST_TITLE = 50
"""Characters; Label Studio's limits."""

DATA_KEY = "image"
UPLOADED = "$undefined$"
"""Label Studio's key of an uploaded file: it is shown whatever key the labelling configuration has."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Wishes:
    """What the project shall be.

    Args:
        project: number of one that is there; None: the one called `title`, made if it is not there.
        title: name of a new project.
        labels: None: those that the project has.
        shape, tools: None: as the project has them if they fit, else a brush and one tool.
        backend: the backend's address as Label Studio reaches it.
        credentials: what the backend asks for, if it does.
        images: folder whose images are uploaded.
    """

    backend: str
    project: int | None = None
    title: str | None = None
    labels: tuple[str, ...] | None = None
    shape: Shape | None = None
    tools: Tools | None = None
    credentials: BasicAuth | None = None
    images: Path | None = None


class Project(Message):
    """A project of Label Studio."""

    id: int
    title: str | None = None
    label_config: str = ""


class Projects(Message):
    """One page of a list of projects."""

    results: tuple[Project, ...]
    next: str | None = None


def set_up(server: Server, wishes: Wishes, say: Say) -> int:
    """Make the project as wished and try it; returns its number.

    Args:
        say: told in one line what each step found or did.

    Raises:
        SettingsError: a step failed; what was done before it stays, and running it again goes on from there.
    """
    files = find_images(wishes.images) if wishes.images else []
    say(f"Label Studio {server.release()} at {server.url}")
    project = _project(server, wishes, say)
    backend, done = attach(server, project.id, wishes.backend, wishes.credentials)
    say(f"backend {wishes.backend}: {done}, model {backend.model_version or 'unnamed'}")
    for other in read_backends(server, project.id):
        if other.id != backend.id:
            say(
                f"  another backend is attached too: {other.url}; if it is of no use, remove it in Settings > Model"
            )
    say(f"webhook: {fix_webhook(server, project.id, wishes.backend, wishes.credentials)}")
    if files:
        new = upload(server, project.id, files)
        say(f"images: {new} uploaded, {len(files) - new} there already")
    task = next(read_tasks(server, project.id), None)
    if task is None:
        say("trial click: none, the project has no task yet; run this again when it has")
    else:
        headers = wishes.credentials.header if wishes.credentials else {}
        say(trial_click(server, backend, task, project.label_config, headers))
    return project.id


def _project(server: Server, wishes: Wishes, say: Say) -> Project:
    if wishes.project is not None:
        try:
            found: Project | None = server.read(Project, f"/api/projects/{wishes.project}/")
        except Refused as refusal:
            raise SettingsError(
                f"--project: expected the number of a project of yours, got {wishes.project}; "
                f"Label Studio answered {refusal.status}: {shortened(refusal.words)}"
            ) from None
    else:
        found = _find(server, wishes.title or "")
    configuration = _configuration(server, wishes, found)
    wanted = {"label_config": configuration}
    try:
        if found is None:
            made = server.send(Project, "POST", "/api/projects/", json={**wanted, "title": wishes.title})
            say(f"project {made.id} {wishes.title!r}: made")
            return made
        if found.label_config.strip() == configuration.strip():
            say(f"project {found.id} {found.title!r}: its labelling configuration stays as it is")
            return found
        changed = server.send(Project, "PATCH", f"/api/projects/{found.id}/", json=wanted)
        say(f"project {found.id} {found.title!r}: has a new labelling configuration")
        return changed
    except Refused as refusal:
        raise SettingsError(f"project: Label Studio refuses it: {shortened(refusal.words, 300)}") from None


def _find(server: Server, title: str) -> Project | None:
    """The project of that very title; Label Studio cuts off blanks around it."""
    title = title.strip()
    if not SHORTEST_TITLE <= len(title) <= LONGEST_TITLE:
        raise SettingsError(
            f"--new: expected a name of {SHORTEST_TITLE} to {LONGEST_TITLE} characters, got {shortened(title)}"
        )
    found: list[Project] = []
    number, more = 1, True
    while more:
        page = server.read(Projects, "/api/projects/", title=title, page=number, page_size=100)
        found += [project for project in page.results if project.title == title]
        number, more = number + 1, page.next is not None
    if len(found) > 1:
        numbers = ", ".join(str(project.id) for project in found)
        raise SettingsError(f"--new: expected one project {title!r}, found {numbers}; choose with --project")
    return found[0] if found else None


def _configuration(server: Server, wishes: Wishes, found: Project | None) -> str:
    """The project's own labelling configuration if it works and nothing else is wished, else one of ours."""
    labelling = _labelling(found) if found else None
    image = _image(labelling) if labelling else None
    changes = wishes.labels or wishes.shape or wishes.tools
    if found and labelling and image and not changes and _suits(labelling, image):
        return found.label_config
    labels = wishes.labels or (labels_of(labelling) if labelling else ())
    if not labels:
        raise SettingsError(
            "--labels: expected the names of the classes by commas, since the project has none"
        )
    if labelling is None or image is None:
        key = _data_key(server, found) if found else DATA_KEY
        return render(wishes.shape or "brush", wishes.tools or "one", labels, key)
    return render(
        wishes.shape or shape_of(labelling),
        wishes.tools or tools_of(labelling),
        labels,
        labelling.images[image],
    )


def _data_key(server: Server, project: Project) -> str:
    """Where the tasks that are there keep their image; for files that were uploaded any key will do."""
    task = next(read_tasks(server, project.id), None)
    if task is None or {DATA_KEY, UPLOADED} & set(task.data):
        return DATA_KEY
    return next((key for key, value in task.data.items() if "/" in str(value)), DATA_KEY)


def _labelling(project: Project) -> Labelling | None:
    try:
        return read_labelling(project.label_config)
    except RequestInvalid:
        return None


def _image(labelling: Labelling) -> str | None:
    return next(iter(labelling.images), None)


def _suits(labelling: Labelling, image: str) -> bool:
    """Whether one can click in it, and masks have a place."""
    try:
        labelling.output(image)
    except RequestInvalid:
        return False
    return any(control.tag in CLICK_TAGS and image in control.images for control in labelling.controls)
