"""The paper's training through the same stages, of a few steps of the tiny networks."""

from pathlib import Path

import numpy as np
import pytest
import torch

from model.checkpoints import load_checkpoint
from model.errors import SettingsError
from model.losses import class_balanced_cross_entropy
from model.networks.two_stage import TwoStageNetwork
from model.training.log import read_log
from model.training.paper import in_trained_range, neighbourhood_weight
from model.training.run import TrainingSettings
from model.training.stages import train
from tests.model.scenes import write_coco


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_coco(tmp_path_factory.mktemp("data") / "set", 6)


def settings(data: Path, stage: str, **changes: object) -> TrainingSettings:
    values = {
        "stage": stage, "data": [{"folder": data}], "configuration": "paper-tiny", "start": "scratch", "steps": 2,
        "batch": 2, "size": 64, "workers": 0, "warmup": 0, "averaging": 0.0, "held_out": 0.3, "loss": "ba-ce",
        "overlap": 0, "optimiser": "sgd", "schedule": "constant", "rate": 1e-2, "log_every": 1,
        "click_sampling": {"per_step": (2, 4), "smallest_region": (0.01, 0.05), "rule": "paper"},
    }  # fmt: skip
    return TrainingSettings.model_validate(values | changes)


def changed_parts(before: TwoStageNetwork, after: TwoStageNetwork) -> set[str]:
    old, new = before.state_dict(), after.state_dict()
    counters = "num_batches_tracked"
    return {n.split(".")[0] for n in old if not n.endswith(counters) and not torch.equal(old[n], new[n])}


@pytest.mark.parametrize("style", ["", "-pnr", "-naive"])
def test_selection_then_refinement(data: Path, tmp_path: Path, style: str):
    name = f"paper-tiny{style}"
    train(settings(data, "selection", configuration=name, steps=1, held_out=0.0), tmp_path / "selection")
    start = tmp_path / "selection" / "weights.safetensors"
    held_out = 0.0 if style else 0.3
    train(settings(data, "refinement", start=str(start), held_out=held_out), tmp_path / "refinement")
    end = load_checkpoint(tmp_path / "refinement" / "weights.safetensors")
    assert end.network.config.name == name
    assert changed_parts(load_checkpoint(start).network, end.network) == {"refinement"}
    rows = read_log(tmp_path / "refinement" / "log.csv")
    assert {"loss", "iou0", "iou1"} <= rows[2].keys()
    assert ("held_out_iou1" in rows[2]) == bool(held_out)


def test_the_paper_s_networks_are_not_trained_together(data: Path, tmp_path: Path):
    train(settings(data, "selection", steps=1, held_out=0.0), tmp_path / "selection")
    start = str(tmp_path / "selection" / "weights.safetensors")
    with pytest.raises(SettingsError, match="selection and refinement, one after the other; got joint"):
        train(settings(data, "joint", start=start), tmp_path / "joint")


def test_a_batch_of_one_is_refused(data: Path, tmp_path: Path):
    with pytest.raises(SettingsError, match="at least 2 samples"):
        train(settings(data, "selection", batch=1), tmp_path / "run")


def test_pixels_near_a_click_count_twice():
    weight = neighbourhood_weight([(50.0, 30.0)], (100, 120))[0, 0]
    assert weight[30, 50] == weight[10, 30] == weight[50, 70] == 2.0
    assert weight[9, 50] == weight[30, 71] == 1.0
    assert weight.sum() == 100 * 120 + 41 * 41
    loss = class_balanced_cross_entropy(
        torch.zeros(1, 1, 1, 2), torch.tensor([[[[1.0, 0.0]]]]), torch.tensor([[[[2.0, 1.0]]]])
    )
    assert loss.item() == pytest.approx(1.5 * np.log(2))


def test_instances_between_a_fifth_and_three_fifths_are_trained_on():
    assert in_trained_range(0.2) == in_trained_range(0.4) == in_trained_range(0.6) == 0.0
    assert in_trained_range(0.1) == pytest.approx(0.1)
    assert in_trained_range(0.9) == pytest.approx(0.3)
