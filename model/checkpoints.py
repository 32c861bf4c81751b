"""Checkpoints: safetensors with the configuration and the history of the weights as metadata. Never pickle."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from model.errors import WeightsError
from model.networks import TwoStageNetwork, build_network, read_configuration

FORMAT = "boundaryclick-1"
WEIGHTS_FOLDER = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class Checkpoint:
    """A network with its weights.

    Attributes:
        name: file name without suffix.
        digest: first 8 hexadecimal digits of the file's SHA-256.
        training: how the weights were made, as the training run wrote it.
    """

    network: TwoStageNetwork
    name: str
    digest: str
    training: dict[str, Any]


def save_checkpoint(path: Path, network: TwoStageNetwork, training: dict[str, Any]) -> None:
    """Write a network as float16 safetensors; replaces the file at once, so that a reader never meets half of it."""
    tensors = {
        name: value.detach().to("cpu", torch.float16).contiguous()
        for name, value in network.state_dict().items()
    }
    metadata = {
        "format": FORMAT,
        "configuration": network.config.model_dump_json(),
        "training": json.dumps(training),
    }
    partial = path.with_name(path.name + ".part")
    save_file(tensors, partial, metadata=metadata)
    partial.replace(path)


def resolve_weights(weights: str | Path) -> Path:
    """The file of shipped weights by name (`default`) or of a path; WeightsError if there is none."""
    shipped = WEIGHTS_FOLDER / f"{weights}.safetensors"
    if isinstance(weights, str) and "/" not in weights and shipped.is_file():
        return shipped
    path = Path(weights)
    if not path.is_file():
        names = ", ".join(sorted(p.stem for p in WEIGHTS_FOLDER.glob("*.safetensors"))) or "none"
        raise WeightsError(
            f"weights: expected a file or the name of shipped weights ({names}), found nothing at {path}"
        )
    return path


def load_checkpoint(weights: str | Path, device: str = "cpu") -> Checkpoint:
    """Build the network that the file describes and fill it.

    Args:
        weights: name of shipped weights or path.

    Raises:
        WeightsError: missing, truncated, not a boundaryclick checkpoint, or tensors that do not fit.
    """
    path = resolve_weights(weights)
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"weights {path}: expected a complete safetensors file, got a damaged one ({error}); copy it again"
        ) from error
    if metadata.get("format") != FORMAT:
        raise WeightsError(
            f"weights {path}: expected a boundaryclick checkpoint ({FORMAT}), got another kind of file"
        )
    network, training = _network_of(path, metadata)
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise WeightsError(
            f"weights {path}: expected the tensors of configuration {network.config.name!r}, got others; "
            "use weights made by this version"
        ) from error
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    return Checkpoint(network.to(device).eval(), path.stem, digest, training)


def _network_of(path: Path, metadata: dict[str, str]) -> tuple[TwoStageNetwork, dict[str, Any]]:
    """The network that the metadata describe, without its weights, and how it was trained."""
    try:
        network = build_network(read_configuration(metadata.get("configuration", "")))
        training: dict[str, Any] = json.loads(metadata.get("training", "{}"))
    except (
        Exception
    ) as error:  # the file may come from anybody, and a network can fail to be built in many ways
        raise WeightsError(
            f"weights {path}: expected a network configuration of this version in its metadata, got another; "
            "use weights made by this version"
        ) from error
    return network, training
