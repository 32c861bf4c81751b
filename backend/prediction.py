"""Clicks to masks for many annotators at once: one predictor, and the sessions it has begun."""

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from backend.caching import ByteCache, CacheFigures
from backend.decoding import DecodedImage
from backend.locks import KeyedLocks
from backend.patience import Patience
from backend.turns import Turns
from model.clicks import Click, Role
from model.errors import Abandoned, BoundaryClickError, InvalidClick, Overloaded
from model.geometry import Box
from model.predictor import Prediction, Predictor, Session, prediction_of

MOST_CLICKS = 100
"""On one object: more than anybody sets, and a bound on the work of one request."""

_SIZES_REMEMBERED = 256


@dataclass(frozen=True, kw_only=True)
class TimedPrediction(Prediction):
    """A prediction and what it cost.

    Attributes:
        milliseconds: time in the model, waiting not included.
        reused: how many of the clicks had been computed before.
    """

    milliseconds: float
    reused: int


@dataclass(frozen=True)
class _SessionKey:
    """What an object is known by: its project, the image, and the mask, selection click or box it began with."""

    project: str
    image: str
    mask: str | None
    selection: Click | None
    box: Box | None


@dataclass(frozen=True)
class _Kept:
    """A session and the name of the weights that it runs on."""

    session: Session
    version: str


class PredictionService:
    """Answers click lists; thread safe, without a notion of who asks.

    A session that has computed the first clicks of a list goes on from there, so a further boundary click
    costs no new encoding of the image, and neither does taking one back. It keeps its weights while its outline is
    clicked, whatever is promoted in the meantime; an object that begins anew meets the new ones.

    Args:
        predictor: used by as many threads at a time as its runtime takes.
        max_bytes: memory for sessions, see `ByteCache`; an image counts once for each of its objects.
        heads: who answers for a project by name; by default `predictor` for all. Called by many threads.

    Attributes:
        answered: told of each prediction, in the caller's thread: its clicks, itself, and the seconds that it waited.
            By default nobody listens.
        patience: asked in the caller's thread how long whoever asked waits; by default as long as it takes.
        given_up: told, in the caller's thread, why a prediction was not made: Overloaded or Abandoned.
        turns: at the model.
    """

    def __init__(
        self, predictor: Predictor, max_bytes: int, heads: Callable[[str], Predictor] | None = None
    ) -> None:
        self._predictor = predictor
        self._heads = heads or (lambda _project: predictor)
        self._sessions = ByteCache[_SessionKey, _Kept](max_bytes, lambda kept: kept.session.nbytes)
        self._sizes: LRUCache[tuple[int, int], bool] = LRUCache(_SIZES_REMEMBERED)
        self.answered: Callable[[Sequence[Click], TimedPrediction, float], None] = _nobody
        self.patience: Callable[[], Patience] = Patience
        self.given_up: Callable[[BoundaryClickError], None] = _nobody
        self.turns = Turns(predictor.runtime.at_once)
        self._guard = threading.Lock()
        self._locks = KeyedLocks()

    @property
    def roles(self) -> tuple[Role, ...]:
        """Of the clicks that the model takes, the selection first; every head runs on the same network."""
        return self._predictor.roles

    @property
    def version(self) -> str:
        """Name of the weights that answer where no project is named."""
        return self.version_for("")

    @property
    def shipped(self) -> str:
        """Name of the weights that answer where nothing has been learnt."""
        return self._predictor.version

    def version_for(self, project: str) -> str:
        """Name of the weights that answer for a project."""
        return self._heads(project).version

    @property
    def nbytes(self) -> int:
        """Bytes that the kept sessions hold."""
        return self._sessions.nbytes

    @property
    def kept(self) -> int:
        """Number of sessions that are kept."""
        return len(self._sessions)

    @property
    def figures(self) -> CacheFigures:
        """How the sessions that are kept have done."""
        return self._sessions.figures

    def predict(
        self,
        image: DecodedImage,
        clicks: Sequence[Click],
        mask: NDArray[np.bool_] | None = None,
        box: Box | None = None,
        project: str = "",
    ) -> TimedPrediction:
        """The mask after all clicks in order.

        Args:
            clicks: the selection click, then boundary clicks; with a starting `mask` boundary clicks only.
            mask: (H, W), an existing mask to repair.
            box: around the object, image pixels, if one has been drawn.
            project: whose head answers, by its name among those of all tools, `labelstudio/3`; empty: that of all.

        Raises:
            InvalidClick: none, more than `MOST_CLICKS`, outside the image, or in the wrong order.
            InvalidImage: the mask or the box does not fit the image.
            Overloaded: its turn does not come, or not all clicks are computed, as long as whoever asked is patient;
                what has been computed is kept, so that the same request goes on from there.
            Abandoned: nobody waits for it any more.
        """
        if not clicks:
            raise InvalidClick("clicks: expected at least one, got none; click the middle of the object")
        if len(clicks) > MOST_CLICKS:
            raise InvalidClick(
                f"clicks: expected at most {MOST_CLICKS} on one object, got {len(clicks)}; "
                "accept the mask and repair what is left by hand"
            )
        for click in clicks:
            click.require_inside(image.width, image.height)
        key = _SessionKey(
            project,
            image.digest,
            None if mask is None else _digest(mask),
            clicks[0] if clicks[0].role == "select" else None,
            box,
        )
        asked = time.perf_counter()
        try:
            prediction = self._predict(key, image, clicks, mask, self.patience())
        except (Overloaded, Abandoned) as error:
            self.given_up(error)
            raise
        self.answered(clicks, prediction, time.perf_counter() - asked - prediction.milliseconds / 1000)
        return prediction

    def _predict(
        self,
        key: _SessionKey,
        image: DecodedImage,
        clicks: Sequence[Click],
        mask: NDArray[np.bool_] | None,
        patience: Patience,
    ) -> TimedPrediction:
        """As `predict`, for clicks that are points of the image."""
        predictor = self._heads(key.project)
        with self._locks.holding(key, patience):
            # Out of the cache while it works: whatever goes wrong, no half-done session is found there.
            kept = self._sessions.pop(key)
            if kept is None or not _goes_on(kept, clicks, predictor.version):
                kept = _Kept(predictor.start(image.pixels, mask, key.box), predictor.version)
            try:
                prediction = self.turns.take(patience, _advance, kept, tuple(clicks), patience)
            except BoundaryClickError:
                # A refused click, or one that there was no time for, leaves the ones before it as they were.
                self._keep(key, kept)
                raise
            self._keep(key, kept)
            return prediction

    def warm(self, image: DecodedImage) -> None:
        """Spare the first click what can be done ahead, unless somebody is being served.

        Features depend on where an object is clicked, so none can be computed yet; but the native libraries
        prepare themselves once for each new input size, which a trial click settles.
        """
        size = (image.width, image.height)
        with self._guard:
            if self.turns.waiting or size in self._sizes:
                return
            self._sizes[size] = True
        self.turns.take(Patience(), self._try_click, image.pixels)

    def check(self) -> None:
        """Make one prediction from end to end; raises whatever keeps the model from working."""
        rows, columns = np.mgrid[:480, :640]
        pixels = np.stack([rows % 256, columns % 256, (rows + columns) % 256], axis=2).astype(np.uint8)
        prediction = self.turns.take(Patience(), self._try_click, pixels)
        if not np.isfinite(prediction.probability).all():
            self.turns.broken = True
            raise ArithmeticError("trial prediction: expected finite probabilities, got others")

    def _try_click(self, pixels: NDArray[np.uint8]) -> Prediction:
        height, width = pixels.shape[:2]
        middle = Click((width - 1) / 2, (height - 1) / 2, "select")
        return self._predictor.predict(pixels, [middle, Click(middle.x, middle.y, "boundary")])

    def _keep(self, key: _SessionKey, kept: _Kept) -> None:
        if kept.session.clicks:
            self._sessions.put(key, kept)


def _nobody(*_told: object) -> None:
    """Predictions are counted and timed for whoever wants to know."""


def _goes_on(kept: _Kept, clicks: Sequence[Click], version: str) -> bool:
    """Whether the session may answer: it runs on this version, or has answered for this outline already."""
    common = _common_prefix(kept.session.clicks, clicks)
    return kept.version == version or any(click.role != "select" for click in clicks[:common])


def _advance(kept: _Kept, clicks: tuple[Click, ...], patience: Patience) -> TimedPrediction:
    """Bring a session to exactly these clicks, computing only what it has not computed yet and somebody waits for."""
    patience.require()
    started, session = time.perf_counter(), kept.session
    reused = _common_prefix(session.clicks, clicks)
    session.take_back(len(session.clicks) - reused)
    for number, click in enumerate(clicks[reused:]):
        if number:
            patience.require()
        session.add(click)
    prediction = prediction_of(session, kept.version)
    return TimedPrediction(
        prediction.mask,
        prediction.make_logits,
        prediction.score,
        prediction.crop,
        prediction.version,
        milliseconds=(time.perf_counter() - started) * 1000,
        reused=reused,
    )


def _common_prefix(before: Sequence[Click], after: Sequence[Click]) -> int:
    """How many clicks both lists begin with."""
    count = 0
    for old, new in zip(before, after, strict=False):
        if old != new:
            break
        count += 1
    return count


def _digest(mask: NDArray[np.bool_]) -> str:
    packed = np.packbits(np.asarray(mask, bool))
    return hashlib.sha256(repr(np.shape(mask)).encode() + packed.tobytes()).hexdigest()
