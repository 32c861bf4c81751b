"""What the two parts of every network take and give."""

from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class SelectionOutput:
    """`logits`: (B, 1, h, w) float32. `features`: (B, C, h, w) float32, at a fraction of the image's size."""

    logits: torch.Tensor
    features: torch.Tensor


class Selection(nn.Module):
    """Image and selection click to a mask and the features that the head reuses (section 3.1).

    Attributes:
        backbone: what starts from weights of a classifier.
    """

    backbone: nn.Module

    def forward(self, image: torch.Tensor, guidance: torch.Tensor) -> SelectionOutput:
        """Select an object.

        Args:
            image: (B, 3, H, W) float32, RGB in [-1, 1]; H and W multiples of 32.
            guidance: (B, 1, H, W) float32 in [0, 1], Gaussian at the selection click.
        """
        raise NotImplementedError


class Head(nn.Module):
    """Features of a crop and click maps to logits (section 3.2); `prepare` once per crop, then a call per click."""

    def prepare(self, features: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        """What depends on the crop alone, (B, c, h, w) float32.

        Args:
            features: (B, C, h, w) float32, of the selection network.
            image: (B, 3, H, W) float32, RGB in [-1, 1], what the features are of.
        """
        raise NotImplementedError

    def forward(self, prepared: torch.Tensor, guidance: torch.Tensor) -> torch.Tensor:
        """(B, 1, h, w) float32 logits, or a correction to them.

        Args:
            prepared: (B, c, h, w) float32 from `prepare`.
            guidance: (B, G, h, w) float32, the maps that this head is told of clicks.
        """
        raise NotImplementedError
