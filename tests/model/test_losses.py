import math

import pytest
import torch

from model.losses import (
    boundary_aware_weight,
    class_balanced_cross_entropy,
    normalised_focal_loss,
    soft_overlap_loss,
    training_loss,
)


def test_boundary_aware_weight_grows_to_tau_and_stops():
    distance = torch.tensor([0.0, 1.0, 40.0, 40.5, 300.0]).reshape(1, 1, 1, 5)
    assert boundary_aware_weight(distance).flatten().tolist() == pytest.approx([0, 1 / 255, 40 / 255, 0, 0])


def test_class_balanced_cross_entropy_by_hand():
    logits = torch.zeros(1, 1, 1, 4)
    target = torch.tensor([1.0, 0.0, 0.0, 0.0]).reshape(1, 1, 1, 4)
    # every pixel costs log 2; the one object pixel weighs 0.5 / 0.25, each of the others 0.5 / 0.75
    assert class_balanced_cross_entropy(logits, target).item() == pytest.approx(
        math.log(2) * (2 + 3 * 2 / 3) / 4
    )


def test_boundary_aware_cross_entropy_by_hand():
    logits = torch.zeros(1, 1, 1, 4)
    target = torch.tensor([1.0, 0.0, 0.0, 0.0]).reshape(1, 1, 1, 4)
    weight = 1 + boundary_aware_weight(torch.tensor([0.0, 1.0, 2.0, 3.0]).reshape(1, 1, 1, 4))
    expected = math.log(2) * (2 + 2 / 3 * (1 + 1 / 255 + 1 + 2 / 255 + 1 + 3 / 255)) / 4
    assert class_balanced_cross_entropy(logits, target, weight).item() == pytest.approx(expected)


def test_class_balance_survives_a_single_class():
    logits = torch.zeros(1, 1, 2, 2)
    assert math.isfinite(class_balanced_cross_entropy(logits, torch.zeros(1, 1, 2, 2)).item())
    assert math.isfinite(class_balanced_cross_entropy(logits, torch.ones(1, 1, 2, 2)).item())


def test_normalised_focal_loss_by_hand():
    logits = torch.tensor([0.0, math.log(3)]).reshape(1, 1, 1, 2)  # probabilities 0.5 and 0.75
    target = torch.ones(1, 1, 1, 2)
    factors = (0.5**2, 0.25**2)
    expected = (factors[0] * math.log(2) + factors[1] * math.log(4 / 3)) / sum(factors)
    assert normalised_focal_loss(logits, target).item() == pytest.approx(expected, rel=1e-5)


def test_normalised_focal_loss_counts_objects_alike():
    easy, hard = torch.full((1, 1, 4, 4), 6.0), torch.full((1, 1, 4, 4), -1.0)
    target = torch.ones(1, 1, 4, 4)
    both = normalised_focal_loss(torch.cat([easy, hard]), torch.cat([target, target]))
    alone = (normalised_focal_loss(easy, target) + normalised_focal_loss(hard, target)) / 2
    assert both.item() == pytest.approx(alone.item())


def test_losses_point_the_right_way():
    logits = torch.zeros(1, 1, 1, 2, requires_grad=True)
    target = torch.tensor([1.0, 0.0]).reshape(1, 1, 1, 2)
    normalised_focal_loss(logits, target).backward()
    assert logits.grad.flatten()[0] < 0 < logits.grad.flatten()[1]


def test_soft_overlap_loss_by_hand():
    logits = torch.tensor([math.log(3), 0.0]).reshape(1, 1, 1, 2)  # probabilities 0.75 and 0.5
    target = torch.tensor([1.0, 0.0]).reshape(1, 1, 1, 2)
    intersection, union = 0.75, 0.75 + 1 - 0.75 + 0.5
    expected = 1 - (intersection + 1) / (union + 1)
    assert soft_overlap_loss(logits, target).item() == pytest.approx(expected)


def test_soft_overlap_loss_of_nothing_on_nothing_is_finite():
    logits = torch.full((1, 1, 2, 2), -50.0, requires_grad=True)
    loss = soft_overlap_loss(logits, torch.zeros(1, 1, 2, 2))
    loss.backward()
    assert loss.item() == pytest.approx(0)
    assert torch.isfinite(logits.grad).all()


def test_training_loss_is_the_named_one_plus_overlap():
    logits = torch.tensor([0.0, 1.0, -1.0, 2.0]).reshape(1, 1, 1, 4)
    target = torch.tensor([1.0, 0.0, 0.0, 0.0]).reshape(1, 1, 1, 4)
    distance = torch.tensor([0.0, 1.0, 2.0, 41.0]).reshape(1, 1, 1, 4)
    extra = torch.tensor([1.0, 3.0, 1.0, 1.0]).reshape(1, 1, 1, 4)
    aware = torch.tensor([1.0, 1 + 1 / 255, 1 + 2 / 255, 1.0]).reshape(1, 1, 1, 4)
    expected = {
        "cb-ce": class_balanced_cross_entropy(logits, target, extra),
        "ba-ce": class_balanced_cross_entropy(logits, target, extra * aware),
        "nfl": normalised_focal_loss(logits, target, extra * aware),
    }
    for name, value in expected.items():
        assert training_loss(name, logits, target, distance, weight=extra).item() == pytest.approx(
            value.item()
        )
        both = training_loss(name, logits, target, distance, weight=extra, overlap=0.5)
        assert both.item() == pytest.approx(value.item() + 0.5 * soft_overlap_loss(logits, target).item())
    assert expected["ba-ce"] > expected["cb-ce"]
