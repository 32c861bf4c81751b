from pathlib import Path

import cv2
import numpy as np
import pytest

from model.datasets.layouts import EvaluationObject
from model.evaluation.plots import draw_curves
from model.evaluation.report import summarise
from model.evaluation.rows import PADDINGS, Table
from model.evaluation.sheet import Panel, draw_sheet, worst_objects
from tests.model.evaluation.tables import rows_of
from tests.model.scenes import scene

NAMES = {"model": "m-1", "dataset": "grabcut:set", "clicker": "boundary", "noise": 5.0}


def table(clicks: int) -> Table:
    curve = tuple(PADDINGS)
    rows = [
        row
        for number in range(5)
        for row in rows_of(
            str(number),
            [0.5 + 0.08 * number + 0.01 * click for click in range(clicks)],
            held_by_padding=curve,
            area_by_padding=curve,
        )
    ]
    return Table(rows)


@pytest.mark.parametrize("clicks", [1, 2, 20])
def test_curves_are_drawn_for_any_number_of_clicks(clicks: int, tmp_path: Path):
    draw_curves({**NAMES, **summarise(table(clicks))}, table(clicks), tmp_path)
    for name in ("miou.png", "iou_histogram.png", "crop_recall.png"):
        picture = cv2.imread(str(tmp_path / name))
        assert picture is not None
        assert picture.std() > 5, "not blank"


def test_curves_are_drawn_of_a_model_without_fault(tmp_path: Path):
    perfect = Table([row for name in "ab" for row in rows_of(name, [1.0, 1.0])])
    draw_curves({**NAMES, **summarise(perfect)}, perfect, tmp_path)
    assert (tmp_path / "miou.png").exists()


def test_the_worst_objects_come_worst_first():
    assert worst_objects(table(3), 2) == ["0", "1"]


@pytest.mark.parametrize("count", [1, 3, 6])
def test_a_sheet_of_any_number_of_objects(count: int, tmp_path: Path):
    image, truth = scene(1)
    item = EvaluationObject("name", image, truth, np.zeros(truth.shape, bool))
    nothing = np.zeros(truth.shape, bool)
    rows = rows_of("name", [0.5, 0.6, 0.7])
    panels = [Panel(item, rows, truth if number % 2 else nothing) for number in range(count)]
    draw_sheet(panels, "a title", tmp_path / "sheet.png")
    height, width = cv2.imread(str(tmp_path / "sheet.png")).shape[:2]
    assert width > 300 * min(count, 4)
    assert height > 400 * -(-count // 4)
