"""The whole network: selection and refinement under one name, as a checkpoint stores it."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from model.networks.adapter import Adapter
from model.networks.configurations import NetworkConfig
from model.networks.parts import Head, Selection


class TwoStageNetwork(nn.Module):
    """Selection network and refinement head of one configuration.

    Attributes:
        adapter: corrects what is selected on pictures that a team has taught; None, and in no checkpoint, else.
    """

    adapter: Adapter | None

    def __init__(self, config: NetworkConfig, selection: Selection, refinement: Head) -> None:
        super().__init__()
        self.config = config
        self.selection = selection
        self.refinement = refinement
        self.adapter = None


def normalise_image(pixels: NDArray[np.uint8]) -> torch.Tensor:
    """(..., H, W, 3) uint8 RGB to (..., 3, H, W) float32 in [-1, 1], as the backbone was pretrained."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).movedim(-1, -3).float().div_(127.5).sub_(1.0)
