import copy
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from model import WeightsError, load_predictor
from model.checkpoints import load_checkpoint, save_checkpoint
from model.headers import CHECKPOINT_FORMAT
from model.networks import NetworkConfig, configuration
from model.networks.adapter import Adapter
from model.networks.two_stage import TwoStageNetwork


def test_round_trip_keeps_weights_configuration_and_history(
    tiny_network: TwoStageNetwork, tiny_weights: Path
):
    loaded = load_checkpoint(tiny_weights)
    assert loaded.network.config == tiny_network.config
    assert loaded.training == {"stage": "none"}
    assert loaded.name == "tiny"
    for name, value in tiny_network.state_dict().items():
        torch.testing.assert_close(loaded.network.state_dict()[name], value.half().float())


def test_version_names_the_very_file(tiny_network: TwoStageNetwork, tiny_weights: Path, tmp_path: Path):
    other = tmp_path / "tiny.safetensors"
    save_checkpoint(other, tiny_network, {"stage": "another"})
    assert load_checkpoint(other).digest != load_checkpoint(tiny_weights).digest


def test_missing_file():
    with pytest.raises(WeightsError, match=r"default.*found nothing at nowhere/w\.safetensors"):
        load_checkpoint("nowhere/w.safetensors")


@pytest.mark.parametrize("keep", [0, 7, 500, -1000])
def test_truncated_file(tiny_weights: Path, tmp_path: Path, keep: int):
    damaged = tmp_path / "w.safetensors"
    damaged.write_bytes(tiny_weights.read_bytes()[:keep])
    with pytest.raises(WeightsError, match="copy it again") as caught:
        load_checkpoint(damaged)
    assert "\n" not in str(caught.value)


def test_pickles_are_not_read(tmp_path: Path):
    path = tmp_path / "w.safetensors"
    torch.save({"weight": torch.zeros(1)}, path)
    with pytest.raises(WeightsError, match="damaged"):
        load_checkpoint(path)


def test_other_safetensors_are_not_ours(tmp_path: Path):
    path = tmp_path / "w.safetensors"
    save_file({"weight": torch.zeros(1)}, path)
    with pytest.raises(WeightsError, match=CHECKPOINT_FORMAT):
        load_checkpoint(path)


@pytest.mark.parametrize(
    "metadata",
    [
        {"format": CHECKPOINT_FORMAT},
        {"format": CHECKPOINT_FORMAT, "configuration": "{"},
        {"format": CHECKPOINT_FORMAT, "configuration": json.dumps({"name": "x"})},
        {
            "format": CHECKPOINT_FORMAT,
            "configuration": configuration("tiny").model_dump_json(),
            "training": "[",
        },
    ],
)
def test_damaged_metadata(tmp_path: Path, metadata: dict[str, str]):
    path = tmp_path / "w.safetensors"
    save_file({"weight": torch.zeros(1)}, path, metadata=metadata)
    with pytest.raises(WeightsError):
        load_checkpoint(path)


def test_a_backbone_that_is_none_of_timm_s(tiny_network: TwoStageNetwork, tmp_path: Path):
    path = tmp_path / "w.safetensors"
    config = NetworkConfig.model_validate(configuration("tiny").model_dump() | {"backbone": "no_such_net"})
    save_file(
        {"x": torch.zeros(1)}, path, {"format": CHECKPOINT_FORMAT, "configuration": config.model_dump_json()}
    )
    with pytest.raises(WeightsError, match="configuration of this version"):
        load_checkpoint(path)


def test_device_that_is_not_there(tiny_weights: Path):
    with pytest.raises(WeightsError, match="try cpu"):
        load_predictor(tiny_weights, device="nonsense")


def test_an_adapter_is_a_heads_and_in_no_checkpoint(tiny_network: TwoStageNetwork, tmp_path: Path):
    network = copy.deepcopy(tiny_network)
    network.adapter = Adapter(network.config.feature_channels)
    save_checkpoint(tmp_path / "tiny.safetensors", network, {})
    with pytest.raises(WeightsError, match="expected the tensors of configuration 'tiny'"):
        load_checkpoint(tmp_path / "tiny.safetensors")
