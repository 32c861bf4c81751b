"""Simulated annotators: where a person would click, given the truth. One place for training and evaluation.

Section 3.3 of the paper; the default boundary click takes the max-min rule for missing and surplus parts alike, because
the paper's min-min rule for surplus parts is degenerate where two contours cross.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model import masks

CLICKED_RADIUS = 3.0
"""Boundary pixels this near to an earlier click are not clicked again (pixels of the truth)."""

Point = tuple[float, float]


def selection_click(truth: NDArray[np.bool_]) -> Point:
    """The interior point farthest from the object's boundary, as (x, y); ValueError if the object is empty."""
    if not truth.any():
        raise ValueError("selection click: expected an object of at least one pixel, got an empty mask")
    return _at_maximum(masks.inner_distance(truth))


def paper_selection_click(truth: NDArray[np.bool_]) -> Point:
    """The centre of mass if it lies inside, else the interior point farthest from the boundary (section 3.3)."""
    rows, columns = np.nonzero(truth)
    if rows.size:
        x, y = float(columns.mean()), float(rows.mean())
        if truth[round(y), round(x)]:
            return (x, y)
    return selection_click(truth)


def boundary_click(
    predicted: NDArray[np.bool_],
    truth: NDArray[np.bool_],
    ignore: NDArray[np.bool_] | None = None,
    clicked: Sequence[Point] = (),
) -> Point | None:
    """The boundary click of the default clicker.

    Takes the largest 8-connected error component; on the true boundary that borders it, the point farthest from the
    predicted boundary. A component that borders no true boundary gets the nearest true boundary point.

    Args:
        predicted, truth: (H, W).
        ignore: (H, W), pixels that count as neither right nor wrong.
        clicked: earlier boundary clicks.

    Returns:
        (x, y), or None if there is no error left or nowhere to click.
    """
    error = predicted ^ truth
    if ignore is not None:
        error &= ~ignore
    if not error.any():
        return None
    component = masks.largest_component(error)
    outline = masks.boundary(truth)
    for x, y in clicked:
        _clear_disc(outline, x, y)
    if not outline.any():
        return None
    bordering = outline & _grown(component)
    if not bordering.any():
        return _at_maximum(np.where(outline, -masks.distance_to(component), -np.inf))
    reached = masks.boundary(predicted)
    distance = masks.distance_to(reached) if reached.any() else masks.inner_distance(truth)
    return _at_maximum(np.where(bordering, distance, -1.0))


def jittered(point: Point, noise: float, within: NDArray[np.bool_], generator: np.random.Generator) -> Point:
    """Move a click by up to `noise` pixels, evenly over the disc; not at all if that leaves `within` (H, W)."""
    radius, angle = noise * np.sqrt(generator.random()), 2 * np.pi * generator.random()
    x, y = point[0] + radius * np.cos(angle), point[1] + radius * np.sin(angle)
    column, row = round(x), round(y)
    rows, columns = within.shape
    if 0 <= column < columns and 0 <= row < rows and within[row, column]:
        return (float(x), float(y))
    return point


def _grown(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask and its 8-neighbours."""
    rows: NDArray[np.bool_] = mask.copy()
    rows[1:] |= mask[:-1]
    rows[:-1] |= mask[1:]
    grown: NDArray[np.bool_] = rows.copy()
    grown[:, 1:] |= rows[:, :-1]
    grown[:, :-1] |= rows[:, 1:]
    return grown


def _clear_disc(mask: NDArray[np.bool_], x: float, y: float) -> None:
    reach = int(np.ceil(CLICKED_RADIUS)) + 1
    top, left = max(round(y) - reach, 0), max(round(x) - reach, 0)
    part = mask[top : max(round(y) + reach + 1, 0), left : max(round(x) + reach + 1, 0)]
    rows, columns = np.ogrid[top : top + part.shape[0], left : left + part.shape[1]]
    part[(rows - y) ** 2 + (columns - x) ** 2 <= CLICKED_RADIUS**2] = False


def _at_maximum(values: NDArray[np.floating]) -> Point:
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    return (float(column), float(row))
