"""Named network configurations. A checkpoint carries its own, so that old weights go on working."""

import json
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from model.clicks import Role
from model.errors import WeightsError


class NetworkConfig(BaseModel):
    """What is needed to build a network and to run it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="name of the configuration")
    backbone: str = Field(
        pattern=r"^[a-z0-9_]+$", description="timm model with features at strides 4, 8, 16 and 32; no hub"
    )
    feature_channels: PositiveInt = Field(
        description="channels of the selection features that the head reuses"
    )
    head_channels: PositiveInt = Field(
        description="channels of the head at its finest level; doubled at the coarser ones"
    )
    select_size: PositiveInt = Field(
        description="long side of the whole image in the selection pass, network pixels"
    )
    crop_size: PositiveInt = Field(description="side of the square crop in the zoom pass, network pixels")
    guidance_sigma: PositiveFloat = Field(
        description="of the click Gaussians, network pixels (the paper's is 10)"
    )
    crop_threshold: float = Field(
        gt=0, lt=1, description="probability above which a pixel belongs to the crop"
    )
    crop_padding: float = Field(ge=0, le=2, description="added on each side of the crop, in crop sides")

    @property
    def roles(self) -> tuple[Role, ...]:
        """Of the clicks that the network takes, the selection first."""
        return ("select", "boundary")


class PaperConfig(NetworkConfig):
    """One of the paper's own networks (section 3), or the same at a smaller scale.

    `head_channels` are those of the head's second and third convolution, its first has `feature_channels`; `crop_size`
    is four times the side of RoIAlign's grid, on which the paper is silent.
    """

    architecture: Literal["paper"] = "paper"
    backbone: str = Field(
        pattern=r"^[a-z0-9_]+$",
        description="one of torchvision's ResNets, or a timm model that can be dilated",
    )
    coarsest: Literal[16, 32] = Field(
        default=32,
        description="stride, before dilation to 8, of the last stage of an EfficientNet that is kept",
    )
    refinement: Literal["boundary", "central"] = Field(
        default="boundary",
        description="clicks on the outline (BCR), or positive and negative ones in the middle of errors (PNR)",
    )
    crop: Literal["roi-align", "naive"] = Field(
        default="roi-align", description="a fixed grid for every crop, or the feature cells as they are"
    )

    @property
    def roles(self) -> tuple[Role, ...]:
        """Of the clicks that the network takes, the selection first."""
        clicks: dict[str, tuple[Role, ...]] = {"boundary": ("boundary",), "central": ("positive", "negative")}
        return ("select", *clicks[self.refinement])


_PAPER = PaperConfig(
    name="paper",
    backbone="resnet101",
    feature_channels=512,
    head_channels=256,
    select_size=512,
    crop_size=256,
    guidance_sigma=10.0,
    crop_threshold=0.001,
    crop_padding=0.1,
)
_PAPER_SMALL = {
    "name": "paper-small",
    "backbone": "tf_efficientnet_lite2",
    "coarsest": 16,
    "feature_channels": 96,
    "head_channels": 48,
    "select_size": 192,
    "crop_size": 96,
}
_PAPER_TINY = {
    "name": "paper-tiny",
    "backbone": "tf_efficientnet_lite0",
    "feature_channels": 16,
    "head_channels": 8,
    "select_size": 96,
    "crop_size": 64,
}


def _variants(paper: PaperConfig) -> tuple[PaperConfig, ...]:
    """The network itself, with positive and negative clicks (section 4.3), and with the naive crop (section 3.2)."""
    return (
        paper,
        paper.model_copy(update={"name": f"{paper.name}-pnr", "refinement": "central"}),
        paper.model_copy(update={"name": f"{paper.name}-naive", "crop": "naive"}),
    )


_CONFIGURATIONS: dict[str, NetworkConfig] = {
    config.name: config
    for config in (
        NetworkConfig(
            name="default",
            backbone="tf_efficientnet_lite2",
            feature_channels=96,
            head_channels=32,
            select_size=320,
            crop_size=320,
            guidance_sigma=10.0,
            crop_threshold=0.2,
            crop_padding=0.2,
        ),
        NetworkConfig(
            name="tiny",
            backbone="tf_efficientnet_lite0",
            feature_channels=16,
            head_channels=8,
            select_size=128,
            crop_size=128,
            guidance_sigma=10.0,
            crop_threshold=0.5,
            crop_padding=0.2,
        ),
        *_variants(_PAPER),
        *_variants(_PAPER.model_copy(update=_PAPER_SMALL)),
        *_variants(_PAPER.model_copy(update=_PAPER_TINY)),
    )
}


def configuration(name: str) -> NetworkConfig:
    """The configuration of that name; WeightsError if there is none."""
    try:
        return _CONFIGURATIONS[name]
    except KeyError:
        raise WeightsError(
            f"network configuration: expected one of {', '.join(sorted(_CONFIGURATIONS))}, got {name!r}"
        ) from None


def read_configuration(text: str) -> NetworkConfig:
    """The configuration that a checkpoint carries as JSON; pydantic.ValidationError or ValueError if it is none."""
    values = json.loads(text)
    kind = (
        PaperConfig if isinstance(values, dict) and values.get("architecture") == "paper" else NetworkConfig
    )
    return kind.model_validate(values)
