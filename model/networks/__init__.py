"""The two-stage network: selection and refinement, and its named configurations."""

from model.networks.configurations import NetworkConfig, configuration
from model.networks.two_stage import TwoStageNetwork, build_network

__all__ = ["NetworkConfig", "TwoStageNetwork", "build_network", "configuration"]
