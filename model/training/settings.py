"""One training run is described by one small file: these settings as JSON, kept beside the result."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from model.errors import SettingsError
from model.losses import LossName
from model.training.augmentation import (
    JOINT_CROPS,
    REFINEMENT_CROPS,
    SELECTION_CROPS,
    Augmentation,
    CropPolicy,
)

Stage = Literal["selection", "refinement", "joint", "sessions"]
CROPS: dict[Stage, CropPolicy] = {
    "selection": SELECTION_CROPS,
    "refinement": REFINEMENT_CROPS,
    "joint": JOINT_CROPS,
    "sessions": REFINEMENT_CROPS,
}
"""How crops are cut at random; `sessions` trains on those of sessions instead."""


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataSet(_Settings):
    """One folder in COCO layout; weights say how many times as often as with 1 an object is drawn."""

    folder: Path = Field(description="holds annotations.json and images/")
    weight: NonNegativeFloat = Field(default=1.0, description="of all its objects")
    sources: dict[str, NonNegativeFloat] = Field(
        default_factory=dict, description="weight of objects of images with this `source`, 1 if not named"
    )


class ClickSampling(_Settings):
    """Where training clicks fall (section 3.3); pixels of the training crop."""

    paper_share: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="share of selection clicks as in the paper; others anywhere well inside",
    )
    selection_jitter: NonNegativeFloat = Field(
        default=25.0, description="greatest, of the paper's selection click"
    )
    boundary_jitter: NonNegativeFloat = Field(default=10.0, description="greatest, of a boundary click")
    jitter_share: NonNegativeFloat = Field(
        default=0.05, description="greatest jitter of a boundary click in diagonals of the object's box"
    )
    rule: Literal["max-min", "paper"] = Field(
        default="max-min",
        description="where on the outline of an error: the default clicker's rule, or Eq. 5",
    )
    smallest_region: tuple[NonNegativeFloat, NonNegativeFloat] = Field(
        default=(0.0, 0.0),
        description="errors below this share of the object are not clicked; drawn between the two (the paper's m)",
    )
    per_step: tuple[PositiveInt, PositiveInt] = Field(
        default=(1, 1),
        description="fewest and most clicks of a step, all on the same mask (the paper's k1, k2)",
    )

    @model_validator(mode="after")
    def _ordered(self) -> "ClickSampling":
        for name in ("smallest_region", "per_step"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"expected {name} with the smaller number first, got {low} and {high}")
        return self

    @property
    def takes_one_of_all(self) -> bool:
        """Whether a step is one click on the largest error, however small."""
        return self.per_step == (1, 1) and self.smallest_region == (0.0, 0.0)

    def boundary_noise(self, diagonal: float) -> float:
        """Greatest jitter in pixels on an object whose box has this diagonal."""
        return min(self.boundary_jitter, self.jitter_share * diagonal)


class InputPipeline(_Settings):
    """How samples are prepared; nothing here changes which."""

    cache: Path | None = Field(
        default=None, description="folder of decoded images; default: in the run's, until it is done"
    )
    cache_gib: NonNegativeFloat = Field(
        default=8.0, description="most that is kept there; the rest is decoded each time"
    )
    largest_side: PositiveInt = Field(
        default=640, description="images are reduced to this side at most, pixels"
    )
    prefetch: PositiveInt = Field(default=2, description="batches that each worker prepares ahead")
    augment_on: Literal["cpu", "device"] = Field(
        default="cpu", description="where pixels are warped and coloured; measure before you choose `device`"
    )


class TrainingSettings(_Settings):
    """One training run; written as settings.json beside its result."""

    stage: Stage
    data: tuple[DataSet, ...] = Field(min_length=1, description="data sets that are mixed")
    held_out: float = Field(
        default=0.03,
        ge=0,
        lt=1,
        description="share of the images that is never trained on, by the hash of the file name",
    )
    configuration: str = "default"
    start: str = Field(
        default="imagenet", description="`imagenet`, `imagenet:FILE`, `scratch` or the path of a checkpoint"
    )
    steps: PositiveInt = 4000
    batch: PositiveInt = Field(default=16, description="samples per step and process")
    size: PositiveInt = Field(default=256, multiple_of=32, description="side of the training crops, pixels")
    rate: PositiveFloat = Field(default=6e-4, description="highest learning rate of the decoder and the head")
    backbone_rate: PositiveFloat = Field(default=1.5e-4, description="highest learning rate of the backbone")
    head_rate: PositiveFloat | None = Field(
        default=None, description="highest learning rate of the head; default: that of the decoder"
    )
    weight_decay: NonNegativeFloat = 1e-4
    optimiser: Literal["adamw", "sgd"] = Field(
        default="adamw", description="`sgd`: with Nesterov's momentum of 0.9, as in the paper"
    )
    schedule: Literal["cosine", "constant"] = Field(
        default="cosine", description="of the learning rate after the warm-up"
    )
    warmup: NonNegativeInt = 100
    loss: LossName = Field(default="nfl", description="loss per pixel: `nfl`, `ba-ce` or `cb-ce`")
    overlap: NonNegativeFloat = Field(
        default=1.0, description="weight of the soft overlap loss that is added"
    )
    selection_weight: PositiveFloat = Field(
        default=1.0, description="weight of the first click's loss beside the boundary clicks' (joint)"
    )
    averaging: float = Field(
        default=0.998, ge=0, lt=1, description="decay of the exponential average of the weights"
    )
    mixed_precision: Literal["auto", "on", "off"] = Field(
        default="auto", description="bfloat16; `auto`: where the device multiplies it in hardware"
    )
    clicks: PositiveInt = Field(
        default=6, description="boundary clicks per sample (all stages but selection)"
    )
    objects: PositiveInt = Field(
        default=1500,
        description="different objects that are trained on, by weight (sessions alone: 2 MB of disk each)",
    )
    click_sampling: ClickSampling = ClickSampling()
    crops: CropPolicy | None = Field(default=None, description="default: the stage's own")
    augmentation: Augmentation = Augmentation()
    paste: float = Field(
        default=0.4, ge=0, le=1, description="share of samples with a second object pasted in"
    )
    pipeline: InputPipeline = InputPipeline()
    seed: int = Field(default=0, ge=0, lt=2**31)
    workers: NonNegativeInt = Field(
        default=1,
        description="processes that prepare samples, for each that trains; 0: in turn with it, and less reproducible",
    )
    device: str = "cpu"
    save_every: PositiveInt = 100
    log_every: PositiveInt = 20
    validate_every: PositiveInt = 200
    sample_every: PositiveInt = 500

    @property
    def crop_policy(self) -> CropPolicy:
        """The one that is set, or the stage's."""
        return self.crops or CROPS[self.stage]

    def with_source_weights(self, weights: Mapping[str, float]) -> "TrainingSettings":
        """These weights of sources in all data sets."""
        data = tuple(d.model_copy(update={"sources": d.sources | dict(weights)}) for d in self.data)
        return self.model_copy(update={"data": data})

    def without_paths(self) -> dict[str, Any]:
        """For a checkpoint, which travels: names of files and folders instead of paths of this machine."""
        values = self.model_dump(mode="json")
        for entry in values["data"]:
            entry["folder"] = Path(entry["folder"]).name
        values["start"] = Path(self.start).name
        values["pipeline"].pop("cache")
        return values


def read_settings(file: Path | None, changes: Mapping[str, Any]) -> TrainingSettings:
    """Settings out of a JSON file, if there is one, and changes to it.

    Args:
        changes: values by name; names of nested settings are joined by dots.

    Raises:
        SettingsError: one line that names every field with a value that cannot be used.
    """
    values = _read(file) if file else {}
    for name, value in changes.items():
        _put(values, name, value)
    try:
        return TrainingSettings.model_validate(values)
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, e['loc']))}: {e['msg']}"
            + ("" if e["type"] == "missing" else f", got {_shown(e['input'])}")
            for e in error.errors()
        ]
        raise SettingsError(f"training settings: {'; '.join(problems)}") from None


def _read(file: Path) -> dict[str, Any]:
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SettingsError(f"{file}: expected settings as JSON, could not read them ({error})") from None
    if not isinstance(values, dict):
        raise SettingsError(f"{file}: expected a JSON object of settings, got {_shown(values)}")
    return values


def _put(values: dict[str, Any], name: str, value: Any) -> None:
    *groups, last = name.split(".")
    for group in groups:
        values = values.setdefault(group, {})
        if not isinstance(values, dict):
            raise SettingsError(f"training settings: {name}: expected {group} to be a group of settings")
    values[last] = value


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
