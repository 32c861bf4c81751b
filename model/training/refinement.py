"""Training of the refinement head on the selection's real errors, click after click as it will be used.

Traps that this avoids, all seen in trials: a head trained on deformed truth learns to denoise and ignores the clicks;
one that is supervised on a single step falls off after it. So the errors are those of the selection network itself,
hard samples come more often, every click of a roll-out is supervised, and the error that a click points at weighs more
than the rest.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from model import masks, simulation
from model.guidance import Point, gaussian_map, refinement_guidance
from model.logits import LIMIT
from model.losses import boundary_aware_weight, normalised_focal_loss
from model.merging import drop_stray_parts, merge_change
from model.networks import TwoStageNetwork
from model.networks.two_stage import normalise_image
from model.training.augmentation import REFINEMENT_CROPS
from model.training.precision import autocast
from model.training.run import Log, TrainingRun, TrainingSettings
from model.training.samples import RandomObjects, Sample

POOL = 2
"""Samples that are encoded for each one that is trained on; the harder ones are likelier to be taken."""

NEIGHBOURHOOD = (20.0, 64.0)
"""Least and greatest radius around the click in which pixels weigh more (section 3.4: a square of 40 pixels)."""

NEIGHBOURHOOD_WEIGHT = 3.0
"""Weight there, of right and wrong pixels alike: if the error alone weighed more, the head would change too much."""

JITTER, JITTER_SHARE = 10.0, 0.05
"""A boundary click is off by at most this many pixels, and at most this share of the object's diagonal."""


@dataclass
class Rollout:
    """One object while it is being clicked; all in pixels of the crop.

    Attributes:
        logits: (S, S) float32.
        truth: (S, S) bool.
        selection: click.
        boundary, aimed: boundary clicks as made, and before their jitter.
    """

    logits: NDArray[np.float32]
    truth: NDArray[np.bool_]
    selection: Point
    boundary: list[Point] = field(default_factory=list)
    aimed: list[Point] = field(default_factory=list)

    @property
    def iou(self) -> float:
        """Of the current mask."""
        return masks.intersection_over_union(self.logits > 0, self.truth)

    def click(self, generator: np.random.Generator) -> NDArray[np.float32]:
        """Add the next simulated click and return the loss weights it calls for, (S, S)."""
        weight = np.ones(self.truth.shape, np.float32)
        aim = simulation.boundary_click(self.logits > 0, self.truth, clicked=self.aimed)
        if aim is None:
            return weight
        rows, columns = np.nonzero(self.truth)
        diagonal = float(np.hypot(np.ptp(rows) + 1, np.ptp(columns) + 1))
        noise = min(JITTER, JITTER_SHARE * diagonal)
        self.aimed.append(aim)
        self.boundary.append(simulation.jittered(aim, noise, np.ones(self.truth.shape, bool), generator))
        weight[self._neighbourhood(aim)] = NEIGHBOURHOOD_WEIGHT
        return weight

    def _neighbourhood(self, aim: Point) -> NDArray[np.bool_]:
        """(S, S), the disc around a click that holds the error it points at."""
        rows, columns = np.indices(self.truth.shape, dtype=np.float32)
        distance = np.hypot(columns - aim[0], rows - aim[1])
        pointed = masks.largest_component((self.logits > 0) ^ self.truth)
        radius = float(np.clip(distance[pointed].max(), *NEIGHBOURHOOD))
        inside: NDArray[np.bool_] = distance <= radius
        return inside

    def accept(self, after: NDArray[np.float32]) -> None:
        """Take the head's answer over as a session would."""
        if self.boundary:
            merged, _ = merge_change(self.logits, after, self.boundary[-1])
            self.logits = drop_stray_parts(merged, [self.selection, *self.boundary])


def train_refinement(settings: TrainingSettings, network: TwoStageNetwork, out: Path) -> None:
    """Train the refinement head with the selection network frozen; resumes what `out` holds."""
    run = TrainingRun(settings, network, [network.refinement], out)
    data = RandomObjects(
        settings.data,
        settings.size,
        REFINEMENT_CROPS,
        seed=settings.seed + run.step,
        source_weights=settings.source_weights,
    )
    batches = iter(DataLoader(data, settings.batch * POOL, num_workers=settings.workers))
    generator = np.random.default_rng([settings.seed, run.step])
    log = Log(out / "log.csv")
    network.eval()
    for step in run.steps():
        rollouts, features, extra = _hard_rollouts(network, next(batches), run, generator)
        before = np.mean([r.iou for r in rollouts])
        loss, ious = _supervise(run, rollouts, features, extra, generator)
        run.update()
        log.add(
            step, loss=loss, iou0=float(before), **{f"iou{k}": iou for k, iou in enumerate(ious, start=1)}
        )


@torch.no_grad()
def _hard_rollouts(
    network: TwoStageNetwork, batch: Sample, run: TrainingRun, generator: np.random.Generator
) -> tuple[list[Rollout], torch.Tensor, torch.Tensor]:
    """Encode a pool of samples and draw the batch from it, the harder ones likelier.

    Returns:
        rollouts; features: (B, C, h, w); boundary-aware weights: (B, 1, S, S).
    """
    image = normalise_image(batch["image"].numpy()).to(run.device, memory_format=torch.channels_last)
    size = (image.shape[-2], image.shape[-1])
    clicks = [(float(x), float(y)) for x, y in batch["click"].tolist()]
    guidance = torch.stack([gaussian_map([click], size, network.config.guidance_sigma) for click in clicks])
    with autocast(run.device, run.mixed):
        output = network.selection(image, guidance[:, None].to(run.device))
    logits = F.interpolate(output.logits, size=size, mode="bilinear", align_corners=False)
    maps = logits.clamp(-LIMIT, LIMIT)[:, 0].cpu().numpy()
    truths = batch["target"].numpy()
    pool = [
        Rollout(drop_stray_parts(selected, [click]), truth, click)
        for selected, truth, click in zip(maps, truths, clicks, strict=True)
    ]
    hardness = np.array([float(np.clip(1 - r.iou, 0.02, 0.4)) if r.iou > 0.2 else 0.02 for r in pool])
    picks = generator.choice(len(pool), size=len(pool) // POOL, replace=False, p=hardness / hardness.sum())
    weights = 1 + boundary_aware_weight(batch["distance"][picks][:, None])
    return (
        [pool[i] for i in picks],
        output.features[torch.as_tensor(picks, device=run.device)],
        weights.to(run.device),
    )


def _supervise(
    run: TrainingRun,
    rollouts: list[Rollout],
    features: torch.Tensor,
    extra: torch.Tensor,
    generator: np.random.Generator,
) -> tuple[float, list[float]]:
    """Click and supervise, `settings.clicks` times; gradients are accumulated, states are passed on without them.

    Returns:
        mean loss; mean IoU after each click.
    """
    target = torch.from_numpy(np.stack([r.truth for r in rollouts]))[:, None].float().to(run.device)
    total, ious = 0.0, []
    with autocast(run.device, run.mixed):
        prepared = run.network.refinement.prepare(features)
    # Prepared once: the clicks' gradients are summed on a leaf and sent back together at the end.
    kept = prepared.detach().contiguous(memory_format=torch.channels_last).requires_grad_()
    for weight, guidance, previous in _clicks(run, rollouts, generator):
        with autocast(run.device, run.mixed):
            correction = run.network.refinement(kept, guidance)
        correction = F.interpolate(correction, size=target.shape[-2:], mode="bilinear", align_corners=False)
        logits = previous + correction
        loss = normalised_focal_loss(logits, target, weight * extra) / run.settings.clicks
        loss.backward()  # type: ignore[no-untyped-call]
        total += loss.item()
        answers = logits.detach().clamp(-LIMIT, LIMIT)[:, 0].cpu().numpy()
        for rollout, answer in zip(rollouts, answers, strict=True):
            rollout.accept(answer)
        ious.append(float(np.mean([r.iou for r in rollouts])))
    prepared.backward(kept.grad)  # type: ignore[no-untyped-call]
    return total, ious


def _clicks(
    run: TrainingRun, rollouts: list[Rollout], generator: np.random.Generator
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """For each click: loss weights (B, 1, S, S), guidance (B, G, h, w), logits before (B, 1, S, S)."""
    sigma = run.network.config.guidance_sigma
    for _ in range(run.settings.clicks):
        weights = np.stack([rollout.click(generator) for rollout in rollouts])
        guidance = torch.stack(
            [refinement_guidance(r.logits, r.boundary, r.selection, sigma) for r in rollouts]
        )
        previous = torch.from_numpy(np.stack([r.logits for r in rollouts]))
        yield (
            torch.from_numpy(weights)[:, None].to(run.device),
            guidance.to(run.device, memory_format=torch.channels_last),
            previous[:, None].to(run.device),
        )
