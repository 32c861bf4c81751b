"""Checkpoints: safetensors with the configuration and the history of the weights as metadata. Never pickle."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from model.errors import WeightsError
from model.headers import CHECKPOINT_FORMAT, Origin, read_header, unknown_configuration
from model.networks.building import build_network
from model.networks.two_stage import TwoStageNetwork


@dataclass(frozen=True)
class Checkpoint(Origin):
    """A network with its weights."""

    network: TwoStageNetwork


def save_checkpoint(path: Path, network: TwoStageNetwork, training: dict[str, Any]) -> None:
    """Write a network as float16 safetensors; replaces the file at once, so that a reader never meets half of it."""
    tensors = {
        name: value.detach().to("cpu", torch.float16).contiguous()
        for name, value in network.state_dict().items()
    }
    metadata = {
        "format": CHECKPOINT_FORMAT,
        "configuration": network.config.model_dump_json(),
        "training": json.dumps(training),
    }
    partial = path.with_name(path.name + ".part")
    save_file(tensors, partial, metadata=metadata)
    partial.replace(path)


def load_checkpoint(weights: str | Path, device: str = "cpu") -> Checkpoint:
    """Build the network that the file describes and fill it.

    Args:
        weights: name of shipped weights or path.

    Raises:
        WeightsError: missing, truncated, not a boundaryclick checkpoint, or tensors that do not fit.
    """
    header = read_header(weights)
    path = header.path
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 - not a mapping
        network = build_network(header.config)
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"weights {path}: expected a complete safetensors file, got a damaged one ({error}); copy it again"
        ) from error
    except (
        Exception
    ) as error:  # the file may come from anybody, and a network can fail to be built in many ways
        raise unknown_configuration(path) from error
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise WeightsError(
            f"weights {path}: expected the tensors of configuration {network.config.name!r}, got others; "
            "use weights made by this version"
        ) from error
    return Checkpoint(header.name, header.digest, header.training, network.to(device).eval())
