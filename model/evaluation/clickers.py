"""Clickers: who clicks in an evaluation, and with which roles.

Each one says where it would click if its hand were steady; `Annotator` adds the noise of a hand.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model import Click, Predictor, masks, simulation
from model.clicks import Role
from model.datasets.layouts import EvaluationObject
from model.errors import InvalidClick, SettingsError
from model.simulation import Point

Mask = NDArray[np.bool_]


class Clicker(Protocol):
    """A rule for the selection click and for the clicks after it. All masks are (H, W)."""

    @property
    def roles(self) -> tuple[Role, ...]:
        """Of the clicks after the selection."""

    def select(self, truth: Mask) -> Point:
        """The selection click."""

    def correct(
        self, predicted: Mask, truth: Mask, ignore: Mask, clicked: Sequence[Point]
    ) -> tuple[Point, Role] | None:
        """The next click; None if there is nothing left to click. `clicked`: where those since the selection aimed."""


class BoundaryClicker:
    """The default: the point of the true outline that is farthest from the predicted one (`boundary_click`)."""

    roles: tuple[Role, ...] = ("boundary",)

    def select(self, truth: Mask) -> Point:
        """The interior point farthest from the boundary."""
        return simulation.selection_click(truth)

    def correct(
        self, predicted: Mask, truth: Mask, ignore: Mask, clicked: Sequence[Point]
    ) -> tuple[Point, Role] | None:
        """On the outline of the largest error."""
        point = simulation.boundary_click(predicted, truth, ignore, clicked)
        return (point, "boundary") if point else None


class PaperClicker:
    """Section 3.3 and Eq. 5 of the paper to the letter."""

    roles: tuple[Role, ...] = ("boundary",)

    def select(self, truth: Mask) -> Point:
        """The centre of mass if the object holds it, else the interior point farthest from the boundary."""
        return simulation.paper_selection_click(truth)

    def correct(
        self, predicted: Mask, truth: Mask, ignore: Mask, clicked: Sequence[Point]
    ) -> tuple[Point, Role] | None:
        """On the outline of the largest missing or surplus part."""
        point = simulation.paper_boundary_click(predicted, truth, ignore, clicked)
        return (point, "boundary") if point else None


class CentreClicker:
    """Positive and negative clicks in the middle of an error, for networks of the kind that the paper calls PNR."""

    roles: tuple[Role, ...] = ("positive", "negative")

    def select(self, truth: Mask) -> Point:
        """The maximum of the object's distance transform."""
        return simulation.selection_click(truth)

    def correct(
        self, predicted: Mask, truth: Mask, ignore: Mask, clicked: Sequence[Point]
    ) -> tuple[Point, Role] | None:
        """In the deepest error; the pixel of the selection click has been clicked, too."""
        found = simulation.central_click(predicted, truth, ignore, [self.select(truth), *clicked])
        if found is None:
            return None
        point, positive = found
        return (point, "positive" if positive else "negative")


CLICKERS: dict[str, Clicker] = {
    "boundary": BoundaryClicker(),
    "paper": PaperClicker(),
    "centre": CentreClicker(),
    "study": BoundaryClicker(),
}


def clicker_named(name: str) -> Clicker:
    """The clicker of that name; SettingsError if there is none."""
    if name not in CLICKERS:
        raise SettingsError(f"clicker: expected one of {', '.join(CLICKERS)}, got {name!r}")
    return CLICKERS[name]


def require_roles(predictor: Predictor, name: str) -> None:
    """Raise InvalidClick unless the model takes the clicks of that clicker."""
    for role in clicker_named(name).roles:
        if role not in predictor.roles:
            raise InvalidClick(
                f"clicker {name}: click role: this model takes {' and '.join(predictor.roles)} clicks, got {role}; "
                "choose another clicker or other weights"
            )


@dataclass(frozen=True)
class AimedClick:
    """A click and where it was aimed before the noise."""

    click: Click
    aim: Point


class Annotator:
    """A clicker with an unsteady hand, at work on one object.

    The noise of a click hangs on the seed, the object's name and the number of the click alone. So two models get the
    same noise on the same object, whatever they answer and in whatever order a data set is read.

    Args:
        noise: every click is off by up to so many image pixels. A selection or positive click stays on the object, a
            negative one off it, a boundary click in the image.
    """

    def __init__(self, clicker: Clicker, item: EvaluationObject, noise: float, seed: int) -> None:
        self._clicker, self._item, self._noise = clicker, item, noise
        self._seed = [seed, int.from_bytes(hashlib.sha256(item.name.encode()).digest()[:8], "big")]
        self._aimed: list[Point] = []

    def select(self) -> AimedClick:
        """The first click."""
        return self._off(self._clicker.select(self._item.truth), "select", 1)

    def correct(self, predicted: Mask) -> AimedClick | None:
        """The next click on a prediction, (H, W); None if there is nothing left to click."""
        number = len(self._aimed) + 2
        found = self._found(predicted, number)
        if found is None:
            return None
        self._aimed.append(found[0])
        return self._off(*found, number=number)

    def _found(self, predicted: Mask, number: int) -> tuple[Point, Role] | None:
        """Where click `number` is aimed."""
        return self._clicker.correct(predicted, self._item.truth, self._item.ignore, self._aimed)

    def _off(self, aim: Point, role: Role, number: int) -> AimedClick:
        truth = self._item.truth
        regions = {"boundary": np.ones(truth.shape, bool), "negative": ~truth}
        x, y = self._moved(aim, regions.get(role, truth), self._generator(number))
        return AimedClick(Click(x, y, role), aim)

    def _moved(self, aim: Point, within: Mask, generator: np.random.Generator) -> Point:
        """Where the hand ends up."""
        return simulation.jittered(aim, self._noise, within, generator)

    def _generator(self, *number: int) -> np.random.Generator:
        return np.random.default_rng([*self._seed, *number])


OFF = (2.0, 5.0)
"""Pixels between a participant's click and the outline (section 4.4)."""

MISTAKEN = 0.12
"""Share of clicks on another error than the largest one (section 4.4: 88 % are right)."""


class Participant(Annotator):
    """Somebody of the user study (section 4.4): clicks 2 to 5 pixels off, 12 % of them on another error.

    That is the largest of the other errors: mistakes were made between errors of similar size. Without another one
    there is no mistake. `noise` comes on top; the selection click, which was given in the study, is not off.
    """

    def _found(self, predicted: Mask, number: int) -> tuple[Point, Role] | None:
        truth, ignore = self._item.truth, self._item.ignore
        if self._generator(number, 1).random() < MISTAKEN:
            largest = masks.largest_component((predicted ^ truth) & ~ignore)
            mistaken = super()._found(predicted ^ largest, number)
            if mistaken is not None:
                return mistaken
        return super()._found(predicted, number)

    def _moved(self, aim: Point, within: Mask, generator: np.random.Generator) -> Point:
        if not self._aimed:
            return super()._moved(aim, within, generator)
        for _ in range(TRIES):
            distance, angle = generator.uniform(*OFF), 2 * np.pi * generator.random()
            x, y = aim[0] + distance * np.cos(angle), aim[1] + distance * np.sin(angle)
            if 0 <= x <= within.shape[1] - 1 and 0 <= y <= within.shape[0] - 1:
                return super()._moved((float(x), float(y)), within, generator)
        return aim


TRIES = 20
"""Directions that are tried from a point near the image's edge."""

ANNOTATORS: dict[str, type[Annotator]] = {"study": Participant}
"""By the clicker's name, where it is not `Annotator` itself."""


def annotator_for(name: str, item: EvaluationObject, noise: float, seed: int) -> Annotator:
    """Whoever clicks on an object as the clicker of that name."""
    return ANNOTATORS.get(name, Annotator)(clicker_named(name), item, noise, seed)
