from pathlib import Path

import cv2
import numpy as np
import pytest

from model.datasets.layouts import open_dataset
from model.fine_tuning.tissue import HEIGHT, SMALLEST_CELL, WIDTH, main, tissue


def test_cells_are_whole_apart_and_darker_than_the_membranes_around_them() -> None:
    picture = tissue(np.random.default_rng(1))
    assert picture.image.shape == (HEIGHT, WIDTH, 3)
    count, _labels, sizes, _ = cv2.connectedComponentsWithStats((picture.cells == 1).astype(np.uint8))
    assert count == 2, "one piece"
    assert sizes[1, cv2.CC_STAT_AREA] >= SMALLEST_CELL
    edge = np.concatenate([picture.cells[[0, -1]].ravel(), picture.cells[:, [0, -1]].ravel()])
    assert not edge.any(), "cells that are cut are not marked"
    brightness = picture.image.max(axis=2).astype(float)
    darker = []
    for number in range(1, int(picture.cells.max()) + 1):
        cell = (picture.cells == number).astype(np.uint8)
        inside = cv2.erode(cell, np.ones((9, 9), np.uint8)) > 0
        rim = (cell > 0) & (cv2.erode(cell, np.ones((3, 3), np.uint8)) == 0)
        darker.append(brightness[inside].mean() < brightness[rim].mean())
    assert np.mean(darker) > 0.9


def test_the_same_seed_gives_the_same_data_set(tmp_path: Path) -> None:
    for name, seed in (("one", "3"), ("same", "3"), ("other", "4")):
        assert main([str(tmp_path / name), "--images", "2", "--cells", "3", "--seed", seed]) == 0
    one, same, other = (open_dataset(f"folder:{tmp_path / name}") for name in ("one", "same", "other"))
    assert len(one) == 6
    assert one.names == same.names
    for number in range(len(one)):
        np.testing.assert_array_equal(one[number].image, same[number].image)
        np.testing.assert_array_equal(one[number].truth, same[number].truth)
    assert not np.array_equal(one[0].image, other[0].image)


@pytest.mark.parametrize("wrong", [["--images", "0"], ["--cells", "0"], ["--cells", "255"], ["--seed", "-1"]])
def test_numbers_that_no_data_set_has_are_refused(
    wrong: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main([str(tmp_path / "out"), *wrong])
    assert stop.value.code == 2
    assert "--cells from 1 to 254" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_told_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main([str(tmp_path / "file"), "--images", "1"]) == 2
    assert "expected a folder" in capsys.readouterr().err
