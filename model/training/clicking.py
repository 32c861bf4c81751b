"""Where a roll-out clicks: how many errors at a time, which of them, and where on each (section 3.3)."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from model import masks, simulation
from model.clicks import Role
from model.simulation import Point
from model.training.settings import ClickSampling

Mask = NDArray[np.bool_]
Aim = tuple[Point, Role]
"""Where a click is aimed, and what it says of the object."""

Rule = Callable[[Mask, Mask, Mask | None, Sequence[Point]], Aim | None]
"""From predicted, truth, ignore, all (H, W), and the clicks so far to the next one."""


def max_min_click(predicted: Mask, truth: Mask, ignore: Mask | None, clicked: Sequence[Point]) -> Aim | None:
    """On the outline, by the default clicker's rule."""
    point = simulation.boundary_click(predicted, truth, ignore, clicked)
    return None if point is None else (point, "boundary")


def paper_click(predicted: Mask, truth: Mask, ignore: Mask | None, clicked: Sequence[Point]) -> Aim | None:
    """On the outline, by Eq. 5 to the letter."""
    point = simulation.paper_boundary_click(predicted, truth, ignore, clicked)
    return None if point is None else (point, "boundary")


def central_click(predicted: Mask, truth: Mask, ignore: Mask | None, clicked: Sequence[Point]) -> Aim | None:
    """Positive or negative, in the middle of an error (PNR)."""
    found = simulation.central_click(predicted, truth, ignore, clicked)
    return None if found is None else (found[0], "positive" if found[1] else "negative")


BOUNDARY_RULES: dict[str, Rule] = {"max-min": max_min_click, "paper": paper_click}
"""By `ClickSampling.rule`."""


def sample_aims(
    rule: Rule,
    predicted: Mask,
    truth: Mask,
    sampling: ClickSampling,
    generator: np.random.Generator,
    *,
    clicked: Sequence[Point] = (),
    ignore: Mask | None = None,
) -> list[Aim]:
    """The clicks of one step: on the largest errors, one on each; as often again on them if there are too few.

    Errors smaller than a share of the object are left out. Without errors there are no clicks; there are also fewer
    where the outline of the errors has been clicked all over.

    Args:
        predicted, truth, ignore: (H, W).
        clicked: earlier clicks.
    """
    if sampling.takes_one_of_all:
        aim = rule(predicted, truth, ignore, clicked)
        return [] if aim is None else [aim]
    share = _drawn(sampling.smallest_region, generator.uniform)
    fewest, most = sampling.per_step
    wanted = fewest if fewest == most else int(generator.integers(fewest, most + 1))
    regions = error_regions(predicted, truth, share * np.count_nonzero(truth), ignore)
    aims: list[Aim] = []
    # As if that region were the only error: the rule then clicks nowhere else.
    for number in range(wanted if len(regions) >= wanted else fewest):
        if not regions:
            break
        region = regions[number % len(regions)]
        aim = rule(truth ^ region, truth, ignore, [*clicked, *(point for point, _ in aims)])
        aims += [] if aim is None else [aim]
    return aims


def error_regions(predicted: Mask, truth: Mask, least: float, ignore: Mask | None = None) -> list[Mask]:
    """The 8-connected missing and surplus parts of at least `least` pixels, (H, W) each, the largest first."""
    counted = np.True_ if ignore is None else ~ignore
    found: list[tuple[int, Mask]] = []
    for error in (truth & ~predicted & counted, predicted & ~truth & counted):
        labels, areas = masks.components(error)
        found += [(int(area), np.equal(labels, k)) for k, area in enumerate(areas, start=1) if area >= least]
    return [region for _, region in sorted(found, key=lambda each: -each[0])]


def _drawn(bounds: tuple[float, float], draw: Callable[[float, float], float]) -> float:
    return bounds[0] if bounds[0] == bounds[1] else float(draw(*bounds))
