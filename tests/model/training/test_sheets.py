from pathlib import Path

import cv2
import numpy as np

from model.training.sheets import write_sheet


def test_a_sheet_shows_truth_prediction_and_click(tmp_path: Path):
    truth = np.zeros((64, 64), bool)
    truth[16:48, 16:48] = True
    predicted = np.roll(truth, 8, axis=1)
    images = np.full((5, 64, 64, 3), 60, np.uint8)
    path = tmp_path / "samples" / "sheet.png"
    write_sheet(path, images, [truth] * 5, [predicted] * 5, [[(31.0, 31.0), (20.0, 8.0)]] * 5)
    sheet = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    assert sheet.shape == (128, 256, 3)
    for left, top in ((0, 0), (192, 0), (0, 64)):
        tile = sheet[top : top + 64, left : left + 64].astype(int)
        assert tile[32, 16, 1] > tile[32, 16, 0] + 100, "the true outline is green"
        assert tile[32, 55, 0] > tile[32, 55, 1] + 100, "the predicted outline is red"
        assert tile[31, 31, 2] < 50 < 200 < tile[31, 31, 0], "the selection click is yellow"
        assert tile[8, 20, 0] < 100 < 180 < tile[8, 20, 2], "boundary clicks are blue"
        assert tile[5, 5].tolist() == [60, 60, 60]
    assert (sheet[64:, 64:] == 0).all(), "the last row is filled up"
