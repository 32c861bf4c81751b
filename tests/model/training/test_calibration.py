import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.cli import main
from model.checkpoints import Checkpoint, load_checkpoint
from model.clicks import Click
from model.geometry import View
from model.inference import Passes
from model.networks.two_stage import TwoStageNetwork
from model.runtimes.pytorch import TorchRuntime
from model.training.calibration import CropFigures, best_crop, crop_figures
from tests.model.scenes import write_coco


class Foreseen(Passes):
    """Passes whose coarse pass is sure of the middle of the image, less sure of its surroundings."""

    def coarse(self, image: np.ndarray, click: Click) -> tuple[View, np.ndarray]:
        view = View.whole(64, 64, 64, 32)
        logits = np.full((64, 64), -6, np.float32)
        logits[16:48, 16:48] = -1  # probability 0.27
        logits[24:40, 24:40] = 4
        return view, logits


def test_figures_of_a_known_answer(tiny_network: TwoStageNetwork):
    truth = np.zeros((64, 64), bool)
    truth[18:46, 18:46] = True
    passes = Foreseen(TorchRuntime(Checkpoint("tiny", "00000000", {}, tiny_network), torch.device("cpu")))
    image = np.zeros((64, 64, 3), np.uint8)
    figures = crop_figures(passes, [(image, truth)], thresholds=(0.2, 0.5), paddings=(0.0, 0.5))
    assert figures == [
        CropFigures(0.2, 0.0, 1.0, 32 * 32 / 4096),
        CropFigures(0.2, 0.5, 1.0, 1.0),
        CropFigures(0.5, 0.0, 0.0, 24 * 24 / 4096),  # the smallest window has 24 pixels
        CropFigures(0.5, 0.5, 1.0, 32 * 32 / 4096),
    ]


def test_the_smallest_crop_that_holds_enough_is_chosen():
    figures = [
        CropFigures(0.1, 0.2, 1.0, 0.8),
        CropFigures(0.2, 0.2, 0.997, 0.5),
        CropFigures(0.5, 0.2, 0.9, 0.3),
    ]
    assert best_crop(figures) == figures[1]
    assert best_crop(figures, recall=0.999) == figures[0]
    assert best_crop(figures[2:]) == figures[2], "none holds enough: the one that holds most"


def test_the_choice_is_written_into_a_copy(tmp_path: Path):
    data = write_coco(tmp_path / "set", 6)
    out = tmp_path / "a new folder" / "calibrated.safetensors"
    command = [sys.executable, "-m", "backend.cli", "calibrate", "--weights", "default", "--data", str(data)]
    done = subprocess.run(
        [*command, "--out", str(out), "--held-out", "0.7"], capture_output=True, text=True, check=True
    )
    chosen = [line for line in done.stdout.splitlines() if line.endswith("<- chosen")]
    assert len(chosen) == 1
    before, after = load_checkpoint("default"), load_checkpoint(out)
    assert f"threshold {after.network.config.crop_threshold:5.3f}" in chosen[0]
    assert after.training == before.training
    assert torch.equal(before.network.selection.classify.weight, after.network.selection.classify.weight)


@pytest.mark.parametrize(
    ("option", "value", "part"),
    [
        ("--objects", 0, "--objects >= 1"),
        ("--seed", 2**70, "--seed from 0"),
        ("--device", "toaster", "try cpu"),
    ],
)
def test_bad_input_is_one_line(
    option: str, value: object, part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    data, out = write_coco(tmp_path / "set", 1), tmp_path / "out.safetensors"
    arguments = ["calibrate", "--weights", "default", "--data", str(data), "--out", str(out)]
    assert main([*arguments, option, str(value)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert part in error
