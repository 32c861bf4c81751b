"""Clickers: who clicks in an evaluation, and with which roles.

Each one says where it would click if its hand were steady; `Annotator` adds the noise of a hand.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model import Click, Predictor, simulation
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
        found = self._clicker.correct(predicted, self._item.truth, self._item.ignore, self._aimed)
        if found is None:
            return None
        self._aimed.append(found[0])
        return self._off(*found, number=len(self._aimed) + 1)

    def _off(self, aim: Point, role: Role, number: int) -> AimedClick:
        truth = self._item.truth
        regions = {"boundary": np.ones(truth.shape, bool), "negative": ~truth}
        generator = np.random.default_rng([*self._seed, number])
        x, y = simulation.jittered(aim, self._noise, regions.get(role, truth), generator)
        return AimedClick(Click(x, y, role), aim)
