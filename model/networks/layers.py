"""Building blocks that the networks share."""

import torch
from torch import nn


class ConvNormAct(nn.Sequential):
    """k x k convolution, GroupNorm, ReLU. GroupNorm, because the head is fine-tuned on a handful of masks."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 3) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, bias=False),
            nn.GroupNorm(8 if out_channels % 8 == 0 else 1, out_channels),
            nn.ReLU(inplace=True),
        )


class ChannelNorm(nn.Module):
    """Normalisation over the channels at each position (section 3.2: needed before the head)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) to the same."""
        normalised: torch.Tensor = self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return normalised
