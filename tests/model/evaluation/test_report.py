import math

import pytest

from model.evaluation.loop import Row
from model.evaluation.report import summarise


def rows_of(name: str, ious: list[float], oracles: list[float] | None = None) -> list[Row]:
    nan = math.nan
    return [
        Row(
            name,
            k,
            1.0,
            1.0,
            iou,
            nan if k == 1 else (oracles or ious)[k - 1],
            nan if k == 1 else 2.0,
            1.0,
            0.25,
            10.0 * k,
        )
        for k, iou in enumerate(ious, start=1)
    ]


def test_noc_counts_from_one_and_unreached_objects_count_all_clicks():
    report = summarise([*rows_of("a", [0.80, 0.90, 0.96]), *rows_of("b", [0.5, 0.6, 0.7])])
    assert report["objects"] == 2
    assert report["noc"] == {"80": (1 + 3) / 2, "85": (2 + 3) / 2, "90": (2 + 3) / 2, "95": 3.0}
    assert report["nof"] == {"85": 1, "90": 1}
    assert report["miou"] == pytest.approx([0.65, 0.75, 0.83])


def test_click_efficiency_by_hand():
    report = summarise(rows_of("a", [0.5, 0.6, 0.6, 0.65], [math.nan, 0.9, 0.8, 0.7]))
    assert report["click_efficiency"] == pytest.approx(
        {"all": 0.15 / (0.4 + 0.2 + 0.1), "2": 0.25, "3": 0.0, "4": 0.5}
    )


def test_harmful_clicks_are_those_that_cost_more_than_two_points():
    report = summarise(rows_of("a", [0.9, 0.87, 0.86, 0.9]))
    assert report["harmful"] == pytest.approx(1 / 3)


def test_times_and_crop_figures():
    report = summarise(rows_of("a", [0.9, 0.9, 0.9]))
    assert report["ms"]["select_p50"] == 10.0
    assert report["ms"]["boundary_p50"] == 25.0
    assert report["crop_recall"] == 1.0
    assert report["crop_area"] == 0.25
    assert report["contour_distance"] == 2.0


def test_intervals_hold_the_mean():
    report = summarise([row for i in range(10) for row in rows_of(str(i), [0.5 + i / 20, 0.95])])
    low, high = report["intervals"]["miou1"]
    assert low < report["miou"][0] < high
