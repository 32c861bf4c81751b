"""The paper's refinement head: three convolutions on features and clicks (section 3.2, Eq. 4)."""

import torch
from torch import nn

from model.networks.paper.selection import convolution
from model.networks.parts import Head


class PaperHead(Head):
    """C1(512 + maps, 512, 3), C2(512, 256, 3), C3(256, 256, 3) and a 1 x 1 convolution; it sees seven cells.

    Unlike the default head it is told neither the mask so far nor which click is the newest, and what it returns is the
    mask itself, not a correction.

    Args:
        feature_channels: 512 in the paper.
        channels: of the second and third convolution; 256 in the paper.
        maps: 1 for boundary clicks, 2 for positive and negative ones.
    """

    def __init__(self, feature_channels: int, channels: int, maps: int) -> None:
        super().__init__()
        self.normalise = nn.InstanceNorm2d(feature_channels)
        self.blocks = nn.Sequential(
            convolution(feature_channels + maps, feature_channels, 3),
            convolution(feature_channels, channels, 3),
            convolution(channels, channels, 3),
        )
        self.classify = nn.Conv2d(channels, 1, 1)

    def prepare(self, features: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        """Each channel normalised over the crop; raw features were found to be detrimental (section 3.2)."""
        normalised: torch.Tensor = self.normalise(features)
        return normalised

    def forward(self, prepared: torch.Tensor, guidance: torch.Tensor) -> torch.Tensor:
        """(B, 1, h, w) float32 logits; the arguments are those of `Head`, any h and w."""
        logits: torch.Tensor = self.classify(self.blocks(torch.cat([prepared, guidance], dim=1)))
        return logits.float()
