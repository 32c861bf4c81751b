"""What the service's own routes take and answer."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict

from backend.openapi.document import Operation, Problem
from backend.store import Collected, Job, Version
from backend.troubles import Trouble
from backend.web.messages import ImageAnswer, SegmentAnswer, SegmentRequest

Page = Annotated[str, "text/html"]
File = Annotated[bytes, "*/*"]


class Exact(BaseModel):
    """An answer that holds these fields and no others."""

    model_config = ConfigDict(extra="forbid")


class Health(Exact):
    """Answer of GET /health."""

    status: str
    version: str
    model_version: str


class Ready(Exact):
    """Answer of GET /ready; `errors` only for who has logged in."""

    ready: bool
    error: str | None = None
    model_version: str
    learning: bool | None
    errors: list[Trouble]


class Upload(BaseModel):
    """A form with an image file."""

    image: bytes


@dataclass(frozen=True, kw_only=True)
class Shown(Collected):
    """A project of the learning page and the version that answers for it."""

    version: str


class Learnt(Exact):
    """Answer of GET /api/learning."""

    projects: list[Shown]
    jobs: list[Job]
    versions: list[Version]
    shipped: str


class OfProject(BaseModel):
    """Names a project; the empty name stands for all."""

    project: str


class OfVersion(BaseModel):
    """Names a version; for the shipped one the project, too."""

    version: str
    project: str | None = None


class Cancelled(Exact):
    """Whether the job was still there to be cancelled."""

    cancelled: bool


class Answering(Exact):
    """The version that answers from now on; null: the shipped one."""

    version: str | None


METRICS = (
    Annotated[str, "text/plain"],
    Annotated[str, "application/openmetrics-text"],
)
OPERATIONS = {
    "health": Operation("Whether the process lives", answers={200: Health}),
    "ready": Operation("Whether clicks can be answered and corrections kept", answers={200: Ready, 503: Ready}),
    "metrics": Operation("Figures for Prometheus", answers={200: METRICS}),
    "web.page": Operation("The page", answers={200: Page}),
    "web.static": Operation("A part of the page", answers={200: File}),
    "web.sample": Operation("A sample photo", answers={200: Annotated[bytes, "image/jpeg"]}),
    "web.upload": Operation(
        "Upload an image that will be clicked on",
        (
            Annotated[bytes, "image/*"],
            Annotated[bytes, "application/octet-stream"],
            Annotated[Upload, "multipart/form-data"],
        ),
        {200: ImageAnswer},
    ),
    "web.segment": Operation(
        "The mask of all clicks on an object so far", SegmentRequest, {200: SegmentAnswer, 404: Problem}
    ),
    "learning.page": Operation("The learning page", answers={200: Page}),
    "learning.state": Operation("Corrections, jobs and versions", answers={200: Learnt}),
    "learning.ask": Operation("Learn from a project's corrections", OfProject, {202: Job}),
    "learning.cancel": Operation("Cancel a job", dict[str, Any], {200: Cancelled}),
    "learning.promote": Operation("Let a version answer", OfVersion, {200: Answering}),
    "learning.roll_back": Operation("Let the version before answer again", OfProject, {200: Answering}),
}  # fmt: skip
