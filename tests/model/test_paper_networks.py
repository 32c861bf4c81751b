"""The paper's networks: sizes of section 3, coordinates of the crop, starting weights."""

import logging
from pathlib import Path

import pytest
import torch
from torchvision.models.resnet import Bottleneck, ResNet

from model.errors import SettingsError, WeightsError
from model.networks import configuration, read_configuration
from model.networks.building import build_network
from model.networks.paper.backbone import RESNETS, DilatedResNet, dilated_backbone
from model.networks.paper.crops import aligned_region, naive_region
from model.networks.paper.refinement import PaperHead
from model.networks.paper.selection import PyramidPooling
from model.training import starting_weights
from model.training.starting_weights import load_imagenet, load_resnet


@pytest.fixture(scope="module")
def resnet() -> DilatedResNet:
    torch.manual_seed(0)
    return DilatedResNet(RESNETS["resnet14"]).eval()


def test_the_configuration_has_the_paper_s_constants():
    paper = configuration("paper")
    assert (paper.backbone, paper.feature_channels, paper.head_channels) == ("resnet101", 512, 256)
    assert (paper.guidance_sigma, paper.crop_threshold) == (10.0, 0.001)
    assert paper.roles == ("select", "boundary")
    assert RESNETS["resnet101"] == (3, 4, 23, 3)


@pytest.mark.parametrize(("name", "maps"), [("paper", 1), ("paper-pnr", 2)])
def test_the_head_is_that_of_equation_4(name: str, maps: int):
    config = configuration(name)
    head = PaperHead(config.feature_channels, config.head_channels, len(config.roles) - 1)
    convolutions = [m for m in head.modules() if isinstance(m, torch.nn.Conv2d)]
    assert [(c.in_channels, c.out_channels, c.kernel_size[0]) for c in convolutions] == [
        (512 + maps, 512, 3),
        (512, 256, 3),
        (256, 256, 3),
        (256, 1, 1),
    ]
    assert sum(isinstance(m, torch.nn.BatchNorm2d) for m in head.modules()) == 3


def test_a_checkpoint_s_configuration_is_read_back_as_its_own_kind():
    for name in ("default", "paper", "paper-pnr", "paper-naive", "paper-small"):
        config = configuration(name)
        again = read_configuration(config.model_dump_json())
        assert again == config
        assert type(again) is type(config)


def test_dilation_keeps_stride_eight(resnet: DilatedResNet):
    with torch.inference_mode():
        (features,) = resnet(torch.zeros(1, 4, 64, 96))
    assert features.shape == (1, 2048, 8, 12)
    dilations = {m.dilation for m in resnet.body.layer4.modules() if isinstance(m, torch.nn.Conv2d)}
    assert (2, 2) in dilations


def test_pixels_are_scaled_as_torchvision_s_weights_expect(resnet: DilatedResNet):
    seen = []
    handle = resnet.body.conv1.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0]))
    with torch.inference_mode():
        resnet(torch.ones(1, 4, 32, 32))  # white, in [-1, 1]
    handle.remove()
    expected = [(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225, 1.0]
    assert seen[0][0, :, 5, 5].tolist() == pytest.approx(expected, rel=1e-5)


def test_torchvision_s_weights_fit_and_the_click_channel_starts_at_zero(
    resnet: DilatedResNet, tmp_path: Path
):
    torch.manual_seed(1)
    torch.save(ResNet(Bottleneck, list(RESNETS["resnet14"])).state_dict(), tmp_path / "resnet.pth")
    backbone = DilatedResNet(RESNETS["resnet14"])
    load_resnet(backbone, "unused", tmp_path / "resnet.pth")
    state = torch.load(tmp_path / "resnet.pth", weights_only=True)
    assert torch.equal(backbone.body.conv1.weight[:, :3], state["conv1.weight"])
    assert not backbone.body.conv1.weight[:, 3].any()
    assert torch.equal(backbone.body.layer4[0].conv2.weight, state["layer4.0.conv2.weight"])
    with pytest.raises(WeightsError, match="torchvision's ResNet of the configuration"):
        load_resnet(DilatedResNet((1, 2, 1, 1)), "unused", tmp_path / "resnet.pth")
    (tmp_path / "no.pth").write_bytes(b"no weights")
    with pytest.raises(WeightsError, match=r"no\.pth: expected torchvision's weights"):
        load_resnet(backbone, "unused", tmp_path / "no.pth")


def test_without_weights_it_is_said_clearly_and_starts_from_scratch(
    resnet: DilatedResNet, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    before = resnet.body.conv1.weight.clone()
    with caplog.at_level(logging.WARNING, starting_weights.__name__):
        load_resnet(resnet, "http://127.0.0.1:1/resnet101-00000000.pth", None)
    assert "STARTS FROM SCRATCH" in caplog.text
    assert "--start imagenet:FILE" in caplog.text
    assert torch.equal(resnet.body.conv1.weight, before)


def test_a_file_for_a_backbone_that_takes_none_is_refused():
    with pytest.raises(SettingsError, match="resnet101"):
        load_imagenet("tf_efficientnet_lite0", torch.nn.Identity(), Path("some.pth"))


def test_the_pyramid_knows_the_whole_at_every_place():
    torch.manual_seed(0)
    pooling = PyramidPooling(4, 8).eval()
    x = torch.randn(1, 4, 12, 12, requires_grad=True)
    pooling(x)[0, :, 0, 0].sum().backward()
    assert x.grad[0, :, -1, -1].abs().sum() > 0


def test_roi_align_samples_the_middle_of_each_cell():
    """On a ramp, a bilinear sample is its own coordinate: feature cell i has its middle at 8 i + 4 network pixels."""
    middles = torch.arange(8) * 8.0 + 4
    ramp = torch.stack([middles.expand(8, 8), middles[:, None].expand(8, 8)])[None]
    region = aligned_region((10.0, 20.0, 34.0, 52.0), (64, 64), 8, 4)
    sampled = region.sample(ramp, 8)
    assert sampled[0, 0, 0].tolist() == pytest.approx([13.0, 19.0, 25.0, 31.0])  # cells of 6 px, from 10 on
    assert sampled[0, 1, :, 0].tolist() == pytest.approx([24.0, 32.0, 40.0, 48.0])  # of 8 px, from 20 on
    fine = region.sample(ramp, 8, fine=True)
    assert fine.shape == (1, 2, 16, 16)
    assert fine[0, 0, 0, :3].tolist() == pytest.approx([10.75, 12.25, 13.75])


def test_the_naive_crop_is_a_slice_of_the_features():
    features = torch.randn(1, 3, 8, 8)
    region = naive_region((10.0, 20.0, 34.0, 52.0), (64, 64), 8, 99)
    assert region.edges == (8.0, 16.0, 40.0, 56.0)
    assert torch.equal(region.sample(features, 8), features[:, :, 2:7, 1:5])
    pixels = torch.randn(1, 1, 64, 64)
    assert torch.equal(region.sample(pixels, 1, fine=True), pixels[:, :, 16:56, 8:40])


def test_a_naive_crop_at_the_edge_stays_inside_and_has_two_cells_at_least():
    region = naive_region((63.0, -5.0, 64.0, 1.0), (64, 64), 8, 99)
    assert region.edges == (48.0, 0.0, 64.0, 16.0)
    assert (region.rows, region.columns) == (2, 2)


def test_features_are_normalised_channel_by_channel():
    head = PaperHead(2, 4, 1)
    features = torch.randn(1, 2, 5, 5) * torch.tensor([3.0, 100.0])[:, None, None] + 7
    prepared = head.prepare(features, features)
    torch.testing.assert_close(prepared.mean(dim=(2, 3)), torch.zeros(1, 2), atol=1e-4, rtol=0)
    torch.testing.assert_close(prepared.std(dim=(2, 3), unbiased=False), torch.ones(1, 2), atol=1e-3, rtol=0)


def test_without_its_last_stages_a_backbone_sees_the_same_at_stride_16():
    torch.manual_seed(0)
    whole, short = (dilated_backbone("tf_efficientnet_lite0", coarsest).eval() for coarsest in (32, 16))
    state = whole.state_dict()
    short.load_state_dict({key: state[key] for key in short.state_dict()})
    with torch.inference_mode():
        image = torch.randn(1, 4, 64, 96)
        levels, kept = whole(image), short(image)
    assert (whole.channels, short.channels) == ((16, 24, 40, 112, 320), (16, 24, 40, 112))
    assert kept[-1].shape == (1, 112, 8, 12), "dilated to stride 8"
    torch.testing.assert_close(kept, levels[:4])
    assert len(short.state_dict()) < len(state)


def test_the_small_network_starts_from_the_same_package_as_the_default_one():
    network = build_network(configuration("paper-small"))
    load_imagenet("tf_efficientnet_lite2", network.selection.backbone)
    stem = network.selection.backbone.body.conv_stem.weight
    assert not stem[:, 3].any()
    assert stem[:, :3].std() > 0.1
