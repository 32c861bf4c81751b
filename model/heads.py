"""Heads on their own: the small part of a network that learns from one team's corrections."""

import hashlib
import json
from typing import Any

import torch
from safetensors.torch import load, save

from model.checkpoints import Checkpoint
from model.errors import WeightsError
from model.headers import ABOUT, HEAD_FORMAT, read_about
from model.networks.building import build_network
from model.networks.two_stage import TwoStageNetwork


def digest_of(data: bytes) -> str:
    """First 8 hexadecimal digits of a packed head's SHA-256, as in the name of its version."""
    return hashlib.sha256(data).hexdigest()[:8]


def pack_head(network: TwoStageNetwork, base: Checkpoint, training: dict[str, Any]) -> bytes:
    """The refinement head as float16 safetensors.

    Args:
        base: the weights whose selection network the head was trained on.
        training: how it was made, to be read by people.
    """
    about = json.dumps({"format": HEAD_FORMAT, "base": base.digest, "training": training}, sort_keys=True)
    tensors = {
        name: value.detach().to("cpu", torch.float16).contiguous()
        for name, value in network.refinement.state_dict().items()
    }
    if any(not torch.isfinite(value).all() for value in tensors.values()):
        raise WeightsError(
            "head: expected finite weights, got others; the training has diverged, learn again"
        )
    tensors[ABOUT] = torch.frombuffer(bytearray(about.encode()), dtype=torch.uint8)
    return save(tensors)


def unpack_head(data: bytes, base: Checkpoint, name: str) -> Checkpoint:
    """The network that answers with this head; its selection network is the one of `base`, not a copy.

    Raises:
        WeightsError: damaged, not a head, or trained on another selection network.
    """
    about = read_about(data, base.version, name)
    tensors = load(data)
    del tensors[ABOUT]
    with torch.device("meta"):  # nothing but its shape is used of the second selection network
        network = build_network(base.network.config)
    network.selection = base.network.selection
    try:
        network.refinement.load_state_dict({k: v.float() for k, v in tensors.items()}, assign=True)
    except RuntimeError as error:
        raise WeightsError(
            f"head {name}: expected the tensors of this release's head, got others; learn again"
        ) from error
    device = next(base.network.parameters()).device
    network.refinement.to(device).to(memory_format=torch.channels_last)
    return Checkpoint(name, digest_of(data), about.get("training", {}), network.eval())
