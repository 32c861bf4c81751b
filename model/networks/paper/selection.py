"""The paper's selection network: dilated backbone, pyramid pooling, one logit (section 3.1)."""

import torch
import torch.nn.functional as F
from torch import nn

from model.networks.paper.backbone import dilated_backbone
from model.networks.parts import Selection, SelectionOutput

BINS = (1, 2, 3, 6)
"""Regions per side that the pyramid pools over (Zhao et al., "Pyramid Scene Parsing Network", 2017)."""


def convolution(in_channels: int, out_channels: int, kernel: int) -> nn.Sequential:
    """k x k convolution, batch normalisation, ReLU: C(m, n, k) of Eq. 4."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


class PyramidPooling(nn.Module):
    """Averages over regions of four sizes beside the features, merged by a 3 x 3 convolution."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.reduce = nn.ModuleList(convolution(in_channels, out_channels, 1) for _ in BINS)
        self.merge = convolution(in_channels + len(BINS) * out_channels, out_channels, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, in, h, w) to (B, out, h, w)."""
        size = x.shape[-2:]
        pooled = [
            F.interpolate(
                reduce(F.adaptive_avg_pool2d(x, bins)), size=size, mode="bilinear", align_corners=False
            )
            for bins, reduce in zip(BINS, self.reduce, strict=True)
        ]
        merged: torch.Tensor = self.merge(torch.cat([x, *pooled], dim=1))
        return merged


class PaperSelection(Selection):
    """DeepLab-v2 with the click map as fourth input channel; it returns its features beside the logit.

    Args:
        backbone, coarsest: as for `dilated_backbone`.
        channels: of the features.
    """

    def __init__(self, backbone: str, channels: int, coarsest: int = 32) -> None:
        super().__init__()
        trunk = dilated_backbone(backbone, coarsest)
        self.backbone = trunk
        self.context = PyramidPooling(trunk.channels[-1], channels)
        self.classify = nn.Conv2d(channels, 1, 1)

    def forward(self, image: torch.Tensor, guidance: torch.Tensor) -> SelectionOutput:
        """As `Selection`; logits and features at stride 8."""
        deepest = self.backbone(torch.cat([image, guidance], dim=1))[-1]
        features = self.context(deepest)
        return SelectionOutput(self.classify(features).float(), features.float())
