"""Named network configurations. A checkpoint carries its own, so that old weights go on working."""

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

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


_CONFIGURATIONS = {
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
