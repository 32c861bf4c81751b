"""Rollouts: one object being clicked by a simulated annotator, as a session would take the clicks."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from model import masks, simulation
from model.guidance import Point
from model.merging import accept_click, cleaned
from model.training.settings import ClickSampling

NEIGHBOURHOOD = (20.0, 64.0)
"""Least and greatest radius around the click in which pixels weigh more (section 3.4: a square of 40 pixels)."""


@dataclass
class Rollout:
    """One object while it is being clicked; all in pixels of the crop.

    Attributes:
        logits: (S, S) float32, the mask so far.
        truth: (S, S) bool.
        selection: click.
        sampling: how far the clicks are off.
        boundary, aimed: boundary clicks as made, and before their jitter.
        clicked: whether the last call of `click` found something to click.
    """

    logits: NDArray[np.float32]
    truth: NDArray[np.bool_]
    selection: Point
    sampling: ClickSampling = field(default_factory=ClickSampling)
    boundary: list[Point] = field(default_factory=list)
    aimed: list[Point] = field(default_factory=list)
    clicked: bool = False

    @property
    def iou(self) -> float:
        """Of the current mask."""
        return masks.intersection_over_union(self.logits > 0, self.truth)

    def click(self, generator: np.random.Generator) -> NDArray[np.bool_]:
        """Add the next simulated click.

        Returns:
            (S, S), the neighbourhood that holds the error it points at; empty if nothing is left to click.
        """
        aim = simulation.boundary_click(self.logits > 0, self.truth, clicked=self.aimed)
        self.clicked = aim is not None
        if aim is None:
            return np.zeros(self.truth.shape, bool)
        rows, columns = np.flatnonzero(self.truth.any(axis=1)), np.flatnonzero(self.truth.any(axis=0))
        diagonal = float(np.hypot(np.ptp(rows) + 1, np.ptp(columns) + 1))
        noise = self.sampling.boundary_noise(diagonal)
        self.aimed.append(aim)
        self.boundary.append(simulation.jittered(aim, noise, np.ones(self.truth.shape, bool), generator))
        return self._neighbourhood(aim)

    def _neighbourhood(self, aim: Point) -> NDArray[np.bool_]:
        rows, columns = np.ogrid[: self.truth.shape[0], : self.truth.shape[1]]
        squared = (columns - aim[0]) ** 2 + (rows - aim[1]) ** 2
        pointed = masks.largest_component((self.logits > 0) ^ self.truth)
        radius = float(np.clip(np.sqrt(squared[pointed].max()), *NEIGHBOURHOOD))
        inside: NDArray[np.bool_] = squared <= radius**2
        return inside

    def accept(self, after: NDArray[np.float32]) -> None:
        """Take the logits after the head's correction over as a session would: not at all without a click."""
        if self.clicked:
            merged, _ = accept_click(self.logits, after, self.boundary[-1])
            self.logits = cleaned(merged, self.selection, self.boundary)
