from pathlib import Path

import numpy as np
import pytest
import torch

from model import Predictor, load_predictor
from model.checkpoints import save_checkpoint
from model.networks import configuration
from model.networks.building import build_network
from model.networks.two_stage import TwoStageNetwork


@pytest.fixture(scope="session")
def tiny_network() -> TwoStageNetwork:
    """A small untrained network whose head does something: its last layer is not zero."""
    torch.manual_seed(1)
    network = build_network(configuration("tiny"))
    torch.nn.init.normal_(network.refinement.correct.weight, std=0.5)
    return network.eval()


@pytest.fixture(scope="session")
def tiny_weights(tiny_network: TwoStageNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_checkpoint(path, tiny_network, {"stage": "none"})
    return path


@pytest.fixture(scope="session")
def tiny_predictor(tiny_weights: Path) -> Predictor:
    return load_predictor(tiny_weights)


@pytest.fixture(scope="session")
def noise_image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (90, 121, 3), dtype=np.uint8)


@pytest.fixture
def still_predictor(tiny_weights: Path) -> Predictor:
    """A predictor whose head corrects nothing."""
    predictor = load_predictor(tiny_weights)
    head = predictor.runtime.network.refinement
    torch.nn.init.zeros_(head.correct.weight)
    torch.nn.init.zeros_(head.correct.bias)
    return predictor
