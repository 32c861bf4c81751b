"""The training itself: the head alone, on encoded corrections mixed with objects of the replay set."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from model import masks
from model.checkpoints import Checkpoint
from model.errors import DatasetError
from model.fine_tuning.encoded import Encoded
from model.fine_tuning.rollouts import GuidedRollout
from model.networks.adapter import Adapter
from model.training.refinement import Crops, numbered, supervise
from model.training.run import TrainingRun
from model.training.selection import network_input
from model.training.settings import DataSet, TrainingSettings

Report = Callable[[float], None]
"""Told the share that is done, in [0, 1]; may raise to end the work."""

BATCH = 8
LARGEST_SIZE = 320
"""Side of the training crops, pixels: that of a session's, or less, since steps on larger ones take their time."""

REPLAYED = 2
"""Of a batch: objects of the replay set, so that nothing old is forgotten."""

PASSES = 3
"""How often an object is trained on, on average, unless the bounds on steps say otherwise."""
FEWEST_STEPS, MOST_STEPS = 30, 50

CLICKS = 4
"""On each object of a step. Measured (docs/experiments.md): neither three nor five in fewer steps teach as much."""

RATE = 1e-3
"""Measured (docs/learning.md): with 3e-4 half of the gain, with 2e-3 no more of it."""


def tuning_settings(
    base: Checkpoint, folder: Path, corrections: int, device: str = "cpu"
) -> TrainingSettings:
    """How a head is fine-tuned on so many corrections; the number of steps bounds the time it takes."""
    steps = int(np.clip(PASSES * corrections // (BATCH - REPLAYED), FEWEST_STEPS, MOST_STEPS))
    return TrainingSettings(
        stage="refinement",
        data=(DataSet(folder=folder),),
        held_out=0.0,
        configuration=base.network.config.name,
        start=base.name,
        steps=steps,
        batch=BATCH,
        size=min(base.network.config.crop_size, LARGEST_SIZE),
        rate=RATE,
        warmup=5,
        averaging=0.95,
        clicks=CLICKS,
        workers=0,
        save_every=max(steps // 5, 1),
        device=device,
    )


def tune(
    run: TrainingRun,
    corrections: Sequence[Path],
    replay: Sequence[Path],
    adapter: Adapter | None,
    report: Report,
) -> None:
    """Train; goes on where the run's folder ends. The result is `run.averaged`.

    Args:
        corrections, replay: files of encoded objects; without a replay set only corrections are trained on.
        adapter: that makes the first masks which are to be clicked on.

    Raises:
        DatasetError: there is nothing to train on.
    """
    if not corrections:
        raise DatasetError(
            "fine-tuning: expected at least one correction to train on, got none that can be used"
        )
    often, often_replayed = chances(corrections, adapter), chances(replay, adapter)
    count = REPLAYED if replay else 0
    run.network.eval()
    for step in run.steps():
        generator = run.generator()
        paths = drawn(corrections, often, run.settings.batch - count, generator)
        paths += drawn(replay, often_replayed, count, generator)
        train_step(run, paths, generator, adapter)
        report((step + 1) / run.settings.steps)


def train_step(
    run: TrainingRun, paths: Sequence[Path], generator: np.random.Generator, adapter: Adapter | None = None
) -> dict[str, float]:
    """Train on a batch of encoded objects; returns what a log of the run tells of it, IoUs before and after clicks."""
    rollouts, crops = _loaded(run, paths, adapter)
    before = float(np.mean([rollout.iou for rollout in rollouts]))
    loss, ious = supervise(run, list(rollouts), crops, generator)
    run.update()
    return {"loss": loss, "iou0": before, **numbered("iou", ious)}


def _loaded(
    run: TrainingRun, paths: Sequence[Path], adapter: Adapter | None
) -> tuple[list[GuidedRollout], Crops]:
    """Objects to be clicked on, from their first masks on, and their crops."""
    objects = [Encoded.load(path) for path in paths]
    rollouts = [
        GuidedRollout(
            each.first_mask(adapter),
            each.target,
            each.selection,
            run.settings.click_sampling,
            known=list(each.boundary),
        )
        for each in objects
    ]
    target = torch.from_numpy(np.stack([each.target for each in objects]))[:, None].float()
    distance = torch.from_numpy(np.stack([masks.distance_to(each.target) for each in objects]))[:, None]
    crops = Crops(
        network_input(torch.from_numpy(np.stack([each.image for each in objects])), run.device),
        torch.from_numpy(np.stack([each.features for each in objects])).float().to(run.device),
        target.to(run.device),
        distance.to(run.device),
    )
    return rollouts, crops


def chances(paths: Sequence[Path], adapter: Adapter | None = None) -> NDArray[np.float64]:
    """How likely each encoded object is to be drawn: the harder ones likelier; the sum is 1."""
    hardness = np.array([Encoded.load(path).hardness(adapter) for path in paths], np.float64)
    return hardness / hardness.sum() if hardness.size else hardness


def drawn(
    paths: Sequence[Path], often: NDArray[np.float64], count: int, generator: np.random.Generator
) -> list[Path]:
    """Some of the encoded objects, all different if there are enough, by the chances of each."""
    if not count:
        return []
    picks = generator.choice(len(paths), size=count, replace=len(paths) < count, p=often)
    return [paths[int(pick)] for pick in picks]
