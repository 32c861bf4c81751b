"""Simulated annotators: where a person would click, given the truth. One place for training and evaluation.

Section 3.3 of the paper; the default boundary click takes the max-min rule for missing and surplus parts alike, because
the paper's min-min rule for surplus parts is degenerate where two contours cross. Of equally good points the first in
row order is taken. All masks are (H, W), all points (x, y) at pixel centres.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model import masks

CLICKED_RADIUS = 3.0
"""Boundary pixels this near to an earlier click are not clicked again (pixels of the truth)."""

IGNORE_BAND = 6
"""An error borders the true outline although so many ignored pixels lie between: annotators leave out a band there."""

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
    missing, surplus = _errors(predicted, truth, ignore)
    component = masks.largest_component(missing | surplus)
    outline = _unclicked_outline(truth, clicked)
    if not component.any() or not outline.any():
        return None
    bordering = outline & _reach(component, ignore)
    if not bordering.any():
        return _nearest(outline, component)
    return _at_maximum(np.where(bordering, _distance_to_contour(predicted, truth), -1.0))


def paper_boundary_click(
    predicted: NDArray[np.bool_],
    truth: NDArray[np.bool_],
    ignore: NDArray[np.bool_] | None = None,
    clicked: Sequence[Point] = (),
) -> Point | None:
    """The boundary click of the paper, Eq. 5 to the letter: max-min for a missing part, min-min for a surplus one.

    Both sets of Eq. 5 are taken as it defines them: the pixels of the true and of the predicted boundary that outline
    the largest component, missing or surplus. Arguments and result as `boundary_click`.
    """
    kinds = [masks.largest_component(error) for error in _errors(predicted, truth, ignore)]
    missing = np.count_nonzero(kinds[0]) >= np.count_nonzero(kinds[1])
    component = kinds[0] if missing else kinds[1]
    outline = _unclicked_outline(truth, clicked)
    if not component.any() or not outline.any():
        return None
    reach = _reach(component, ignore)
    bordering = outline & reach
    if not bordering.any():
        return _nearest(outline, component)
    outlining = masks.boundary(predicted) & reach
    distance = masks.distance_to(outlining) if outlining.any() else _distance_to_contour(predicted, truth)
    return _at_maximum(np.where(bordering, distance if missing else -distance, -np.inf))


def central_click(
    predicted: NDArray[np.bool_],
    truth: NDArray[np.bool_],
    ignore: NDArray[np.bool_] | None = None,
    clicked: Sequence[Point] = (),
) -> tuple[Point, bool] | None:
    """The positive or negative click in the middle of an error, by the rule of RITM's evaluation.

    The pixel with the largest distance to the edge of its error, missing or surplus, the image's edge included; pixels
    that have been clicked count as 0. Missing parts win only if they are strictly deeper.

    Returns:
        the click and whether it is positive; None if there is no error left.
    """
    missing, surplus = (masks.inner_distance(error) for error in _errors(predicted, truth, ignore))
    for x, y in clicked:
        missing[round(y), round(x)] = surplus[round(y), round(x)] = 0
    positive = bool(missing.max() > surplus.max())
    deepest = missing if positive else surplus
    return (_at_maximum(deepest), positive) if deepest.any() else None


def jittered(point: Point, noise: float, within: NDArray[np.bool_], generator: np.random.Generator) -> Point:
    """Move a click by up to `noise` pixels, evenly over the disc; not at all if that leaves `within` (H, W)."""
    radius, angle = noise * np.sqrt(generator.random()), 2 * np.pi * generator.random()
    x, y = point[0] + radius * np.cos(angle), point[1] + radius * np.sin(angle)
    column, row = round(x), round(y)
    rows, columns = within.shape
    if 0 <= column < columns and 0 <= row < rows and within[row, column]:
        return (float(x), float(y))
    return point


def _errors(
    predicted: NDArray[np.bool_], truth: NDArray[np.bool_], ignore: NDArray[np.bool_] | None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(missing, surplus) without the ignored pixels."""
    counted = np.True_ if ignore is None else ~ignore
    return truth & ~predicted & counted, predicted & ~truth & counted


def _unclicked_outline(truth: NDArray[np.bool_], clicked: Sequence[Point]) -> NDArray[np.bool_]:
    outline = masks.boundary(truth)
    for x, y in clicked:
        _clear_disc(outline, x, y)
    return outline


def _reach(component: NDArray[np.bool_], ignore: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """The component and its neighbours, a narrow band of ignored pixels notwithstanding."""
    if ignore is not None and ignore.any():
        component = component.copy()
        for _ in range(IGNORE_BAND):
            component |= _grown(component) & ignore
    return _grown(component)


def _nearest(outline: NDArray[np.bool_], component: NDArray[np.bool_]) -> Point:
    return _at_maximum(np.where(outline, -masks.distance_to(component), -np.inf))


def _distance_to_contour(predicted: NDArray[np.bool_], truth: NDArray[np.bool_]) -> NDArray[np.float32]:
    """To the predicted boundary; with nothing predicted, the depth inside the truth."""
    contour = masks.boundary(predicted)
    return masks.distance_to(contour) if contour.any() else masks.inner_distance(truth)


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
