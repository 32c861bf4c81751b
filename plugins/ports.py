"""What the plugins need from the program around them; where programs are put together, these are filled in.

The protocols are generic over the program's own image class, so neither side imports the other.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from model import Click, Prediction, Role
from model.corrections import AnnotationKey, ImageReference, Interaction, Recorded, Submission
from model.geometry import Box


class Image(Protocol):
    """A decoded image."""

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB, upright (EXIF orientation applied)."""

    @property
    def digest(self) -> str:
        """Identifies the image by its content."""


ImageT = TypeVar("ImageT", bound=Image)
ImageT_co = TypeVar("ImageT_co", bound=Image, covariant=True)
ImageT_contra = TypeVar("ImageT_contra", bound=Image, contravariant=True)


class PredictionService(Protocol[ImageT_contra]):
    """Clicks to masks; thread safe."""

    @property
    def roles(self) -> tuple[Role, ...]:
        """Of the clicks that the model takes, the selection first."""

    @property
    def version(self) -> str:
        """Name of the model that answers."""

    def version_for(self, project: str) -> str:
        """Name of the model that answers for a project, by its name among those of all tools: `labelstudio/3`."""

    def predict(
        self,
        image: ImageT_contra,
        clicks: Sequence[Click],
        mask: NDArray[np.bool_] | None = None,
        box: Box | None = None,
        project: str = "",
    ) -> Prediction:
        """Mask after all `clicks`, which start with a selection click unless a `mask` is given; names who answered,
        which an object goes on with when another is promoted meanwhile.

        Args:
            box: where the object is, so that it need not be searched for.
            project: whose model answers, as for `version_for`; empty: that of all.

        Raises:
            BoundaryClickError: clicks or mask do not fit the image.
        """

    def warm(self, image: ImageT_contra) -> None:
        """Do ahead of the first click whatever can be done."""


class ImageLoader(Protocol[ImageT_co]):
    """Decodes images within limits and remembers them."""

    def load(self, key: str, fetch: Callable[[], bytes]) -> ImageT_co:
        """Image remembered under `key`, else the decoded bytes that `fetch` returns.

        Raises:
            ImageRejected: the bytes are no acceptable image, or `fetch` raised it.
        """


class ImageStore(ImageLoader[ImageT_co], Protocol[ImageT_co]):
    """An image loader that takes files too."""

    def decode(self, data: bytes) -> ImageT_co:
        """Image in the bytes of a file. Raises ImageRejected."""


class Downloader(Protocol):
    """Gets bytes over HTTP within limits, from allowed hosts only."""

    def __call__(self, url: str, headers: Mapping[str, str]) -> bytes:
        """Body behind `url`; `headers` must not follow a redirect to another origin.

        Raises:
            ImageRejected: host not allowed, unreachable, an error status, or too many bytes.
        """


class KnownAnnotation(Protocol):
    """An annotation that the store holds, at its last revision."""

    @property
    def project(self) -> str:
        """As in its key."""

    @property
    def task(self) -> str:
        """As it was first submitted."""

    @property
    def annotation(self) -> str:
        """As in its key."""

    @property
    def revision(self) -> int:
        """-1 if nothing but its deletion is known."""


class Corrections(Protocol):
    """Where corrections go; thread safe. Every method may be called again with the same, and raises StoreError."""

    def record(self, submission: Submission) -> Recorded:
        """Make the annotation hold exactly these objects; an older revision than the known one changes nothing."""

    def withdraw(self, key: AnnotationKey) -> int:
        """The annotation has been deleted, for good; returns how many corrections that takes away."""

    def withdraw_task(self, tool: str, project: str, task: str) -> int:
        """Every annotation of the task has been deleted; returns how many corrections that takes away."""


class Learning(Corrections, Protocol):
    """Keeps what annotators do; thread safe."""

    def join(
        self, tool: str, fetch: Callable[[ImageReference], bytes], understand: Callable[[bytes], None]
    ) -> None:
        """From now on, fetch this tool's images with `fetch` and hand its events to `understand`."""

    def put(self, tool: str, body: bytes) -> None:
        """Keep an event, to be understood later; it is on the disk when this returns. Raises StoreError."""

    def offer(self, interaction: Interaction) -> None:
        """Note an annotator's clicks soon; returns at once."""

    def start_training(self, tool: str, project: str) -> object:
        """Learn from a project's corrections soon; raises StoreError."""
