"""What every training run needs: schedule, averaged weights, several processes, resume."""

import math
import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from model.checkpoints import save_checkpoint
from model.errors import WeightsError
from model.networks.two_stage import TwoStageNetwork
from model.training.data import TrainingData
from model.training.distributed import Ranks
from model.training.log import Log, cut_log
from model.training.precision import is_mixed, keep_depthwise_in_float32
from model.training.samples import Sample
from model.training.settings import TrainingSettings

__all__ = ["Log", "TrainingRun", "TrainingSettings"]


def _adamw(groups: list[dict[str, Any]], decay: float) -> torch.optim.Optimizer:
    return torch.optim.AdamW(groups, weight_decay=decay)


def _sgd(groups: list[dict[str, Any]], decay: float) -> torch.optim.Optimizer:
    return torch.optim.SGD(groups, lr=groups[0]["lr"], momentum=0.9, nesterov=True, weight_decay=decay)


OPTIMISERS: dict[str, Callable[[list[dict[str, Any]], float], torch.optim.Optimizer]] = {
    "adamw": _adamw,
    "sgd": _sgd,
}


class TrainingRun:
    """State of one run in the folder `out`: continues where `out/state.pt` ends.

    Of several processes the first alone writes. All that is random is drawn anew at each step, from the seed, the step
    and the process: a run that was stopped goes on as if it had not been, and there is no random state to keep.

    Args:
        network: trained in place.
        trained: the modules of it that are trained; the others keep their weights.
    """

    def __init__(
        self, settings: TrainingSettings, network: TwoStageNetwork, trained: Sequence[nn.Module], out: Path
    ) -> None:
        self.settings, self.network, self.out = settings, network, out
        self.ranks = Ranks.of_environment()
        self.device = self.ranks.device(settings.device)
        self.mixed = is_mixed(settings.mixed_precision, self.device)
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
        self._parameters = [p for p in network.parameters() if p.requires_grad]
        self.optimiser = OPTIMISERS[settings.optimiser](self._groups(), settings.weight_decay)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimiser, self._rate_factor)
        self.step = 0
        self._resume()
        if self.ranks.first:
            out.mkdir(parents=True, exist_ok=True)
            (out / "settings.json").write_text(settings.model_dump_json(indent=2) + "\n")
            cut_log(out / "log.csv", self.step)

    def _groups(self) -> list[dict[str, Any]]:
        """Trained parameters by part, each with its highest learning rate."""
        rates = {"decoder": self.settings.rate, "backbone": self.settings.backbone_rate}
        rates["head"] = self.settings.head_rate or self.settings.rate
        groups: dict[str, list[nn.Parameter]] = {part: [] for part in rates}
        for name, parameter in self.network.named_parameters():
            if parameter.requires_grad:
                head, backbone = name.startswith("refinement."), name.startswith("selection.backbone.")
                groups["head" if head else "backbone" if backbone else "decoder"].append(parameter)
        return [{"params": groups[part], "lr": rate} for part, rate in rates.items()]

    @property
    def averaged(self) -> TwoStageNetwork:
        """The network with the averaged weights, which is what a run results in."""
        module: TwoStageNetwork = self.average.module  # type: ignore[assignment]
        return module

    @cached_property
    def data(self) -> TrainingData:
        """The samples; opened when first asked for."""
        return TrainingData(self.settings, self.out)

    @cached_property
    def log(self) -> Log:
        """`out/log.csv`."""
        return Log(self.out / "log.csv", self.settings.log_every, quiet=not self.ranks.first)

    def batches(self, pool: int = 1) -> Iterator[Sample]:
        """The samples of the steps still to do; `pool` batches at each step, as one."""
        return self.data.batches(self.ranks, self.device, self.step, self.settings.batch * pool)

    def generator(self) -> np.random.Generator:
        """For what else is random in this step."""
        return np.random.default_rng([self.settings.seed, self.step, self.ranks.rank])

    def due(self, every: int) -> bool:
        """Whether something that the first process does at every so many steps and at the last is to be done now."""
        done = self.step + 1
        return self.ranks.first and (done % every == 0 or done == self.settings.steps)

    @property
    def sheet_path(self) -> Path:
        """Where this step's picture of samples goes."""
        return self.out / "samples" / f"{self.step + 1:07}.jpg"

    def _rate_factor(self, step: int) -> float:
        warm = min(1.0, (step + 1) / (self.settings.warmup + 1))
        if self.settings.schedule == "constant":
            return warm
        return warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, step / self.settings.steps))))

    def update(self) -> None:
        """One optimiser step on the gradients that have been accumulated, in all processes."""
        self.ranks.average_gradients(self._parameters)
        torch.nn.utils.clip_grad_norm_(self._parameters, 1.0)
        self.optimiser.step()
        self.schedule.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.average.update_parameters(self.network)

    def steps(self) -> Iterator[int]:
        """The steps still to do; saves at every `save_every` and at the end."""
        total, world = self.settings.steps, self.ranks.world
        quiet = None if self.ranks.first else True  # None: no bar unless on a terminal
        with tqdm(total=total, initial=self.step, disable=quiet, unit="step") as progress:
            while self.step < total:
                torch.manual_seed((self.settings.seed << 32) + self.step * world + self.ranks.rank)
                yield self.step
                if self.step + 1 == total:
                    self.log.flush(self.step)
                self.step += 1
                progress.update()
                if self.ranks.first and (self.step % self.settings.save_every == 0 or self.step == total):
                    self.save()

    def save(self) -> None:
        """Write the averaged weights as a checkpoint and, last, the state to continue from."""
        description = {
            "stage": self.settings.stage,
            "step": self.step,
            "processes": self.ranks.world,
            "settings": self.settings.without_paths(),
        }
        save_checkpoint(self.out / "weights.safetensors", self.averaged, training=description)
        state = {
            "step": self.step,
            "origin": self._origin,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
        }
        partial = self.out / "state.pt.part"
        with partial.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(
                file.fileno()
            )  # else a crash of the machine can leave the new name on old or no contents
        partial.replace(self.out / "state.pt")

    @property
    def _origin(self) -> str:
        """What a run must share with the one that it goes on from; the weights' file may have been moved."""
        return f"{self.settings.stage} from {Path(self.settings.start).name}"

    def _resume(self) -> None:
        path = self.out / "state.pt"
        if not path.is_file():
            return
        try:
            state: dict[str, Any] = torch.load(path, map_location=self.device, weights_only=True)
            if state.get("origin", self._origin) != self._origin:
                raise ValueError("of another stage or start")
            self.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.schedule.load_state_dict(state["schedule"])
            self.step = int(state["step"])
        except (KeyError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
            raise WeightsError(
                f"{path}: expected the state of a run with these settings, got another; choose a new folder"
            ) from error
