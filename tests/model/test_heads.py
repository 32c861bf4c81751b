import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from model import Click
from model.checkpoints import Checkpoint, load_checkpoint
from model.errors import WeightsError
from model.heads import digest_of, pack_head, unpack_head
from model.networks.adapter import Adapter
from model.networks.two_stage import TwoStageNetwork
from model.runtimes.pytorch import predictor_of


@pytest.fixture(scope="module")
def base(tiny_weights: Path) -> Checkpoint:
    return load_checkpoint(tiny_weights)


def changed(base: Checkpoint) -> TwoStageNetwork:
    """The base's network with another head."""
    network = copy.deepcopy(base.network)
    with torch.no_grad():
        for value in network.refinement.parameters():
            value.mul_(1.5)
    return network


def test_a_head_comes_back_as_it_was_on_the_one_selection_network(base: Checkpoint, noise_image: np.ndarray):
    network = changed(base)
    data = pack_head(network, base, {"corrections": 7})
    again = unpack_head(data, base, "team-v1")
    assert again.network.selection is base.network.selection
    assert (again.name, again.digest, again.training) == ("team-v1", digest_of(data), {"corrections": 7})
    for name, value in network.refinement.state_dict().items():
        torch.testing.assert_close(
            again.network.refinement.state_dict()[name], value.half().float(), rtol=0, atol=0
        )
    clicks = [Click(60, 40, "select"), Click(90, 50, "boundary")]
    device = torch.device("cpu")
    first, second = (predictor_of(each, device).predict(noise_image, clicks) for each in (base, again))
    assert not np.array_equal(first.logits, second.logits), "the second head answers"
    assert len(data) < 0.3 * sum(2 * p.numel() for p in base.network.parameters()), "the head alone is stored"


def adapted(base: Checkpoint, feature_channels: int) -> TwoStageNetwork:
    """The base's network with an adapter of that many channels."""
    network = copy.deepcopy(base.network)
    network.adapter = Adapter(feature_channels)
    torch.nn.init.normal_(network.adapter.correct.weight)
    return network


def test_an_adapter_comes_back_to_the_bit(base: Checkpoint):
    network = adapted(base, base.network.config.feature_channels)
    again = unpack_head(pack_head(network, base, {}), base, "team-v1").network.adapter
    assert again is not None
    assert network.adapter is not None
    for name, value in network.adapter.state_dict().items():
        assert torch.equal(again.state_dict()[name], value)
    assert unpack_head(pack_head(base.network, base, {}), base, "team-v1").network.adapter is None


def test_an_adapter_that_does_not_fit_is_refused(base: Checkpoint):
    with pytest.raises(WeightsError, match="team-v1: expected the tensors of this release's head"):
        unpack_head(pack_head(adapted(base, 5), base, {}), base, "team-v1")


@pytest.mark.parametrize("part", ["refinement", "adapter"])
def test_heads_that_are_not_finite_are_refused_as_they_come(base: Checkpoint, part: str):
    network = adapted(base, base.network.config.feature_channels)
    values = load(pack_head(network, base, {}))
    name = next(name for name in values if name.startswith("adapter.") == (part == "adapter"))
    values[name].fill_(torch.inf)
    with pytest.raises(WeightsError, match="team-v1: expected finite weights"):
        unpack_head(save(values), base, "team-v1")


@pytest.mark.parametrize("spoil", [lambda data: data[:-9], lambda data: b"no head", lambda data: b""])
def test_damaged_heads_are_refused(base: Checkpoint, spoil):
    with pytest.raises(WeightsError, match="team-v1: expected a complete head"):
        unpack_head(spoil(pack_head(base.network, base, {})), base, "team-v1")


def test_a_head_of_other_weights_is_refused(base: Checkpoint):
    other = Checkpoint("other", "00000000", {}, base.network)
    with pytest.raises(WeightsError, match="trained on other-00000000"):
        unpack_head(pack_head(base.network, base, {}), other, "team-v1")


def test_a_head_that_has_diverged_is_not_kept(base: Checkpoint):
    network = changed(base)
    with torch.no_grad():
        next(network.refinement.parameters()).fill_(torch.nan)
    with pytest.raises(WeightsError, match="diverged"):
        pack_head(network, base, {})
