"""The evaluation loop: click, compare, click again, as a rule without stopping early."""

import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from model import Predictor, Session, masks
from model.datasets.layouts import EvaluationObject
from model.errors import DatasetError
from model.evaluation.clickers import AimedClick, annotator_for
from model.evaluation.crops import crop_shares
from model.evaluation.measuring import MeasuredPasses, measured
from model.evaluation.rows import NAN, PADDINGS, Row
from model.geometry import square_window
from model.inference import SMALLEST_WINDOW

CLICKS = 20


@dataclass(frozen=True)
class Evaluated:
    """One object after all its clicks: its rows and the final mask, (H, W)."""

    rows: list[Row]
    mask: NDArray[np.bool_]


@dataclass(frozen=True)
class Procedure:
    """How objects are clicked.

    Attributes:
        clicker: by name.
        noise: image pixels.
        seed: of the noise.
        clicks: per object, the selection included.
        enough: IoU from which on, after at least `fewest` clicks, nothing is clicked any more. By default objects are
            clicked on to the end; whoever counts the clicks to an IoU alone need not wait for the rest.
    """

    clicker: str = "boundary"
    noise: float = 0.0
    seed: int = 0
    clicks: int = CLICKS
    enough: float = math.inf
    fewest: int = 1


def evaluate(
    predictor: Predictor, objects: Iterable[EvaluationObject], procedure: Procedure
) -> Iterator[Evaluated]:
    """Every object in turn; DatasetError if one is empty."""
    twin, passes = measured(predictor)
    for item in objects:
        if not item.truth.any():
            raise DatasetError(f"{item.name}: expected an object in its mask, got an empty one")
        yield _Evaluation(twin, passes, item, procedure).run()


class _Evaluation:
    """The clicks on one object."""

    def __init__(
        self, predictor: Predictor, passes: MeasuredPasses, item: EvaluationObject, procedure: Procedure
    ) -> None:
        self._session: Session = predictor.start(item.image)
        self._passes, self._item, self._procedure = passes, item, procedure
        self._annotator = annotator_for(procedure.clicker, item, procedure.noise, procedure.seed)
        self._mask: NDArray[np.bool_] = np.zeros(item.truth.shape, bool)
        self._iou, self._best = 0.0, 0.0

    def run(self) -> Evaluated:
        """Click to the end."""
        rows = [self._selection()]
        rows += [self._correction(number) for number in range(2, self._procedure.clicks + 1)]
        to_contour = contour_distances(self._mask)
        return Evaluated([_with_final_distance(row, to_contour) for row in rows], self._mask)

    def _selection(self) -> Row:
        row = self._click(1, self._annotator.select(), oracle=NAN)
        box = self._passes.selected
        assert box is not None  # noqa: S101 - every selection click has a coarse pass
        windows = [square_window(box, padding, SMALLEST_WINDOW) for padding in PADDINGS]
        figures = [crop_shares(window, self._item.truth) for window in windows]
        return replace(
            row,
            held_by_padding=tuple(held for held, _ in figures),
            area_by_padding=tuple(area for _, area in figures),
        )

    def _correction(self, number: int) -> Row:
        if number > self._procedure.fewest and self._best >= self._procedure.enough:
            return self._click(number, None, oracle=NAN)
        oracle = _oracle(self._mask, self._item)
        return self._click(number, self._annotator.correct(self._mask), oracle)

    def _click(self, number: int, aimed: AimedClick | None, oracle: float) -> Row:
        """Make the click, if there is one, and measure."""
        elapsed = 0.0
        self._passes.forget()
        if aimed is not None:
            began = time.perf_counter()
            self._mask = self._session.click(aimed.click)
            self._passes.finish()
            elapsed = (time.perf_counter() - began) * 1000
            self._iou = masks.intersection_over_union(self._mask, self._item.truth, self._item.ignore)
            self._best = max(self._best, self._iou)
        assert self._session.crop is not None  # noqa: S101 - the first click has made one
        held, area = crop_shares(self._session.crop, self._item.truth)
        encodes = self._passes.encode_milliseconds
        row = Row(
            self._item.name,
            number,
            x=NAN,
            y=NAN,
            iou=self._iou,
            oracle=oracle,
            contour_distance=NAN,
            held=held,
            crop_area=area,
            milliseconds=elapsed,
            encodes=len(encodes),
            encode_milliseconds=float(np.mean(encodes)) if encodes else NAN,
            truth_pixels=int(np.count_nonzero(self._item.truth)),
        )
        return row if aimed is None else self._with_click(row, aimed)

    def _with_click(self, row: Row, aimed: AimedClick) -> Row:
        x, y, role = aimed.click.x, aimed.click.y, aimed.click.role
        distance = NAN
        if role == "boundary":
            distance = _at(contour_distances(self._mask), x, y)
        return replace(
            row, x=x, y=y, role=role, aim_x=aimed.aim[0], aim_y=aimed.aim[1], contour_distance=distance
        )


def contour_distances(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(H, W) pixels from each pixel to a (H, W) mask's contour; the image's edge ends a mask, as it does for clicks."""
    outward: NDArray[np.float32] = np.abs(masks.outward_distance(np.pad(mask, 1)))
    return outward[1:-1, 1:-1]


def _with_final_distance(row: Row, to_contour: NDArray[np.float32]) -> Row:
    return replace(row, final_distance=_at(to_contour, row.x, row.y)) if row.role == "boundary" else row


def _at(values: NDArray[np.float32], x: float, y: float) -> float:
    """Value of the pixel under a point of the image."""
    row, column = min(round(y), values.shape[0] - 1), min(round(x), values.shape[1] - 1)
    return float(values[max(row, 0), max(column, 0)])


def _oracle(mask: NDArray[np.bool_], item: EvaluationObject) -> float:
    """IoU after repairing the whole largest error component."""
    error = (mask ^ item.truth) & ~item.ignore
    return masks.intersection_over_union(mask ^ masks.largest_component(error), item.truth, item.ignore)
