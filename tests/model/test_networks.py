import pytest
import timm
import torch

from model import WeightsError
from model.networks import configuration
from model.networks.backbone import Backbone, fold_batch_norm
from model.networks.building import build_network
from model.networks.maps import GUIDANCE
from model.networks.refinement import likeness
from model.networks.two_stage import TwoStageNetwork
from model.training.starting_weights import load_efficientnet_lite2


def test_folding_changes_nothing_but_the_layers():
    torch.manual_seed(0)
    model = timm.create_model("tf_efficientnet_lite0", features_only=True).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            torch.nn.init.uniform_(module.weight, 0.5, 2)
            torch.nn.init.normal_(module.bias)
    image = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        before = model(image)
        fold_batch_norm(model)
        after = model(image)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in model.modules())
    for a, b in zip(before, after, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-3 * a.abs().max().item())


def test_selection_answers_at_stride_four(tiny_network: TwoStageNetwork):
    with torch.inference_mode():
        output = tiny_network.selection(torch.zeros(2, 3, 64, 96), torch.zeros(2, 1, 64, 96))
    assert output.logits.shape == (2, 1, 16, 24)
    assert output.features.shape == (2, 16, 16, 24)


def test_selection_depends_on_where_the_click_is(tiny_network: TwoStageNetwork):
    torch.manual_seed(0)
    image, here, there = torch.randn(1, 3, 64, 64), torch.zeros(1, 1, 64, 64), torch.zeros(1, 1, 64, 64)
    here[..., 8, 8], there[..., 50, 50] = 1, 1
    with torch.inference_mode():
        assert not torch.equal(
            tiny_network.selection(image, here).logits, tiny_network.selection(image, there).logits
        )


def test_an_untrained_head_is_the_identity():
    network = build_network(configuration("tiny")).eval()
    with torch.inference_mode():
        prepared = network.refinement.prepare(torch.randn(1, 16, 32, 32), torch.randn(1, 3, 128, 128))
        correction = network.refinement(prepared, torch.randn(1, len(GUIDANCE), 32, 32))
    assert correction.shape == (1, 1, 32, 32)
    assert not correction.any()


def test_the_head_sees_the_whole_crop(tiny_network: TwoStageNetwork):
    head, size = tiny_network.refinement, 32
    guidance = torch.zeros(1, len(GUIDANCE), size, size, requires_grad=True)
    prepared = head.prepare(torch.randn(1, 16, size, size), torch.randn(1, 3, 4 * size, 4 * size))
    head(prepared, guidance)[0, 0, 0, 0].backward()
    reached = guidance.grad.abs().sum(dim=(0, 1)) > 0
    assert reached[-1, -1], "a click in one corner must be able to change the other"


def test_likeness_compares_each_place_with_the_marked_ones():
    keys, guidance = torch.zeros(1, 2, 2, 2), torch.zeros(1, len(GUIDANCE), 2, 2)
    keys[0, 0, 0], keys[0, 1, 1] = 3.0, 2.0  # the rows of the grid look different, whatever their scale
    guidance[0, GUIDANCE.index("newest inside"), 0, 0] = 1.0
    guidance[0, GUIDANCE.index("newest outside"), 1, 1] = 0.5
    guidance[0, GUIDANCE.index("mask"), :, 0] = 1.0
    inside, outside, mask, background = likeness(keys, guidance)[0]
    assert inside.tolist() == [[1.0, 1.0], [0.0, 0.0]]
    assert outside.tolist() == [[0.0, 0.0], [1.0, 1.0]]
    torch.testing.assert_close(mask, torch.full((2, 2), 0.5**0.5))
    torch.testing.assert_close(background, mask)


def test_without_clicks_nothing_resembles_them():
    alike = likeness(torch.randn(1, 4, 3, 3), torch.zeros(1, len(GUIDANCE), 3, 3))
    assert not alike[0, :3].any()
    assert alike[0, 3].any()


def test_unknown_configuration_is_named():
    with pytest.raises(WeightsError, match=r"default, paper, .*, tiny, got 'huge'"):
        configuration("huge")


def test_starting_weights_are_those_of_a_trained_classifier():
    backbone = Backbone("tf_efficientnet_lite2", in_channels=4)
    load_efficientnet_lite2(backbone)
    stem = backbone.body.conv_stem.weight
    assert not stem[:, 3].any(), "the click channel starts at zero"
    assert stem[:, :3].std() > 0.1
    with torch.inference_mode():
        features = backbone(torch.rand(1, 4, 64, 64) * 2 - 1)
    assert [f.shape[-1] for f in features] == [32, 16, 8, 4, 2]
    assert all(torch.isfinite(f).all() and f.std() > 0.01 for f in features)
