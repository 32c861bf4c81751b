import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from model.errors import SettingsError
from model.evaluation.comparison import compare, comparison_text
from model.evaluation.report import summarise
from model.evaluation.rows import Row, Table
from tests.model.evaluation.tables import rows_of

HEADER = {"model": "m", "dataset": "grabcut:set", "clicker": "boundary", "noise": 5.0, "seed": 0, "clicks": 6}


def folder(path: Path, rows: Sequence[Row], **header: object) -> Path:
    path.mkdir()
    (path / "rows.jsonl").write_text("".join(json.dumps(row.as_json()) + "\n" for row in rows))
    (path / "report.json").write_text(json.dumps({**HEADER, **summarise(Table(rows)), **header}))
    return path


def objects(gain: float, count: int = 12, **fields: object) -> list[Row]:
    """Objects of very different IoU that rises by `gain` with each click."""
    return [
        row
        for number in range(count)
        for row in rows_of(
            f"object{number}",
            [0.3 + 0.05 * number + gain * click for click in range(6)],
            [0.9 + 0.02 * click for click in range(6)],
            **fields,
        )
    ]


def test_pairs_show_a_difference_that_is_small_beside_the_spread(tmp_path: Path):
    a, b = folder(tmp_path / "a", objects(0.01)), folder(tmp_path / "b", objects(0.015), model="better")
    found = {each.figure: each for each in compare(a, b).differences}
    assert set(found) == {"noc85", "noc90", "miou1", "miou3", "miou6", "click_efficiency_all"}
    assert found["miou6"].difference == pytest.approx(0.025)
    assert found["miou6"].low == pytest.approx(0.025), "the same for every object: no spread in pairs"
    assert found["miou6"].shown
    assert not found["miou1"].shown
    lines = {line.split()[0]: line for line in comparison_text(compare(a, b)).splitlines()}
    assert "B is better" in lines["mIoU@6"]
    assert "interval contains zero" in lines["mIoU@1"]


def test_what_is_not_defined_is_null_in_the_file(tmp_path: Path):
    selections = [row for row in objects(0.1) if row.click == 1]
    a, b = folder(tmp_path / "a", selections), folder(tmp_path / "b", selections)
    written = json.loads(json.dumps(compare(a, b).as_json(), allow_nan=False))
    found = {each["figure"]: each for each in written["differences"]}
    assert found["click_efficiency_all"]["first"] is None
    assert found["miou1"]["first"] == pytest.approx(0.575)


def test_a_report_without_what_is_asked_of_it_is_refused(tmp_path: Path):
    a = folder(tmp_path / "a", objects(0.1))
    (a / "report.json").write_text('{"model": "m", "dataset": "grabcut:set"}')
    with pytest.raises(SettingsError, match="it has no profile"):
        compare(a, a)


def test_fewer_clicks_are_better(tmp_path: Path):
    a, b = folder(tmp_path / "a", objects(0.1)), folder(tmp_path / "b", objects(0.02))
    line = next(line for line in comparison_text(compare(a, b)).splitlines() if "NoC@85" in line)
    assert "A is better" in line


def test_the_order_of_the_rows_does_not_matter(tmp_path: Path):
    rows = objects(0.01)
    backwards = sorted(rows, key=lambda row: (-int(row.object[6:]), row.click))
    a, b = folder(tmp_path / "a", rows), folder(tmp_path / "b", backwards)
    for each in compare(a, b).differences:
        assert (each.difference, each.low, each.high) == pytest.approx((0, 0, 0))


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("dataset", "davis:set"),
        ("clicker", "paper"),
        ("noise", 0.0),
        ("seed", 1),
        ("clicks", 20),
        ("profile", "paper"),
    ],
)
def test_unlike_evaluations_are_refused_in_one_line(name: str, other: object, tmp_path: Path):
    a, b = folder(tmp_path / "a", objects(0.1)), folder(tmp_path / "b", objects(0.1), **{name: other})
    with pytest.raises(SettingsError, match=f"expected the same {name}, got") as caught:
        compare(a, b)
    assert "\n" not in str(caught.value)


def test_the_same_layout_in_another_place_is_the_same_data_set(tmp_path: Path):
    a, b = (
        folder(tmp_path / "a", objects(0.1)),
        folder(tmp_path / "b", objects(0.1), dataset="grabcut:/mnt/set"),
    )
    assert compare(a, b).objects == 12


def test_other_objects_are_refused(tmp_path: Path):
    a, b = folder(tmp_path / "a", objects(0.1)), folder(tmp_path / "b", objects(0.1, count=11))
    with pytest.raises(SettingsError, match="object11 is only in one of them"):
        compare(a, b)


def test_other_masks_of_the_same_names_are_refused(tmp_path: Path):
    a = folder(tmp_path / "a", objects(0.1))
    b = folder(tmp_path / "b", objects(0.1, truth_pixels=50))
    with pytest.raises(SettingsError, match="true mask of object0, got one of 100 px"):
        compare(a, b)
