"""Rollouts: one object being clicked by a simulated annotator, as a session would take the clicks."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from model import masks, simulation
from model.guidance import Point
from model.merging import accept_click, cleaned
from model.training.clicking import BOUNDARY_RULES, sample_aims
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
        at_once: clicks that it made.
    """

    logits: NDArray[np.float32]
    truth: NDArray[np.bool_]
    selection: Point
    sampling: ClickSampling = field(default_factory=ClickSampling)
    boundary: list[Point] = field(default_factory=list)
    aimed: list[Point] = field(default_factory=list)
    clicked: bool = False
    at_once: int = 1

    @property
    def iou(self) -> float:
        """Of the current mask."""
        return masks.intersection_over_union(self.logits > 0, self.truth)

    def click(self, generator: np.random.Generator) -> NDArray[np.bool_]:
        """Add the next simulated click, or as many as the sampling has in a step.

        Returns:
            (S, S), the neighbourhood that holds the error it points at; empty if nothing is left to click.
        """
        aims = sample_aims(
            BOUNDARY_RULES[self.sampling.rule],
            self.logits > 0,
            self.truth,
            self.sampling,
            generator,
            clicked=self.aimed,
        )
        self.clicked, self.at_once = bool(aims), max(len(aims), 1)
        near: NDArray[np.bool_] = np.zeros(self.truth.shape, bool)
        if not aims:
            return near
        rows, columns = np.flatnonzero(self.truth.any(axis=1)), np.flatnonzero(self.truth.any(axis=0))
        diagonal = float(np.hypot(np.ptp(rows) + 1, np.ptp(columns) + 1))
        noise = self.sampling.boundary_noise(diagonal)
        for aim, _ in aims:
            self.aimed.append(aim)
            self.boundary.append(simulation.jittered(aim, noise, np.ones(self.truth.shape, bool), generator))
            near |= self._neighbourhood(aim)
        return near

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
            merged = self.logits
            for click in self.boundary[-self.at_once :]:
                merged = accept_click(merged, after, click)
            self.logits = cleaned(merged, self.selection, self.boundary)
