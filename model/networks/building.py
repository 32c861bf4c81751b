"""From a configuration to an untrained network: which parts belong to which kind of configuration."""

from collections.abc import Callable
from typing import Any

import torch

from model.networks.configurations import NetworkConfig, PaperConfig
from model.networks.paper.refinement import PaperHead
from model.networks.paper.selection import PaperSelection
from model.networks.parts import Head, Selection
from model.networks.refinement import RefinementHead
from model.networks.selection import SelectionNetwork
from model.networks.two_stage import TwoStageNetwork


def _default_parts(config: NetworkConfig) -> tuple[Selection, Head]:
    return (
        SelectionNetwork(config.backbone, config.feature_channels),
        RefinementHead(config.feature_channels, config.head_channels),
    )


def _paper_parts(config: PaperConfig) -> tuple[Selection, Head]:
    return (
        PaperSelection(config.backbone, config.feature_channels, config.coarsest),
        PaperHead(config.feature_channels, config.head_channels, len(config.roles) - 1),
    )


_PARTS: dict[type[NetworkConfig], Callable[[Any], tuple[Selection, Head]]] = {
    NetworkConfig: _default_parts,
    PaperConfig: _paper_parts,
}


def build_network(config: NetworkConfig) -> TwoStageNetwork:
    """An untrained network in the memory layout that convolutions run fastest with."""
    network = TwoStageNetwork(config, *_PARTS[type(config)](config))
    return network.to(memory_format=torch.channels_last)
