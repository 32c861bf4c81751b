"""Real training runs, of a few steps of the small network."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from model import load_predictor
from model.checkpoints import load_checkpoint
from model.errors import SettingsError, WeightsError
from model.networks import configuration
from model.networks.building import build_network
from model.networks.two_stage import TwoStageNetwork
from model.training.joint import backward
from model.training.log import read_log
from model.training.rollouts import Rollout
from model.training.run import TrainingRun, TrainingSettings
from model.training.stages import train
from tests.model.scenes import scene, write_coco


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_coco(tmp_path_factory.mktemp("data") / "set", 6)


def settings(data: Path, stage: str, **changes: object) -> TrainingSettings:
    values = {
        "stage": stage, "data": [{"folder": data}], "configuration": "tiny", "steps": 2, "batch": 2, "size": 64,
        "workers": 0, "clicks": 2, "warmup": 0, "averaging": 0.0, "held_out": 0.0,
    }  # fmt: skip
    return TrainingSettings.model_validate(values | changes)


def changed_parts(before: TwoStageNetwork, after: TwoStageNetwork) -> set[str]:
    old, new = before.state_dict(), after.state_dict()
    return {name.split(".")[0] for name in old if not torch.equal(old[name].half(), new[name].half())}


def test_selection_then_refinement_and_the_result_predicts(data: Path, tmp_path: Path):
    train(settings(data, "selection"), tmp_path / "selection")
    selected = tmp_path / "selection" / "weights.safetensors"
    train(settings(data, "refinement", start=str(selected)), tmp_path / "refinement")
    refined = tmp_path / "refinement" / "weights.safetensors"
    assert changed_parts(load_checkpoint(selected).network, load_checkpoint(refined).network) == {
        "refinement"
    }
    history = load_checkpoint(refined).training
    assert (history["stage"], history["settings"]["data"][0]["folder"]) == ("refinement", data.name)
    assert str(tmp_path) not in str(history), "a checkpoint tells no paths of the machine it was made on"
    assert json.loads((tmp_path / "refinement" / "settings.json").read_text())["steps"] == 2
    image, _ = scene(0)
    assert load_predictor(refined).start(image).mask.shape == image.shape[:2]


def test_both_parts_can_be_trained_together(data: Path, tmp_path: Path):
    train(settings(data, "selection", steps=1), tmp_path / "selection")
    start = tmp_path / "selection" / "weights.safetensors"
    changes = {
        "start": str(start),
        "steps": 2,
        "log_every": 1,
        "sample_every": 1,
        "rate": 1e-2,
        "held_out": 0.4,
    }
    train(settings(data, "joint", **changes), tmp_path / "joint")
    end = load_checkpoint(tmp_path / "joint" / "weights.safetensors").network
    assert changed_parts(load_checkpoint(start).network, end) == {"selection", "refinement"}
    rows = read_log(tmp_path / "joint" / "log.csv")
    assert {"first_loss", "loss", "iou0", "iou1", "iou2"} < rows[1].keys()
    assert {"held_out_iou0", "held_out_iou2"} < rows[2].keys()
    assert len(list((tmp_path / "joint" / "samples").iterdir())) == 2


@pytest.mark.parametrize("selection_weight", [1.0, 1e-9])
def test_joint_gradients_come_from_both_losses(data: Path, tmp_path: Path, selection_weight: float):
    """With next to no weight of the first click, the encoder still learns from the boundary clicks."""
    chosen = settings(data, "joint", start="unused", selection_weight=selection_weight, mixed_precision="off")
    torch.manual_seed(0)
    network = build_network(configuration("tiny"))
    torch.nn.init.normal_(network.refinement.correct.weight, std=0.5)  # starts at zero: nothing would pass
    run = TrainingRun(chosen, network, [network.selection, network.refinement], tmp_path)
    backward(run, next(run.batches()))
    features = network.selection.finish[0].weight.grad
    logit = network.selection.classify.weight.grad
    assert features.abs().max() > 1e-5
    assert (logit.abs().max() > 1e-5) == (selection_weight == 1.0), (
        "boundary clicks do not teach the first logit"
    )


def test_a_run_continues_where_it_stopped(data: Path, tmp_path: Path):
    train(settings(data, "selection", save_every=1), tmp_path / "run")
    train(settings(data, "selection", save_every=1, steps=3), tmp_path / "run")
    assert load_checkpoint(tmp_path / "run" / "weights.safetensors").training["step"] == 3
    assert torch.load(tmp_path / "run" / "state.pt", weights_only=True)["step"] == 3


def test_the_state_of_another_network_is_refused(data: Path, tmp_path: Path):
    train(settings(data, "selection", steps=1), tmp_path / "run")
    state = torch.load(tmp_path / "run" / "state.pt", weights_only=True)
    state["network"].popitem()
    torch.save(state, tmp_path / "run" / "state.pt")
    with pytest.raises(WeightsError, match="choose a new folder"):
        train(settings(data, "selection"), tmp_path / "run")


def test_a_head_needs_a_trained_selection(data: Path, tmp_path: Path):
    with pytest.raises(SettingsError, match="train selection"):
        train(settings(data, "refinement"), tmp_path / "run")


def test_a_rollout_clicks_the_error_and_tells_where():
    truth = np.zeros((64, 64), bool)
    truth[16:48, 16:48] = True
    logits = np.where(truth, 4, -4).astype(np.float32)
    logits[16:48, 36:48] = -4
    rollout = Rollout(logits, truth, (25.0, 32.0))
    near = rollout.click(np.random.default_rng(0))
    assert rollout.aimed[0][0] == 47.0
    assert near[32, 40], "the error is near"
    assert near[32, 50], "right pixels around it count as well"
    assert not near[2, 2]
    rollout.accept(np.where(truth, 4, -4).astype(np.float32))
    assert rollout.iou == 1.0
    assert not rollout.click(np.random.default_rng(0)).any(), "nothing is left to click"
    rollout.accept(np.where(truth & ~near, 4, -4).astype(np.float32))
    assert rollout.iou == 1.0, "no click, no change"


def test_a_rollout_goes_on_from_what_a_session_would_keep():
    truth = np.zeros((64, 64), bool)
    truth[16:48, 16:48] = True
    logits = np.where(truth, 4, -4).astype(np.float32)
    logits[16:48, 36:48] = -4
    rollout = Rollout(logits, truth, (25.0, 32.0))
    rollout.click(np.random.default_rng(0))
    answer = np.where(truth, 4, -4).astype(np.float32)
    answer[30:33, 40:43] = -1
    rollout.accept(answer)
    assert rollout.iou == 1.0, "a session fills pinholes"


def test_the_command_names_a_wrong_option(data: Path, tmp_path: Path):
    command = [sys.executable, "-m", "backend.cli", "train", "selection", "--data", str(data)]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "run"), "--size", "33"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "size: Input should be a multiple of 32, got 33" in done.stderr
    assert done.stderr.count("\n") == 1
