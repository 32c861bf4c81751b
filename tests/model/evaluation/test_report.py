import json
import math
from dataclasses import replace

import pytest

from model.evaluation.report import summarise
from model.evaluation.rows import PADDINGS, Row, Table
from tests.model.evaluation.tables import rows_of


def report_of(*objects: list[Row], **options: str) -> dict:
    return summarise(Table([row for rows in objects for row in rows]), **options)


def test_noc_counts_from_one_and_unreached_objects_count_all_clicks():
    report = report_of(rows_of("a", [0.80, 0.90, 0.96]), rows_of("b", [0.5, 0.6, 0.7]))
    assert report["objects"] == 2
    assert report["noc"] == {"80": (1 + 3) / 2, "85": (2 + 3) / 2, "90": (2 + 3) / 2, "95": 3.0}
    assert report["nof"] == {"85": 1, "90": 1}
    assert report["miou"] == pytest.approx([0.65, 0.75, 0.83])


def test_noc_counts_the_first_click_even_if_the_iou_falls_again():
    report = report_of(rows_of("a", [0.5, 0.91, 0.6]))
    assert report["noc"]["90"] == 2.0
    assert report["nof"]["90"] == 0


def test_click_efficiency_by_hand():
    report = report_of(rows_of("a", [0.5, 0.6, 0.6, 0.65], [math.nan, 0.9, 0.8, 0.7]))
    assert report["click_efficiency"] == pytest.approx(
        {"all": 0.15 / (0.4 + 0.2 + 0.1), "2": 0.25, "3": 0.0, "4": 0.5}, abs=1e-5
    )


def test_click_efficiency_weighs_objects_by_what_there_was_to_gain():
    report = report_of(rows_of("a", [0.5, 0.6], [math.nan, 0.6]), rows_of("b", [0.5, 0.5], [math.nan, 0.8]))
    assert report["click_efficiency"]["2"] == pytest.approx(0.1 / 0.4)


def test_what_there_was_nothing_to_click_for_counts_in_no_share_of_clicks():
    rows = rows_of("a", [0.9, 0.8, 0.8], [math.nan, 0.95, 0.95])
    rows[2] = replace(rows[2], x=math.nan, role="", milliseconds=0.0)
    report = report_of(rows)
    assert report["harmful"] == 1.0
    assert report["click_efficiency"]["all"] == pytest.approx(-0.1 / 0.05)
    assert report["click_efficiency"]["3"] is None
    assert report["ms"]["boundary_p50"] == 20.0


def test_harmful_clicks_are_those_that_cost_more_than_two_points():
    report = report_of(rows_of("a", [0.9, 0.87, 0.86, 0.9]))
    assert report["harmful"] == pytest.approx(1 / 3, abs=1e-5)


def test_harm_of_the_first_five_clicks_after_the_selection():
    report = report_of(rows_of("a", [0.9, 0.8, 0.8, 0.8, 0.8, 0.8, 0.7]))
    assert report["harmful"] == pytest.approx(2 / 6, abs=1e-5)
    assert report["harmful_first_five"] == pytest.approx(1 / 5)


def test_times_distances_and_crop_figures():
    report = report_of(rows_of("a", [0.9, 0.9, 0.9]), rows_of("b", [0.9, 0.9, 0.9], held=0.9995))
    assert report["ms"] == {
        "encode_p50": 7.0,
        "encode_p95": 7.0,
        "select_p50": 10.0,
        "select_p95": 10.0,
        "boundary_p50": 25.0,
        "boundary_p95": 30.0,
    }
    assert report["crop_recall"] == 1.0, "to 99.9 %"
    assert report["crop_recall_whole"] == 0.5
    assert report["crop_area"] == 0.25
    assert report["area_reduction"] == 0.75
    assert report["contour_distance"] == 3.0, "to the final contour"
    assert report["contour_distance_after_click"] == 2.0


def test_recall_by_padding():
    steps = range(len(PADDINGS))
    held = tuple(1.0 if step >= 2 else 0.9 for step in steps)
    area = tuple(0.1 * step for step in steps)
    report = report_of(rows_of("a", [0.9], held_by_padding=held, area_by_padding=area))
    curve = report["crop_by_padding"]
    assert [each["padding"] for each in curve] == list(PADDINGS)
    assert [each["recall"] for each in curve] == [0.0, 0.0] + [1.0] * 9
    assert curve[3]["area_reduction"] == pytest.approx(0.7)


def test_in_the_paper_profile_a_lost_object_counts_all_clicks():
    lost, kept = rows_of("a", [0.96, 0.96, 0.96], held=0.9), rows_of("b", [0.96, 0.96, 0.96])
    assert report_of(lost, kept)["noc"]["95"] == 1.0
    assert report_of(lost, kept, profile="paper")["noc"]["95"] == (3 + 1) / 2


def test_every_figure_has_an_interval_that_holds_it():
    report = report_of(*(rows_of(str(i), [0.5 + i / 20, 0.95], [math.nan, 0.97]) for i in range(10)))
    low, high = report["intervals"]["miou1"]
    assert low < report["miou"][0] < high
    low, high = report["intervals"]["click_efficiency_2"]
    assert low < report["click_efficiency"]["2"] < high
    for name in ("harmful", "harmful_first_five", "contour_distance", "crop_recall", "noc95", "nof85"):
        assert len(report["intervals"][name]) == 2
    assert {f"ms_{name}" for name in report["ms"]} <= set(report["intervals"])


def test_the_report_is_json_without_nan_even_for_one_click():
    report = report_of(rows_of("a", [0.9]))
    assert json.loads(json.dumps(report, allow_nan=False))["click_efficiency"] == {"all": None}


def test_rows_survive_json():
    row = rows_of("a", [0.9], held_by_padding=(0.5, 1.0))[0]
    again = Row.from_json(json.loads(json.dumps(row.as_json(), allow_nan=False)))
    assert math.isnan(again.oracle)
    assert again.held_by_padding == (0.5, 1.0)
    assert again.as_json() == row.as_json()
