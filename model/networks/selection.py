"""Selection network: image and selection click to a mask and the features that the head reuses (section 3.1)."""

import torch
import torch.nn.functional as F
from torch import nn

from model.networks.backbone import Backbone
from model.networks.layers import ConvNormAct
from model.networks.parts import Selection, SelectionOutput


class PooledContext(nn.Module):
    """Adds averages over 1, 2 x 2 and 4 x 4 regions, so that each position knows the whole (PSP, section 3.1)."""

    def __init__(self, in_channels: int, out_channels: int, bins: tuple[int, ...] = (1, 2, 4)) -> None:
        super().__init__()
        self.bins = bins
        self.reduce = nn.ModuleList(nn.Conv2d(in_channels, out_channels // 4, 1) for _ in bins)
        self.merge = ConvNormAct(in_channels + len(bins) * (out_channels // 4), out_channels, kernel=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, in, h, w) to (B, out, h, w)."""
        size = x.shape[-2:]
        pooled = [
            F.interpolate(
                F.relu(reduce(F.adaptive_avg_pool2d(x, bins))),
                size=size,
                mode="bilinear",
                align_corners=False,
            )
            for bins, reduce in zip(self.bins, self.reduce, strict=True)
        ]
        merged: torch.Tensor = self.merge(torch.cat([x, *pooled], dim=1))
        return merged


class SelectionNetwork(Selection):
    """Backbone with the click map as fourth input channel, pyramid decoder to stride 4, one logit."""

    def __init__(self, backbone: str, channels: int) -> None:
        super().__init__()
        self.backbone = Backbone(backbone, in_channels=4)
        at4, at8, at16, at32 = self.backbone.channels[1:]
        self.context = PooledContext(at32, channels)
        self.lateral = nn.ModuleList(nn.Conv2d(c, channels, 1) for c in (at16, at8, at4))
        self.smooth = nn.ModuleList(ConvNormAct(channels, channels) for _ in range(3))
        self.finish = ConvNormAct(channels, channels)
        self.classify = nn.Conv2d(channels, 1, 1)

    def forward(self, image: torch.Tensor, guidance: torch.Tensor) -> SelectionOutput:
        """As `Selection`; logits and features at stride 4."""
        _, at4, at8, at16, at32 = self.backbone(torch.cat([image, guidance], dim=1))
        x = self.context(at32)
        for lateral, smooth, skip in zip(self.lateral, self.smooth, (at16, at8, at4), strict=True):
            x = F.interpolate(x, size=skip.shape[-2:], mode="bilinear", align_corners=False)
            x = smooth(x + lateral(skip))
        features = self.finish(x)
        return SelectionOutput(self.classify(features).float(), features.float())
