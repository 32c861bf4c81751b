"""Who answers: one item after the other, whatever is wrong with one of them."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from pydantic import BaseModel

from backend.assembly import create_label_studio, create_service
from backend.decoding import DecodedImage
from backend.prediction import PredictionService
from backend.prelabelling.items import MIDDLE, Item, Wanted
from backend.settings import Settings
from backend.store.masks import encode
from model.errors import BoundaryClickError, ImageTooLarge
from model.headers import read_header
from model.loading import load_predictor
from model.uncertainty import uncertainty

LONGEST_REASON = 500


class Found(BaseModel):
    """One object.

    Attributes:
        counts: COCO's compressed run lengths of its mask.
        score: how sure the model is of the outline, in [0, 1].
        label, category: as they were asked for.
    """

    counts: str
    score: float
    label: str | None
    category: int | str | None = None


class Outcome(BaseModel):
    """What came of one item: objects, or an error.

    Attributes:
        number: of the item, from 0.
        width, height: of the upright image.
        version: who answered.
        empty: objects that were asked for and of which no pixel was found.
        refused: why others could not be asked for, a line each.
    """

    number: int
    image: str
    width: int = 0
    height: int = 0
    version: str = ""
    objects: list[Found] = []
    empty: int = 0
    refused: list[str] = []
    error: str = ""


class Answerer:
    """Makes an outcome of an item with its number, whatever is wrong with it.

    Args:
        settings: all of them.

    Attributes:
        runtime: what runs the networks, which `auto` leaves to the machine.

    Raises:
        BoundaryClickError: the model cannot be loaded.
    """

    def __init__(self, settings: Settings) -> None:
        # Every object is asked for once.
        settings = settings.model_copy(update={"feature_cache_bytes": 0})
        predictor = load_predictor(
            settings.weights, settings.device, settings.runtime, settings.threads, settings.at_once
        )
        self._service, self._images = create_service(settings, predictor)
        self._fetch = _fetcher(settings)
        self.runtime = str(predictor.runtime.describe()["runtime"]).partition(" ")[0]

    def __call__(self, numbered: tuple[int, Item]) -> Outcome:
        """The outcome; raises nothing."""
        number, item = numbered
        try:
            image = self._images.load(item.image, partial(self._fetch, item))
            return _outcome(self._service, number, item, image)
        except Exception as error:  # whatever it is, the others are to be had
            return Outcome(number=number, image=item.image, error=_reason(error))


def about_masks(settings: Settings, answerer: Answerer | None) -> dict[str, str]:
    """What masks hang on beside what is asked for.

    Args:
        settings: all of them.
        answerer: None where it is loaded on another machine for its GPU, which torch alone can use.

    Raises:
        WeightsError: there are no such weights.
    """
    return {
        "model": read_header(settings.weights).version,
        "runtime": answerer.runtime if answerer else "torch",
        "device": settings.device.partition(":")[0],
    }


def _outcome(service: PredictionService, number: int, item: Item, image: DecodedImage) -> Outcome:
    """Raises BoundaryClickError where none of the objects can be asked for."""
    found: list[Found | None] = []
    refused: list[BoundaryClickError] = []
    for wanted in item.objects or MIDDLE:
        try:
            found.append(_found(service, wanted, image))
        except BoundaryClickError as error:
            refused.append(error)
    if refused and not found:
        raise refused[0]
    objects = [each for each in found if each is not None]
    return Outcome(
        number=number,
        image=item.image,
        width=image.width,
        height=image.height,
        version=service.version,
        objects=objects,
        empty=len(found) - len(objects),
        refused=[_reason(error) for error in refused],
    )


def _reason(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:LONGEST_REASON]


def _found(service: PredictionService, wanted: Wanted, image: DecodedImage) -> Found | None:
    width, height = image.width, image.height
    prediction = service.predict(image, wanted.clicks(width, height), box=wanted.box_in(width, height))
    if not prediction.mask.any():
        return None
    score = round(1 - uncertainty(prediction), 4)
    counts = encode(prediction.mask).decode()
    return Found(counts=counts, score=score, label=wanted.label, category=wanted.category)


def _fetcher(settings: Settings) -> Callable[[Item], bytes]:
    """Files from the disk, all else as for tasks of Label Studio, from allowed hosts alone."""
    client = create_label_studio(settings)

    def fetch(item: Item) -> bytes:
        path = Path(item.image)
        if item.source.data is None and "://" not in item.image:
            size = path.stat().st_size
            if size > settings.max_image_bytes:
                raise ImageTooLarge(
                    f"{path}: expected a file of {settings.max_image_bytes} bytes at most, got {size}"
                )
            return path.read_bytes()
        return client.fetch(client.locate(item.image, None, item.source.task), None)

    return fetch
