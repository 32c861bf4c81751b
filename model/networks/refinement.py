"""Refinement head: crop features and click maps to corrected logits (section 3.2).

The paper's head sees seven cells; a click on an error of forty cells cannot repair it. This one is a small U with the
whole crop in view. It starts as the identity: its last layer is zero, and what it returns is added to the logits before
the click.
"""

import torch
import torch.nn.functional as F
from torch import nn

from model.networks.layers import ChannelNorm, ConvNormAct

GUIDANCE_CHANNELS = 6


class RefinementHead(nn.Module):
    """U-shaped network over the crop grid, four levels deep."""

    def __init__(self, feature_channels: int, channels: int) -> None:
        super().__init__()
        c1, c2, c3, c4 = channels, channels * 2, channels * 3, channels * 4
        self.normalise = ChannelNorm(feature_channels)
        self.embed = nn.Conv2d(feature_channels, c1, 1)
        self.enter = ConvNormAct(c1 + GUIDANCE_CHANNELS, c1)
        self.down = nn.ModuleList(
            nn.Sequential(nn.MaxPool2d(2), ConvNormAct(a, b), ConvNormAct(b, b))
            for a, b in ((c1, c2), (c2, c3), (c3, c4))
        )
        self.up = nn.ModuleList(ConvNormAct(a + b, b) for a, b in ((c4, c3), (c3, c2), (c2, c1)))
        self.leave = ConvNormAct(c1, c1)
        self.correct = nn.Conv2d(c1, 1, 1)
        nn.init.zeros_(self.correct.weight)
        nn.init.zeros_(self.correct.bias)  # type: ignore[arg-type]

    def prepare(self, features: torch.Tensor) -> torch.Tensor:
        """What depends on the crop alone: (B, C, h, w) selection features to (B, c, h, w); once per crop."""
        embedded: torch.Tensor = self.embed(self.normalise(features))
        return embedded

    def forward(self, prepared: torch.Tensor, guidance: torch.Tensor) -> torch.Tensor:
        """Correction to be added to the logits before the click.

        Args:
            prepared: (B, c, h, w) float32 from `prepare`; h and w multiples of 8.
            guidance: (B, GUIDANCE_CHANNELS, h, w) float32 from `model.guidance.refinement_guidance`.

        Returns:
            (B, 1, h, w) float32.
        """
        skips = [self.enter(torch.cat([prepared, guidance], dim=1))]
        for down in self.down:
            skips.append(down(skips[-1]))
        x = skips.pop()
        for up in self.up:
            skip = skips.pop()
            x = F.interpolate(x, size=skip.shape[-2:], mode="bilinear", align_corners=False)
            x = up(torch.cat([x, skip], dim=1))
        correction: torch.Tensor = self.correct(self.leave(x)).float()
        return correction
