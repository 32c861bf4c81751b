import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from model import Predictor
from model.datasets.layouts import EvaluationObject, open_dataset
from model.errors import DatasetError
from model.evaluation.loop import evaluate
from tests.model.scenes import write_grabcut


def test_a_row_for_each_object_and_click(tiny_predictor: Predictor, tmp_path: Path):
    objects = open_dataset(f"grabcut:{write_grabcut(tmp_path / 'set', 2)}")
    rows = list(evaluate(tiny_predictor, objects, noise=0, seed=0, clicks=4))
    assert [(row.object, row.click) for row in rows] == [
        (f"photo{i}", k) for i in range(2) for k in range(1, 5)
    ]
    assert all(0 <= row.iou <= 1 for row in rows)
    assert all(row.oracle >= before.iou for before, row in pairwise(rows) if row.click > 1)
    assert json.loads(json.dumps(rows[0].as_json()))["oracle"] is None


def test_noise_is_seeded(tiny_predictor: Predictor, tmp_path: Path):
    objects = open_dataset(f"grabcut:{write_grabcut(tmp_path / 'set', 1)}")

    def points(noise: float, seed: int) -> list[tuple[float, float]]:
        return [(row.x, row.y) for row in evaluate(tiny_predictor, objects, noise, seed, clicks=3)]

    assert points(5, 1) == points(5, 1)
    assert points(5, 1) != points(5, 2)
    assert points(0, 1) == points(0, 2)


def test_an_empty_object_is_refused(tiny_predictor: Predictor):
    nothing = np.zeros((8, 8), bool)
    item = EvaluationObject("void", np.zeros((8, 8, 3), np.uint8), nothing, nothing)
    with pytest.raises(DatasetError, match="void"):
        list(evaluate(tiny_predictor, [item], 0, 0))


def test_the_command_writes_rows_and_report(tiny_weights: Path, tmp_path: Path):
    root = write_grabcut(tmp_path / "set", 1)
    command = [
        sys.executable,
        "-m",
        "backend.cli",
        "evaluate",
        "--dataset",
        f"grabcut:{root}",
        "--clicks",
        "3",
    ]
    done = subprocess.run(
        [*command, "--weights", str(tiny_weights), "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "NoC@90" in done.stdout
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["objects"] == 1
    assert len(report["miou"]) == 3
    assert len((tmp_path / "out" / "rows.jsonl").read_text().splitlines()) == 3


def test_the_command_refuses_in_one_line(tmp_path: Path):
    command = [
        sys.executable,
        "-m",
        "backend.cli",
        "evaluate",
        "--dataset",
        "grabcut:nowhere",
        "--out",
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "nowhere" in done.stderr
