"""The evaluation loop: click, compare, click again, without stopping early."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model import Click, Predictor, masks, simulation
from model.datasets.layouts import EvaluationObject
from model.errors import DatasetError

CLICKS = 20


@dataclass(frozen=True)
class Row:
    """One click on one object.

    Attributes:
        object: name.
        click: 1 is the selection.
        x, y: image pixels; NaN where the clicker had nothing left to click.
        iou: after the click.
        oracle: IoU if the largest error component before the click had been repaired whole; NaN for the selection.
        contour_distance: pixels from the aimed point to the new contour; NaN for the selection.
        held: share of the object inside the crop.
        crop_area: share of the image.
        milliseconds: of the click; 0 where there was none.
    """

    object: str
    click: int
    x: float
    y: float
    iou: float
    oracle: float
    contour_distance: float
    held: float
    crop_area: float
    milliseconds: float

    def as_json(self) -> dict[str, Any]:
        """The row with null in place of NaN."""
        return {k: None if isinstance(v, float) and np.isnan(v) else v for k, v in asdict(self).items()}


def evaluate(
    predictor: Predictor, objects: Sequence[EvaluationObject], noise: float, seed: int, clicks: int = CLICKS
) -> Iterator[Row]:
    """Rows of the `boundary` clicker, object by object.

    Args:
        noise: jitter of every click, image pixels; the selection click stays inside the object.
    """
    for number, item in enumerate(objects):
        if not item.truth.any():
            raise DatasetError(f"{item.name}: expected an object in its mask, got an empty one")
        yield from _evaluate_object(predictor, item, noise, np.random.default_rng([seed, number]), clicks)


def _evaluate_object(
    predictor: Predictor, item: EvaluationObject, noise: float, generator: np.random.Generator, clicks: int
) -> Iterator[Row]:
    session = predictor.start(item.image)
    everywhere = np.ones(item.truth.shape, bool)
    mask = np.zeros(item.truth.shape, bool)
    clicked: list[tuple[float, float]] = []
    iou = 0.0
    for number in range(1, clicks + 1):
        oracle = float("nan")
        if number == 1:
            point: tuple[float, float] | None = simulation.jittered(
                simulation.selection_click(item.truth), noise, item.truth, generator
            )
        else:
            oracle = _oracle(mask, item)
            point = simulation.boundary_click(mask, item.truth, item.ignore, clicked)
            if point is not None:
                clicked.append(point)
                point = simulation.jittered(point, noise, everywhere, generator)
        elapsed = 0.0
        if point is not None:
            began = time.perf_counter()
            mask = session.click(Click(*point, role="select" if number == 1 else "boundary"))
            elapsed = (time.perf_counter() - began) * 1000
            iou = masks.intersection_over_union(mask, item.truth, item.ignore)
        x, y = point or (float("nan"), float("nan"))
        distance = float("nan") if number == 1 or not clicked else _to_contour(mask, clicked[-1])
        held, area = _crop_figures(session.crop, item.truth)
        yield Row(item.name, number, x, y, iou, oracle, distance, held, area, elapsed)


def _oracle(mask: NDArray[np.bool_], item: EvaluationObject) -> float:
    """IoU after repairing the whole largest error component."""
    error = (mask ^ item.truth) & ~item.ignore
    return masks.intersection_over_union(mask ^ masks.largest_component(error), item.truth, item.ignore)


def _to_contour(mask: NDArray[np.bool_], point: tuple[float, float]) -> float:
    return abs(float(masks.outward_distance(mask)[round(point[1]), round(point[0])]))


def _crop_figures(crop: Any, truth: NDArray[np.bool_]) -> tuple[float, float]:
    rows, columns = truth.shape
    box = crop.clipped(columns, rows)
    held = np.count_nonzero(truth[box.top : box.bottom, box.left : box.right]) / np.count_nonzero(truth)
    return held, box.width * box.height / truth.size
