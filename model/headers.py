"""What weights say of themselves, read without torch: checkpoints and heads."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.numpy import load

from model.errors import WeightsError
from model.networks import NetworkConfig, read_configuration

CHECKPOINT_FORMAT = "boundaryclick-1"
HEAD_FORMAT = "boundaryclick-head-1"
ABOUT = "about"
"""Of a head, a tensor of bytes rather than metadata, which can be read from files only."""

WEIGHTS_FOLDER = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class Origin:
    """Which weights these are.

    Attributes:
        name: file name without suffix.
        digest: first 8 hexadecimal digits of the file's SHA-256.
        training: how the weights were made, as the training run wrote it.
    """

    name: str
    digest: str
    training: dict[str, Any]

    @property
    def version(self) -> str:
        """Name and digest, as answers tell it."""
        return f"{self.name}-{self.digest}"


@dataclass(frozen=True)
class Header(Origin):
    """Of a checkpoint.

    Attributes:
        path: the file.
        config: of its networks.
    """

    path: Path
    config: NetworkConfig


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


def read_header(weights: str | Path) -> Header:
    """The header of weights by name or path.

    Raises:
        WeightsError: missing, damaged, or not a checkpoint of this version.
    """
    path = resolve_weights(weights)
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"weights {path}: expected a complete safetensors file, got a damaged one ({error}); copy it again"
        ) from error
    if metadata.get("format") != CHECKPOINT_FORMAT:
        raise WeightsError(
            f"weights {path}: expected a boundaryclick checkpoint ({CHECKPOINT_FORMAT}), got another kind of file"
        )
    try:
        config = read_configuration(metadata.get("configuration", ""))
        training: dict[str, Any] = json.loads(metadata.get("training", "{}"))
    except (ValueError, RecursionError) as error:  # the file may come from anybody
        raise unknown_configuration(path) from error
    return Header(path.stem, hashlib.sha256(path.read_bytes()).hexdigest()[:8], training, path, config)


def unknown_configuration(path: Path) -> WeightsError:
    """The error about weights that describe no network which this version can build."""
    return WeightsError(
        f"weights {path}: expected a network configuration of this version in its metadata, got another; "
        "use weights made by this version"
    )


def read_about(data: bytes, base: str, name: str) -> dict[str, Any]:
    """What a packed head says of itself: the digest of its `base` weights, its `training`.

    Args:
        data: from `model.heads.pack_head`.
        base: version of the weights whose selection network it is to run on.
        name: of the head's version, for messages.

    Raises:
        WeightsError: damaged, not a head, or trained on another selection network.
    """
    try:
        about = json.loads(bytes(load(data)[ABOUT]))
    except (SafetensorError, KeyError, ValueError, RecursionError) as error:
        raise WeightsError(f"head {name}: expected a complete head, got damaged data ({error})") from error
    if not isinstance(about, dict) or about.get("format") != HEAD_FORMAT or about.get("base") != base[-8:]:
        raise WeightsError(
            f"head {name}: expected one trained on {base}, got one for other weights; learn again"
        )
    return about
