"""What the process that trains is told by the one that started it."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr, field_serializer

from model.loading import RuntimeName

LOST = 3
"""Exit status of the process: the job was cancelled or taken over; there is nothing to be said."""


class Task(BaseModel):
    """One job; travels over standard input, since a database's URL may hold a password.

    Attributes:
        owner: on whose behalf the job was taken.
        folder: holds `images/`, and whatever is needed to go on after an interruption.
        runtime: of the service.
        threads: CPU threads to use.
        replay: data set, LAYOUT:PATH, of objects that must not be forgotten; None: the one that ships.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    job: int
    owner: str
    database: SecretStr
    folder: Path
    weights: str
    device: str
    runtime: RuntimeName
    threads: int
    replay: str | None
    max_image_bytes: int
    max_image_pixels: int

    @field_serializer("database", when_used="json")
    def _tell(self, value: SecretStr) -> str:
        return value.get_secret_value()
