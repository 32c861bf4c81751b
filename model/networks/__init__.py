"""The two-stage networks: selection and refinement, and their named configurations; these alone need no torch."""

from model.networks.configurations import NetworkConfig, PaperConfig, configuration, read_configuration

__all__ = ["NetworkConfig", "PaperConfig", "configuration", "read_configuration"]
