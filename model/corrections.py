"""What annotators hand in: masks of objects and the clicks before them, whatever tool they come from."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from model.clicks import Click


@dataclass(frozen=True)
class ImageReference:
    """Where an image is found again.

    Args:
        tool: who can fetch it, `labelstudio` for example.
        project, task: as the tool names them.
        reference: URL or path as the tool gave it; nothing in it is resolved, so a server may move.
    """

    tool: str
    project: str
    task: str
    reference: str


@dataclass(frozen=True, eq=False)
class Correction:
    """One object as an annotator has left it.

    Args:
        region: the object's name within its annotation; the same in every revision.
        mask: (H, W) bool in the image's size; None if it could not be read, then `flaw` says why.
        label: what the object is; several are joined by commas.
        flaw: one line that keeps the correction from being learnt from.
    """

    region: str
    image: ImageReference
    mask: NDArray[np.bool_] | None
    label: str = ""
    flaw: str = ""


@dataclass(frozen=True)
class AnnotationKey:
    """An annotation: what one person hands in as a whole, a job of CVAT for example."""

    tool: str
    project: str
    annotation: str


@dataclass(frozen=True, eq=False)
class Submission:
    """An annotation at one revision: exactly these objects, no others.

    Args:
        revision: grows with every change, such as microseconds since 1970; 0 or more.
        time: when it was handed in, with time zone.
        annotator: as the tool names people; empty if unknown.
    """

    key: AnnotationKey
    task: str
    revision: int
    time: datetime
    annotator: str
    corrections: tuple[Correction, ...]


@dataclass(frozen=True)
class Recorded:
    """What a submission has changed, in objects.

    Attributes:
        stale: nothing, since this revision or a later one was there, or the annotation has been deleted.
    """

    added: int = 0
    replaced: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    stale: bool = False


@dataclass(frozen=True, eq=False)
class Interaction:
    """The clicks on one object so far, and the mask that answered them.

    Args:
        digest: SHA-256 of the image's file.
        region: the object's name, as it will be in a correction.
        clicks: all of them in order, image pixels.
        mask: (H, W) bool after the last one.
        model_version: who answered.
    """

    image: ImageReference
    digest: str
    region: str
    clicks: tuple[Click, ...]
    mask: NDArray[np.bool_]
    model_version: str
