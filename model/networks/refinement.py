"""Refinement head: crop features and click maps to corrected logits (section 3.2).

The paper's head sees seven cells; a click on an error of forty cells cannot repair it. This one is a small U with the
whole crop in view. It starts as the identity: its last layer is zero, and what it returns is added to the logits before
the click.

Beside the maps it is told how much each place resembles the two sides of the newest click, the mask and the rest, so
that one click can say something about a region as large as looks alike.
"""

import torch
import torch.nn.functional as F
from torch import nn

from model.networks.layers import ChannelNorm, ConvNormAct
from model.networks.maps import GUIDANCE
from model.networks.parts import Head

KEY_CHANNELS = 16
DETAIL_CHANNELS = 16


class RefinementHead(Head):
    """U-shaped network over the crop grid, four levels deep."""

    def __init__(self, feature_channels: int, channels: int) -> None:
        super().__init__()
        c1, c2, c3, c4 = channels, channels * 2, channels * 3, channels * 4
        self.normalise = ChannelNorm(feature_channels)
        self.embed = nn.Conv2d(feature_channels, c1, 1)
        self.detail = nn.Sequential(
            nn.Conv2d(3, DETAIL_CHANNELS, 3, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(DETAIL_CHANNELS, c1, 3, stride=2, padding=1),
        )
        self.key = nn.Conv2d(c1, KEY_CHANNELS, 1)
        self.enter = ConvNormAct(c1 + len(GUIDANCE) + len(PROTOTYPES) + 1, c1)
        self.down = nn.ModuleList(
            nn.Sequential(nn.MaxPool2d(2), ConvNormAct(a, b), ConvNormAct(b, b))
            for a, b in ((c1, c2), (c2, c3), (c3, c4))
        )
        self.up = nn.ModuleList(ConvNormAct(a + b, b) for a, b in ((c4, c3), (c3, c2), (c2, c1)))
        self.leave = ConvNormAct(c1, c1)
        self.correct = nn.Conv2d(c1, 1, 1)
        nn.init.zeros_(self.correct.weight)
        nn.init.zeros_(self.correct.bias)  # type: ignore[arg-type]

    def prepare(self, features: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        """What depends on the crop alone; once per crop.

        Args:
            features: (B, C, h, w) float32, of the selection network.
            image: (B, 3, 4 h, 4 w) float32, RGB in [-1, 1]; edges that the features have lost.

        Returns:
            (B, c, h, w) float32.
        """
        embedded: torch.Tensor = self.embed(self.normalise(features)) + self.detail(image)
        return embedded

    def forward(self, prepared: torch.Tensor, guidance: torch.Tensor) -> torch.Tensor:
        """Correction to be added to the logits before the click.

        Args:
            prepared: (B, c, h, w) float32 from `prepare`; h and w multiples of 8.
            guidance: (B, len(GUIDANCE), h, w) float32 from `model.guidance.refinement_guidance`.

        Returns:
            (B, 1, h, w) float32.
        """
        alike = likeness(self.key(prepared), guidance)
        skips = [self.enter(torch.cat([prepared, guidance, alike], dim=1))]
        for down in self.down:
            skips.append(down(skips[-1]))
        x = skips.pop()
        for up in self.up:
            skip = skips.pop()
            x = F.interpolate(x, size=skip.shape[-2:], mode="bilinear", align_corners=False)
            x = up(torch.cat([x, skip], dim=1))
        correction: torch.Tensor = self.correct(self.leave(x)).float()
        return correction


PROTOTYPES = ("newest inside", "newest outside", "mask")
"""The maps over which keys are averaged; and, last, the background: what is not the mask."""


def likeness(keys: torch.Tensor, guidance: torch.Tensor) -> torch.Tensor:
    """Cosine of each place's key with the average key under each prototype map.

    Args:
        keys: (B, K, h, w).
        guidance: (B, len(GUIDANCE), h, w).

    Returns:
        (B, len(PROTOTYPES) + 1, h, w) float32 in [-1, 1]; zero for an empty map.
    """
    with torch.autocast(
        keys.device.type, enabled=False
    ):  # it would take the products in bfloat16 all the same
        return _likeness(keys.float(), guidance.float())


def _likeness(keys: torch.Tensor, guidance: torch.Tensor) -> torch.Tensor:
    maps = guidance[:, [GUIDANCE.index(name) for name in PROTOTYPES]]
    weights = torch.cat([maps, 1 - maps[:, -1:]], dim=1).flatten(2)
    flat = F.normalize(keys, dim=1).flatten(2)
    prototypes = F.normalize(torch.bmm(weights, flat.transpose(1, 2)), dim=2)
    return torch.bmm(prototypes, flat).reshape(keys.shape[0], -1, *keys.shape[-2:])
