import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from model.fine_tuning.scores import SCORES, main, spearman
from tests.model.scenes import scene


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([1, 2, 3, 4], [10, 20, 30, 400], 1.0),
        ([1, 2, 3, 4], [4, 3, 2, 1], -1.0),
        ([1, 2, 2, 4], [1, 3, 2, 4], 0.9487),
        ([1, 1, 1, 1], [4, 3, 2, 1], np.nan),
    ],
)
def test_ranks_are_correlated(first: list[float], second: list[float], expected: float) -> None:
    found = spearman(np.array(first, float), np.array(second, float))
    assert found == pytest.approx(expected, abs=1e-4, nan_ok=True)


def test_every_score_is_measured_on_the_same_objects(tiny_weights: Path, tmp_path: Path) -> None:
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    for seed in range(4):
        image, mask = scene(seed)
        cv2.imwrite(str(tmp_path / "images" / f"{seed}.png"), image[..., ::-1])
        cv2.imwrite(str(tmp_path / "masks" / f"{seed}.png"), mask.astype(np.uint8))
    out = tmp_path / "scores.json"
    assert (
        main([f"folder:{tmp_path}", "--count", "3", "--weights", str(tiny_weights), "--out", str(out)]) == 0
    )
    report = json.loads(out.read_text())
    assert (report["objects"], set(report["scores"])) == (3, set(SCORES))
    assert 0 <= report["miou1"] <= 1
    for each in report["scores"].values():
        assert each["correlation"] is None or -1 <= each["correlation"] <= 1
