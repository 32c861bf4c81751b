"""The two-stage networks: selection and refinement, and their named configurations."""

from model.networks.building import build_network
from model.networks.configurations import NetworkConfig, PaperConfig, configuration, read_configuration
from model.networks.two_stage import TwoStageNetwork

__all__ = [
    "NetworkConfig",
    "PaperConfig",
    "TwoStageNetwork",
    "build_network",
    "configuration",
    "read_configuration",
]
