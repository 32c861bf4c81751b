from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from backend.learning import Learning
from model.checkpoints import save_checkpoint
from model.networks import configuration
from model.networks.building import build_network
from tests.backend.learning.material import learning


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the small network, untrained."""
    torch.manual_seed(1)
    network = build_network(configuration("tiny"))
    torch.nn.init.normal_(network.refinement.correct.weight, std=0.05)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_checkpoint(path, network, {"stage": "none"})
    return path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Learning]:
    store = learning(tmp_path)
    yield store
    store.close()
