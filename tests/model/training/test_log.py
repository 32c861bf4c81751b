import csv
import importlib.util
from pathlib import Path

import pytest

from model.training.log import Log, cut_log, read_log


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_means_over_intervals(tmp_path: Path):
    log = Log(tmp_path / "log.csv", interval=2)
    for step, loss in enumerate([1.0, 2.0, 3.0, 5.0, 8.0]):
        log.add(step, loss=loss)
    log.flush(4)
    log.flush(4)
    assert [(row["step"], row["loss"]) for row in rows(tmp_path / "log.csv")] == [
        ("2", "1.5"), ("4", "4.0"), ("5", "8.0"),
    ]  # fmt: skip


def test_a_figure_that_comes_later_adds_a_column(tmp_path: Path):
    log = Log(tmp_path / "log.csv", interval=1)
    log.add(0, loss=1.0)
    log.add(1, loss=2.0)
    log.note(1, held_out_iou=0.5)
    first, second = rows(tmp_path / "log.csv")
    assert (first["loss"], first["held_out_iou"]) == ("1.0", "")
    assert (second["step"], second["loss"], second["held_out_iou"]) == ("2", "2.0", "0.5")


def test_a_log_that_is_cut_goes_on_without_gap_or_double(tmp_path: Path):
    path = tmp_path / "log.csv"
    before = Log(path, interval=1)
    for step in range(5):
        before.add(step, loss=float(step))
    cut_log(path, 3)
    after = Log(path, interval=1)
    for step in range(3, 6):
        after.add(step, loss=10.0 + step)
    assert [(row["step"], row["loss"]) for row in rows(path)] == [
        ("1", "0.0"), ("2", "1.0"), ("3", "2.0"), ("4", "13.0"), ("5", "14.0"), ("6", "15.0"),
    ]  # fmt: skip


def test_a_log_cut_to_nothing_starts_anew(tmp_path: Path):
    path = tmp_path / "log.csv"
    Log(path, interval=1).add(0, loss=1.0)
    cut_log(path, 0)
    assert read_log(path) == {}
    Log(path, interval=1).add(0, loss=2.0)
    assert [row["loss"] for row in rows(path)] == ["2.0"]


def test_a_quiet_log_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    log = Log(tmp_path / "log.csv", interval=1, quiet=True)
    log.add(0, loss=1.0)
    log.note(0, iou=0.5)
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().out == ""


def test_rows_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    Log(tmp_path / "log.csv").note(9, iou=0.51239)
    assert capsys.readouterr().out == "step 10  iou 0.5124\n"


@pytest.mark.skipif(importlib.util.find_spec("tensorboard") is None, reason="tensorboard is not installed")
def test_figures_reach_tensorboard(tmp_path: Path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    Log(tmp_path / "log.csv", interval=1).add(4, loss=1.5)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("loss")] == [(5, 1.5)]
