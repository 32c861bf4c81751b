"""One entry for all stages: build the network that a run starts from, then train."""

from collections.abc import Callable
from pathlib import Path

import torch

from model.checkpoints import load_checkpoint
from model.errors import SettingsError
from model.networks import NetworkConfig, PaperConfig, configuration
from model.networks.building import build_network
from model.networks.two_stage import TwoStageNetwork
from model.training.data import remove_own_cache
from model.training.distributed import Ranks
from model.training.joint import train_joint
from model.training.paper import train_paper_refinement, train_paper_selection
from model.training.refinement import train_refinement
from model.training.selection import train_selection
from model.training.settings import TrainingSettings
from model.training.starting_weights import load_imagenet

IMAGENET, SCRATCH = "imagenet", "scratch"
"""Starts that are no checkpoint; `imagenet:FILE` is another."""

Trainer = Callable[[TrainingSettings, TwoStageNetwork, Path], None]

TRAINERS: dict[type[NetworkConfig], dict[str, Trainer]] = {
    NetworkConfig: {"selection": train_selection, "refinement": train_refinement, "joint": train_joint},
    PaperConfig: {"selection": train_paper_selection, "refinement": train_paper_refinement},
}
"""By the class of the configuration and the stage."""


def train(settings: TrainingSettings, out: Path) -> None:
    """Train one stage into the folder `out`, which all processes must see; continues a run that it holds.

    Raises:
        SettingsError: a head is to be trained on a selection network that is not trained.
        WeightsError, DatasetError: what the run starts from is missing or damaged.
    """
    ranks = Ranks.of_environment()
    ranks.join(ranks.device(settings.device))
    torch.manual_seed(settings.seed)
    network = starting_network(settings)
    _trainer(network, settings)(settings, network, out)
    ranks.leave()
    if ranks.first:
        remove_own_cache(out)


def _trainer(network: TwoStageNetwork, settings: TrainingSettings) -> Trainer:
    stages = TRAINERS[type(network.config)]
    if settings.stage not in stages:
        raise SettingsError(
            f"train {settings.stage}: the configuration {network.config.name} is trained in the stages "
            f"{' and '.join(stages)}, one after the other; got {settings.stage}"
        )
    return stages[settings.stage]


def starting_network(settings: TrainingSettings) -> TwoStageNetwork:
    """The network that a run starts from."""
    if is_checkpoint(settings.start):
        return load_checkpoint(settings.start).network
    if settings.stage != "selection":
        raise SettingsError(
            f"train {settings.stage}: expected --start with a checkpoint whose selection network is trained, got none; "
            "run `boundaryclick train selection` first"
        )
    network = build_network(configuration(settings.configuration))
    if settings.start != SCRATCH:
        file = settings.start.partition(":")[2]
        load_imagenet(network.config.backbone, network.selection.backbone, Path(file) if file else None)
    return network


def is_checkpoint(start: str) -> bool:
    """Whether a run of that `start` begins with the weights of another."""
    return start not in (SCRATCH, IMAGENET) and not start.startswith(f"{IMAGENET}:")
