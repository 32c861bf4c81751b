"""Figures that can be computed for any resampling of the objects, and their bootstrap intervals."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

RESAMPLINGS = 1000
LEVEL = 95
"""Of the intervals, percent."""

CHUNK = 4_000_000
"""Values that are sorted at once."""

Picks = NDArray[np.intp]
Interval = tuple[float, float]


class Statistic(Protocol):
    """One figure over objects."""

    def at(self, picks: Picks) -> NDArray[np.float64]:
        """(R,) the figure for each of R samples; `picks`: (R, n) indices of objects. NaN where it is not defined."""


@dataclass(frozen=True)
class Mean:
    """Of one value per object: (objects,)."""

    values: NDArray[np.float64]

    def at(self, picks: Picks) -> NDArray[np.float64]:
        """See `Statistic`."""
        return np.asarray(self.values[picks].mean(axis=1), np.float64)


@dataclass(frozen=True)
class Total:
    """Sum of one value per object: (objects,)."""

    values: NDArray[np.float64]

    def at(self, picks: Picks) -> NDArray[np.float64]:
        """See `Statistic`."""
        return np.asarray(self.values[picks].sum(axis=1), np.float64)


@dataclass(frozen=True)
class Ratio:
    """Of two sums over the same objects: (objects,) each. An object weighs as much as its denominator."""

    numerators: NDArray[np.float64]
    denominators: NDArray[np.float64]

    def at(self, picks: Picks) -> NDArray[np.float64]:
        """See `Statistic`."""
        above, below = self.numerators[picks].sum(axis=1), self.denominators[picks].sum(axis=1)
        ratio = np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)
        return np.asarray(ratio, np.float64)


@dataclass(frozen=True)
class Percentile:
    """Of all values of the objects together: (objects, values), NaN where there is none."""

    values: NDArray[np.float64]
    q: float

    def at(self, picks: Picks) -> NDArray[np.float64]:
        """See `Statistic`."""
        if not self.values.size:
            return np.full(len(picks), np.nan)
        at_once = max(CHUNK // (self.values.shape[1] * picks.shape[1]), 1)
        chunks = [self._of(picks[start : start + at_once]) for start in range(0, len(picks), at_once)]
        return np.concatenate(chunks)

    def _of(self, picks: Picks) -> NDArray[np.float64]:
        """As `numpy.nanpercentile` along the samples, which takes them one by one and long."""
        drawn = np.sort(self.values[picks].reshape(len(picks), -1), axis=1)  # NaN comes last
        present = np.count_nonzero(~np.isnan(drawn), axis=1)
        place = np.maximum(present - 1, 0) * self.q / 100
        below = np.floor(place).astype(np.intp)
        above = np.ceil(place).astype(np.intp)
        rows = np.arange(len(picks))
        low, high = drawn[rows, below], drawn[rows, above]
        return np.asarray(low + (high - low) * (place - below), np.float64)


def value(statistic: Statistic, objects: int) -> float:
    """The figure over all the objects."""
    return float(statistic.at(np.arange(objects)[None])[0])


def intervals(statistics: Mapping[str, Statistic], objects: int) -> dict[str, Interval]:
    """Bootstrap intervals over the objects, by name; the same resamplings every time."""
    return {name: interval(each.at, objects) for name, each in statistics.items()}


def interval(at: Callable[[Picks], NDArray[np.float64]], objects: int) -> Interval:
    """Bootstrap interval of anything that can be computed for samples of the objects; NaN if it never can."""
    picks = np.random.default_rng(0).integers(objects, size=(RESAMPLINGS, objects))
    values = at(picks)
    values = values[~np.isnan(values)]
    if not values.size:
        return (np.nan, np.nan)
    low, high = np.percentile(values, (50 - LEVEL / 2, 50 + LEVEL / 2))
    return (float(low), float(high))
