"""Heads on their own: the small part of a network that learns from one team's corrections, an adapter, too."""

import hashlib
import json
from typing import Any

import torch
from safetensors.torch import load, save

from model.checkpoints import Checkpoint
from model.errors import WeightsError
from model.headers import ABOUT, HEAD_FORMAT, read_about
from model.networks.adapter import Adapter
from model.networks.building import build_network
from model.networks.two_stage import TwoStageNetwork

_ADAPTER = "adapter."
"""Beginning of the names of an adapter's tensors, beside those of the head."""


def digest_of(data: bytes) -> str:
    """First 8 hexadecimal digits of a packed head's SHA-256, as in the name of its version."""
    return hashlib.sha256(data).hexdigest()[:8]


def pack_head(network: TwoStageNetwork, base: Checkpoint, training: dict[str, Any]) -> bytes:
    """The refinement head as float16 safetensors; the network's adapter, if it has one, with it, as float32.

    Args:
        base: the weights whose selection network the head was trained on.
        training: how it was made, to be read by people.
    """
    about = json.dumps({"format": HEAD_FORMAT, "base": base.digest, "training": training}, sort_keys=True)
    tensors = {
        name: value.detach().to("cpu", torch.float16).contiguous()
        for name, value in network.refinement.state_dict().items()
    }
    if network.adapter is not None:
        adapter = network.adapter.state_dict(prefix=_ADAPTER)
        tensors.update({name: value.detach().to("cpu", torch.float32) for name, value in adapter.items()})
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
    values = {name: value.float() for name, value in tensors.items()}
    if any(not torch.isfinite(value).all() for value in values.values()):
        raise WeightsError(f"head {name}: expected finite weights, got others; learn again")
    adapter = {name: values.pop(name) for name in tensors if name.startswith(_ADAPTER)}
    with torch.device("meta"):  # nothing but its shape is used of the second selection network
        network = build_network(base.network.config)
    network.selection = base.network.selection
    try:
        network.refinement.load_state_dict(values, assign=True)
        if adapter:
            network.adapter = _adapter_of(adapter, network.config.feature_channels)
    except RuntimeError as error:
        raise WeightsError(
            f"head {name}: expected the tensors of this release's head, got others; learn again"
        ) from error
    device = next(base.network.parameters()).device
    for part in (network.refinement, network.adapter):
        if part is not None:
            part.to(device).to(memory_format=torch.channels_last)
    return Checkpoint(name, digest_of(data), about.get("training", {}), network.eval())


def _adapter_of(tensors: dict[str, torch.Tensor], feature_channels: int) -> Adapter:
    """The adapter of these tensors; RuntimeError if they are not those of one."""
    adapter = Adapter(feature_channels)
    adapter.load_state_dict({name.removeprefix(_ADAPTER): value for name, value in tensors.items()})
    return adapter
