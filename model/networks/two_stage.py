"""The whole network: selection and refinement under one name, as a checkpoint stores it."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from model.networks.configurations import NetworkConfig
from model.networks.refinement import RefinementHead
from model.networks.selection import SelectionNetwork

FEATURE_STRIDE = 4
SIZE_MULTIPLE = 32


class TwoStageNetwork(nn.Module):
    """Selection network and refinement head of one configuration."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.selection = SelectionNetwork(config.backbone, config.feature_channels)
        self.refinement = RefinementHead(config.feature_channels, config.head_channels)


def build_network(config: NetworkConfig) -> TwoStageNetwork:
    """An untrained network in the memory layout that convolutions run fastest with."""
    return TwoStageNetwork(config).to(memory_format=torch.channels_last)


def normalise_image(pixels: NDArray[np.uint8]) -> torch.Tensor:
    """(..., H, W, 3) uint8 RGB to (..., 3, H, W) float32 in [-1, 1], as the backbone was pretrained."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).movedim(-1, -3).float().div_(127.5).sub_(1.0)
