"""What every training run needs: settings beside the result, schedule, averaged weights, resume, log."""

import csv
import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
)
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from model.checkpoints import save_checkpoint
from model.errors import WeightsError
from model.losses import LossName
from model.networks import TwoStageNetwork
from model.training.precision import cpu_has_fast_bfloat16, keep_depthwise_in_float32


class TrainingSettings(BaseModel):
    """One training run; written as settings.json beside its result."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: Literal["selection", "refinement"]
    data: Path = Field(description="folder in COCO layout")
    configuration: str = "default"
    start: str = Field("imagenet", description="`imagenet` or the path of a checkpoint")
    steps: PositiveInt = 4000
    batch: PositiveInt = 16
    size: PositiveInt = Field(256, multiple_of=32, description="side of the training crops, pixels")
    rate: PositiveFloat = Field(6e-4, description="highest learning rate of the decoder and the head")
    backbone_rate: PositiveFloat = Field(1.5e-4, description="highest learning rate of the backbone")
    warmup: NonNegativeInt = 100
    loss: LossName = Field("nfl", description="loss per pixel: `nfl`, `ba-ce` or `cb-ce`")
    overlap: NonNegativeFloat = Field(1.0, description="weight of the soft overlap loss that is added")
    paste: float = Field(0.4, ge=0, le=1, description="share of samples with a second object pasted in")
    averaging: float = Field(0.998, ge=0, lt=1, description="decay of the exponential average of the weights")
    clicks: PositiveInt = Field(6, description="boundary clicks per sample (refinement)")
    source_weights: dict[str, float] = Field(
        default_factory=dict, description="weight of each source of the data"
    )
    seed: NonNegativeInt = 0
    workers: NonNegativeInt = 1
    device: str = "cpu"
    save_every: PositiveInt = 100


class TrainingRun:
    """State of one run in the folder `out`: continues where `out/state.pt` ends.

    Args:
        network: trained in place.
        trained: the modules of it that are trained; the others keep their weights.
    """

    def __init__(
        self, settings: TrainingSettings, network: TwoStageNetwork, trained: Sequence[nn.Module], out: Path
    ) -> None:
        self.settings, self.network, self.out = settings, network, out
        self.device = torch.device(settings.device)
        self.mixed = self.device.type == "cuda" or cpu_has_fast_bfloat16()
        network.to(self.device)
        network.requires_grad_(False)
        for module in trained:
            module.requires_grad_(True)
        self.average = AveragedModel(
            network,
            multi_avg_fn=get_ema_multi_avg_fn(settings.averaging),  # type: ignore[no-untyped-call]
        )
        if self.device.type == "cpu":
            keep_depthwise_in_float32(network)
        backbone = {id(p) for p in network.selection.backbone.parameters()}
        parameters = [p for p in network.parameters() if p.requires_grad]
        self._parameters = parameters
        self.optimiser = torch.optim.AdamW(
            [
                {"params": [p for p in parameters if id(p) not in backbone], "lr": settings.rate},
                {"params": [p for p in parameters if id(p) in backbone], "lr": settings.backbone_rate},
            ],
            weight_decay=1e-4,
        )
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimiser, self._rate_factor)
        self.step = 0
        out.mkdir(parents=True, exist_ok=True)
        self._resume()
        (out / "settings.json").write_text(settings.model_dump_json(indent=2) + "\n")

    def _rate_factor(self, step: int) -> float:
        warm = min(1.0, (step + 1) / (self.settings.warmup + 1))
        return warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, step / self.settings.steps))))

    def update(self) -> None:
        """One optimiser step on the gradients that have been accumulated."""
        torch.nn.utils.clip_grad_norm_(self._parameters, 1.0)
        self.optimiser.step()
        self.schedule.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.average.update_parameters(self.network)

    def steps(self) -> Iterator[int]:
        """The steps still to do; saves at every `save_every` and at the end."""
        while self.step < self.settings.steps:
            yield self.step
            self.step += 1
            if self.step % self.settings.save_every == 0 or self.step == self.settings.steps:
                self.save()

    def save(self) -> None:
        """Write the averaged weights as a checkpoint and, last, the state to continue from."""
        settings = self.settings.model_dump(mode="json") | {"data": self.settings.data.name}
        settings["start"] = Path(self.settings.start).name  # names, no paths: checkpoints travel
        description = {"stage": self.settings.stage, "step": self.step, "settings": settings}
        averaged: TwoStageNetwork = self.average.module  # type: ignore[assignment]
        save_checkpoint(self.out / "weights.safetensors", averaged, training=description)
        state = {
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
        }
        partial = self.out / "state.pt.part"
        torch.save(state, partial)
        partial.replace(self.out / "state.pt")

    def _resume(self) -> None:
        path = self.out / "state.pt"
        if not path.is_file():
            return
        state: dict[str, Any] = torch.load(path, map_location=self.device, weights_only=True)
        try:
            self.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.schedule.load_state_dict(state["schedule"])
        except (KeyError, RuntimeError, ValueError) as error:
            raise WeightsError(
                f"{path}: expected the state of a run with these settings, got another; choose a new folder"
            ) from error
        self.step = int(state["step"])


class Log:
    """CSV log of a run: means over each interval, appended, so that a resumed run goes on in the same file."""

    def __init__(self, path: Path, interval: int = 20) -> None:
        self.path, self.interval = path, interval
        self._sums: dict[str, float] = {}
        self._count = 0
        self._since = time.monotonic()

    def add(self, step: int, **values: float) -> None:
        """Add the values of one step."""
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1
        if self._count == self.interval:
            self._write(step)

    def _write(self, step: int) -> None:
        row = {"step": step + 1} | {name: round(total / self._count, 4) for name, total in self._sums.items()}
        row["seconds"] = round((time.monotonic() - self._since) / self._count, 3)
        new = not self.path.exists()
        with self.path.open("a", newline="") as file:
            writer = csv.DictWriter(file, row)
            if new:
                writer.writeheader()
            writer.writerow(row)
        print("  ".join(f"{name} {value}" for name, value in row.items()), flush=True)
        self._sums.clear()
        self._count, self._since = 0, time.monotonic()
