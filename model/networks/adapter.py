"""What a team's pictures teach of selecting: the selection's logits corrected, on pictures of the team's kind alone."""

import torch
import torch.nn.functional as F
from torch import nn

from model.logits import LIMIT, TRUST
from model.networks.layers import ChannelNorm

CHANNELS = 32
DILATIONS = (1, 2, 4)
"""Of the convolutions that look around, in cells of the features."""

LEAST_SPREAD = 1e-3
"""What does not vary among the pictures that a gate was fitted on decides nothing."""

SHARPNESS = 4.0
"""The gate's logits are multiplied by this: hardly a picture is half of the kind."""


class Gate(nn.Module):
    """Whether a picture is of the kind that was learnt: a logistic regression on what its features are like."""

    mean: torch.Tensor
    spread: torch.Tensor

    def __init__(self, feature_channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(2 * feature_channels))
        self.register_buffer("spread", torch.ones(2 * feature_channels))
        self.decide = nn.Linear(2 * feature_channels, 1)

    @staticmethod
    def describe(features: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) to (B, 2 C): mean and standard deviation of each channel."""
        mean = features.mean(dim=(2, 3))
        variance = (features - mean[:, :, None, None]).square().mean(dim=(2, 3))
        return torch.cat([mean, variance.sqrt()], dim=1)

    def logit(self, description: torch.Tensor) -> torch.Tensor:
        """(B, 2 C) from `describe` to (B,), positive for the kind that was learnt."""
        decided: torch.Tensor = self.decide((description - self.mean) / self.spread.clamp_min(LEAST_SPREAD))
        return decided[:, 0]

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) to (B,) in [0, 1]."""
        return torch.sigmoid(SHARPNESS * self.logit(self.describe(features)))


class Adapter(nn.Module):
    """A small network on the features of a selection, behind a gate; new ones change no mask."""

    def __init__(self, feature_channels: int) -> None:
        super().__init__()
        self.gate = Gate(feature_channels)
        self.normalise = ChannelNorm(feature_channels)
        self.embed = nn.Conv2d(feature_channels + 1, CHANNELS, 1)
        self.look = nn.ModuleList(
            nn.Conv2d(CHANNELS, CHANNELS, 3, padding=dilation, dilation=dilation) for dilation in DILATIONS
        )
        self.correct = nn.Conv2d(CHANNELS, 1, 1)
        nn.init.zeros_(self.correct.weight)
        nn.init.zeros_(self.correct.bias)  # type: ignore[arg-type]

    def forward(self, features: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        """The logits of a selection, corrected as far as the gate is open.

        Args:
            features: (B, C, h, w) float32; logits: (B, 1, h, w) float32, both of the selection network.

        Returns:
            (B, 1, h, w) float32.
        """
        known = self.gate(features)[:, None, None, None]
        adapted: torch.Tensor = logits + known * (self.corrected(features, logits) - logits)
        return adapted

    def corrected(self, features: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        """As `forward` with the gate wide open; what was sure before can be turned."""
        so_far = logits.clamp(-LIMIT, LIMIT) / TRUST
        x = F.relu(self.embed(torch.cat([self.normalise(features), so_far], dim=1)))
        for layer in self.look:
            x = x + F.relu(layer(x))
        corrected: torch.Tensor = logits.clamp(-TRUST, TRUST) + self.correct(x)
        return corrected
