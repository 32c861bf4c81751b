from pathlib import Path

import cv2
import numpy as np
import torch

from model.training.samples import Sample
from model.training.sheets import write_sheet


def test_a_sheet_shows_truth_prediction_and_click(tmp_path: Path):
    truth = np.zeros((64, 64), bool)
    truth[16:48, 16:48] = True
    logits = np.where(np.roll(truth, 8, axis=1), 3.0, -3.0).astype(np.float32)
    batch = Sample(
        image=torch.full((5, 64, 64, 3), 60, dtype=torch.uint8),
        target=torch.from_numpy(np.stack([truth] * 5)),
        distance=torch.zeros(5, 64, 64),
        click=torch.full((5, 2), 31.0),
    )
    path = tmp_path / "samples" / "sheet.png"
    write_sheet(path, batch, torch.from_numpy(np.stack([logits] * 5))[:, None])
    sheet = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    assert sheet.shape == (128, 256, 3)
    for left, top in ((0, 0), (192, 0), (0, 64)):
        tile = sheet[top : top + 64, left : left + 64].astype(int)
        assert tile[32, 16, 1] > tile[32, 16, 0] + 100, "the true outline is green"
        assert tile[32, 55, 0] > tile[32, 55, 1] + 100, "the predicted outline is red"
        assert tile[31, 31, 2] < 50 < 200 < tile[31, 31, 0], "the click is yellow"
        assert tile[5, 5].tolist() == [60, 60, 60]
    assert (sheet[64:, 64:] == 0).all(), "the last row is filled up"
