"""Dilated ResNet of DeepLab-v2: torchvision's, with strides 16 and 32 replaced by dilation (section 3.1)."""

from typing import Any, cast

import torch
from torch import nn
from torchvision.models.resnet import Bottleneck, ResNet

from model.networks.backbone import STRIDES, Backbone

STRIDE = 8
"""Of the features, in pixels of the network's input."""

RESNETS: dict[str, tuple[int, int, int, int]] = {
    "resnet101": (3, 4, 23, 3),
    "resnet50": (3, 4, 6, 3),
    "resnet14": (1, 1, 1, 1),
}
"""Blocks of each of the four stages; `resnet14` is for tests."""

IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of RGB in [0, 1], as torchvision's weights were trained with."""


class DilatedResNet(nn.Module):
    """A (B, 4, H, W) input, RGB in [-1, 1] and a click map, to features at stride 8."""

    def __init__(self, blocks: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.body = ResNet(Bottleneck, list(blocks), replace_stride_with_dilation=[False, True, True])
        self.channels = (int(self.body.fc.in_features),)
        self.body.fc = nn.Identity()
        self.body.conv1 = nn.Conv2d(4, 64, 7, stride=2, padding=3, bias=False)
        nn.init.kaiming_normal_(self.body.conv1.weight, mode="fan_out", nonlinearity="relu")
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN)[:, None, None], persistent=False)
        self.register_buffer("deviation", torch.tensor(IMAGENET_DEVIATION)[:, None, None], persistent=False)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """(B, 4, H, W) float32 to one (B, C, H / 8, W / 8)."""
        rgb = ((x[:, :3] + 1) / 2 - self.get_buffer("mean")) / self.get_buffer("deviation")
        x = torch.cat([rgb, x[:, 3:]], dim=1)
        body = self.body
        x = body.maxpool(body.relu(body.bn1(body.conv1(x))))
        return [body.layer4(body.layer3(body.layer2(body.layer1(x))))]


class DilatedEfficientNet(Backbone):
    """A timm EfficientNet at stride 8, without the stages beyond stride `coarsest`, which cost most when dilated."""

    def __init__(self, name: str, coarsest: int) -> None:
        super().__init__(name, in_channels=4, output_stride=STRIDE)
        kept, body = STRIDES.index(coarsest) + 1, cast(Any, self.body)
        body.blocks = body.blocks[: body.feature_info[kept - 1]["stage"]]
        self.channels = self.channels[:kept]


def dilated_backbone(name: str, coarsest: int = 32) -> DilatedResNet | DilatedEfficientNet:
    """One of `RESNETS`, or a timm EfficientNet; the deepest features come last.

    Args:
        coarsest: stride, before dilation, of the last stage of an EfficientNet that is kept; 16 or 32.
    """
    if name in RESNETS:
        return DilatedResNet(RESNETS[name])
    return DilatedEfficientNet(name, coarsest)
