import pytest
import torch

from model.networks.adapter import Adapter, Gate


@pytest.fixture
def features() -> torch.Tensor:
    torch.manual_seed(3)
    return torch.randn(2, 16, 24, 32)


@pytest.fixture
def logits() -> torch.Tensor:
    return torch.linspace(-6, 6, 2 * 24 * 32).reshape(2, 1, 24, 32)


def opened(adapter: Adapter, share: float) -> Adapter:
    """With a gate that says the same of every picture; logits of 20 are as wide open, or shut, as can be."""
    torch.nn.init.zeros_(adapter.gate.decide.weight)
    torch.nn.init.constant_(adapter.gate.decide.bias, 20 * (2 * share - 1))
    return adapter


def test_behind_a_shut_gate_nothing_changes(features: torch.Tensor, logits: torch.Tensor) -> None:
    adapter = opened(Adapter(16), 0)
    torch.nn.init.normal_(adapter.correct.weight)
    torch.testing.assert_close(adapter(features, logits), logits)


def test_behind_an_open_gate_even_sure_logits_can_be_turned(
    features: torch.Tensor, logits: torch.Tensor
) -> None:
    adapter = opened(Adapter(16), 1)
    torch.nn.init.constant_(adapter.correct.bias, -3.5)
    assert (logits > 5).any()
    assert (adapter(features, logits) < 0).all()


def test_one_that_has_learnt_nothing_keeps_every_mask(features: torch.Tensor, logits: torch.Tensor) -> None:
    adapted = opened(Adapter(16), 1)(features, logits)
    assert torch.equal(adapted > 0, logits > 0)


def test_pictures_are_described_one_by_one_by_mean_and_spread(features: torch.Tensor) -> None:
    described = Gate.describe(features)
    assert described.shape == (2, 32)
    torch.testing.assert_close(described[:, :16], features.mean(dim=(2, 3)))
    torch.testing.assert_close(described[1, 16:], features[1].std(dim=(1, 2), correction=0))
    torch.testing.assert_close(Gate.describe(features[1:]), described[1:])


def test_each_picture_of_a_batch_has_its_own_gate(features: torch.Tensor, logits: torch.Tensor) -> None:
    adapter = Adapter(16)
    torch.nn.init.zeros_(adapter.gate.decide.weight)
    adapter.gate.decide.weight.data[0, 0] = 1e4  # by the first channel's mean
    adapter.gate.mean.copy_(Gate.describe(features).mean(dim=0))
    torch.nn.init.zeros_(adapter.gate.decide.bias)
    torch.nn.init.constant_(adapter.correct.bias, 9.0)
    changed = [
        not torch.equal(after, before)
        for after, before in zip(adapter(features, logits), logits, strict=True)
    ]
    assert sorted(changed) == [False, True]
