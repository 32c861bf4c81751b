"""Label Studio's requests, as far as this plugin reads them.

Only the fields that matter are described; whatever is not is skipped while the body is read.
"""

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError

from model.errors import RequestInvalid
from model.validation import first_problem

MOST_ITEMS = 10_000
LONGEST_NAME = 512
MOST_VALUES = 2_000_000
"""Of a body without its masks; read, each takes some hundred bytes, though it may have come as two."""

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Pixels = Annotated[int, Field(strict=True, gt=0, le=1_000_000)]
Name = Annotated[str, Field(strict=True, min_length=1, max_length=LONGEST_NAME, pattern=r"^[^\x00]*$")]
"""Without NUL, which PostgreSQL does not keep."""
Labels = Annotated[tuple[Name, ...], Field(max_length=1000)]
Identifier = Annotated[int, Field(strict=True)] | Name


class Message(BaseModel):
    """Base of every message: immutable, unknown fields skipped."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Value(Message):
    """Where an item of a result lies, in percent of the upright image, and its labels."""

    x: Number | None = None
    y: Number | None = None
    width: Number | None = None
    height: Number | None = None
    rotation: Number | None = None
    labels: Labels | None = None
    keypointlabels: Labels | None = None
    rectanglelabels: Labels | None = None


class Item(Message):
    """One item of a result; a click with a label may come as two items with the same `id`."""

    id: Name
    type: Name
    from_name: Name
    to_name: Name
    value: Value
    original_width: Pixels | None = None
    original_height: Pixels | None = None
    image_rotation: Number | None = None
    is_positive: bool | None = None


class Context(Message):
    """What the annotator has drawn with smart tools since the last accepted suggestion."""

    result: Annotated[tuple[Item, ...], Field(max_length=MOST_ITEMS), FailFast()] = ()


class Parameters(Message):
    """`context` is None when nobody has clicked; `login`, `password`: for images outside Label Studio."""

    login: str | None = None
    password: str | None = None
    context: Context | None = None


class Task(Message):
    """One task; `data` holds the references to its images."""

    id: Identifier | None = None
    data: dict[str, Any] = Field(default_factory=dict)


class OpenTask(Task):
    """A task with what has been drawn on it: submitted `annotations`, and the asking annotator's own `drafts`."""

    drafts: Any = None
    annotations: Any = None


class PredictRequest(Message):
    """Body of POST /predict."""

    tasks: Annotated[tuple[OpenTask, ...], FailFast()]
    project: Identifier | None = None
    label_config: str | None = None
    params: Parameters | None = None

    @property
    def context(self) -> Context | None:
        """The clicks; None if this is no interactive request."""
        return self.params.context if self.params else None


class SetupRequest(Message):
    """Body of POST /setup; hostname and token are those Label Studio claims for itself."""

    project: Identifier | None = None
    label_config: str | None = Field(None, alias="schema")
    hostname: str | None = None
    access_token: str | None = Field(None, repr=False)


class WebhookRequest(Message):
    """Body of POST /webhook."""

    action: Name


MessageT = TypeVar("MessageT", bound=Message)


def parse(kind: type[MessageT], body: bytes) -> MessageT:
    """Message of the given kind from a JSON body.

    Raises:
        RequestInvalid: no JSON, or a field that is missing or cannot be used; names the first such field.
    """
    # Counted before they are read; those within texts count, too.
    if (count := sum(map(body.count, (b",", b"[", b"{")))) > MOST_VALUES:
        raise RequestInvalid(f"body: expected at most {MOST_VALUES} values, got some {count}")
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = first_problem(error, "")
        if not first.where:  # all of it, which may begin with a password
            raise RequestInvalid(f"body: {first.what}, got {len(body)} bytes of something else") from None
        message = first.what.replace("Input should be", "expected", 1)
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise RequestInvalid(f"{first.where}: {message}, got {shortened(first.came)}{more}") from None


def shortened(value: object, longest: int = 60) -> str:
    """A value from outside on one line, cut to a length that a log can bear."""
    # Cut before it is written out: the value may be a list of millions.
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return f"an object with {len(value)} fields"
    if isinstance(value, (str, bytes)):
        return repr(value[:longest]) + ("..." if len(value) > longest else "")
    return repr(value)[:longest]
