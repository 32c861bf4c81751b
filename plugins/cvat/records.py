"""What CVAT's API says of jobs, frames and shapes, as far as this plugin reads it."""

from datetime import datetime, timezone
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

RecordT = TypeVar("RecordT", bound="Record")


class Record(BaseModel):
    """Any answer; what is not named here may be there or not, as versions of CVAT differ."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Page(Record, Generic[RecordT]):
    """Some items of a list, and whether there are more."""

    results: tuple[RecordT, ...]
    next: str | None = None


class Person(Record):
    """Somebody who annotates."""

    id: int


class Job(Record):
    """A part of a task that one person works on.

    Attributes:
        start_frame, stop_frame: first and last frame, in the task's numbering.
        created_date: not told by CVAT before 2.5.
    """

    id: int
    task_id: int
    project_id: int | None = None
    state: str
    type: str = "annotation"
    dimension: str = "2d"
    start_frame: Annotated[int, Field(ge=0)]
    stop_frame: Annotated[int, Field(ge=0)]
    created_date: datetime | None = None
    updated_date: datetime
    assignee: Person | None = None

    @property
    def name(self) -> str:
        """Identifies the job on its server: ids begin again at 1 when CVAT is set up anew."""
        made = self.created_date
        return f"jobs/{self.id}" if made is None else f"jobs/{self.id}.{int(_aware(made).timestamp())}"

    @property
    def group(self) -> str:
        """What the job belongs to: the project, or the task where there is none."""
        return f"tasks/{self.task_id}" if self.project_id is None else f"projects/{self.project_id}"

    @property
    def time(self) -> datetime:
        """When the job or one of its annotations was changed last."""
        return _aware(self.updated_date)

    @property
    def revision(self) -> int:
        """The same in microseconds since 1970."""
        return round(self.time.timestamp() * 1_000_000)


class Task(Record):
    """A task; its size is 0 until its images have been uploaded."""

    id: int
    name: str
    project_id: int | None = None
    dimension: str = "2d"
    size: int | None = 0


class Label(Record):
    """A label of a task or project."""

    id: int
    name: str


class Frame(Record):
    """An image, upright as CVAT shows it."""

    width: Annotated[int, Field(gt=0)]
    height: Annotated[int, Field(gt=0)]
    name: str = ""


class Media(Record):
    """Frames of a job or a task in order; a video has one entry for all of its frames."""

    frames: tuple[Frame, ...]
    deleted_frames: tuple[int, ...] = ()

    def frame(self, index: int) -> Frame | None:
        """The frame at a place of the job or task; None beyond its end."""
        if len(self.frames) == 1:
            return self.frames[0]
        return self.frames[index] if 0 <= index < len(self.frames) else None


class Shape(Record):
    """A shape on a frame; its points are checked when it is drawn, so that one bad shape is one bad shape."""

    type: str
    frame: int
    points: tuple[Any, ...] = ()
    outside: bool = False


class LabelledShape(Shape):
    """A shape that is there on its own."""

    label_id: int


class Track(Record):
    """Shapes of one object over several frames; only those that somebody has drawn are told."""

    label_id: int
    shapes: tuple[Shape, ...] = ()


class Tag(Record):
    """A label for a frame as a whole."""

    frame: int


class Annotations(Record):
    """Everything on the frames of a job."""

    shapes: tuple[LabelledShape, ...] = ()
    tracks: tuple[Track, ...] = ()
    tags: tuple[Tag, ...] = ()


def _aware(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)
