"""Training of the refinement head on the selection's real errors, click after click as it will be used.

Traps that this avoids, all seen in trials: a head trained on deformed truth learns to denoise and ignores the clicks;
one that is supervised on a single step falls off after it. So the errors are those of the selection network itself,
hard samples come more often, every click of a roll-out is supervised, and the error that a click points at weighs more
than the rest.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from model.guidance import gaussian_map, refinement_guidance
from model.logits import LIMIT, TRUST
from model.losses import soft_overlap_loss, training_loss
from model.merging import drop_stray_parts
from model.networks import TwoStageNetwork
from model.networks.two_stage import normalise_image
from model.training.augmentation import REFINEMENT_CROPS
from model.training.precision import autocast
from model.training.rollouts import Rollout
from model.training.run import Log, TrainingRun, TrainingSettings
from model.training.samples import RandomObjects, Sample

POOL = 2
"""Samples that are encoded for each one that is trained on; the harder ones are likelier to be taken."""

NEIGHBOURHOOD_WEIGHT = 3.0
"""Weight around the click, right and wrong pixels alike: if the error alone weighed more, the head would overshoot."""

ELSEWHERE = 0.1
"""Weight of the other pixels in the overlap that a click shall bring about."""


@dataclass(frozen=True)
class Crops:
    """The crops of a batch, as the selection network left them.

    Attributes:
        image: (B, 3, S, S) float32 in [-1, 1]; features: (B, C, h, w) float32; target: (B, 1, S, S) in {0, 1};
        distance: (B, 1, S, S), pixels to the object.
    """

    image: torch.Tensor
    features: torch.Tensor
    target: torch.Tensor
    distance: torch.Tensor


def train_refinement(settings: TrainingSettings, network: TwoStageNetwork, out: Path) -> None:
    """Train the refinement head with the selection network frozen; resumes what `out` holds."""
    run = TrainingRun(settings, network, [network.refinement], out)
    data = RandomObjects(
        settings.data,
        settings.size,
        REFINEMENT_CROPS,
        seed=settings.seed + run.step,
        source_weights=settings.source_weights,
        paste=settings.paste,
    )
    batches = iter(DataLoader(data, settings.batch * POOL, num_workers=settings.workers))
    generator = np.random.default_rng([settings.seed, run.step])
    log = Log(out / "log.csv")
    network.eval()
    for step in run.steps():
        rollouts, crops = _hard_rollouts(network, next(batches), run, generator)
        before = np.mean([r.iou for r in rollouts])
        seeds = np.random.SeedSequence([settings.seed, run.step])
        loss, ious = _supervise(run, rollouts, crops, seeds)
        run.update()
        after = {f"iou{k}": iou for k, iou in enumerate(ious, start=1)}
        log.add(step, loss=loss, iou0=float(before), **after)


@torch.no_grad()
def _hard_rollouts(
    network: TwoStageNetwork, batch: Sample, run: TrainingRun, generator: np.random.Generator
) -> tuple[list[Rollout], Crops]:
    """Encode a pool of samples and draw the batch from it, the harder ones likelier."""
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
    index = torch.as_tensor(picks)
    there = index.to(run.device)
    return [pool[i] for i in picks], Crops(
        image[there],
        output.features[there],
        batch["target"][index][:, None].float().to(run.device),
        batch["distance"][index][:, None].to(run.device),
    )


def _supervise(
    run: TrainingRun, rollouts: list[Rollout], crops: Crops, seeds: np.random.SeedSequence
) -> tuple[float, list[float]]:
    """Click and supervise, `settings.clicks` times; gradients are accumulated, states are passed on without them.

    Returns:
        mean loss; mean IoU after each click.
    """
    head, settings = run.network.refinement, run.settings
    total, ious = 0.0, []
    with autocast(run.device, run.mixed):
        prepared = head.prepare(crops.features, crops.image)
    # Prepared once: the clicks' gradients are summed on a leaf and sent back together at the end.
    kept = prepared.detach().contiguous(memory_format=torch.channels_last).requires_grad_()
    generators = [np.random.default_rng(seed) for seed in seeds.spawn(len(rollouts))]
    for _ in range(settings.clicks):
        near, guidance, before = _click(run, rollouts, generators)
        with autocast(run.device, run.mixed):
            correction = head(kept, guidance)
        size = crops.target.shape[-2:]
        correction = F.interpolate(correction, size=size, mode="bilinear", align_corners=False)
        logits = before.clamp(-TRUST, TRUST) + correction
        weight = 1 + (NEIGHBOURHOOD_WEIGHT - 1) * near
        loss = training_loss(settings.loss, logits, crops.target, crops.distance, weight=weight)
        if settings.overlap:
            local = ELSEWHERE + (1 - ELSEWHERE) * near
            loss = loss + settings.overlap * soft_overlap_loss(logits, crops.target, local)
        loss = loss / settings.clicks
        loss.backward()  # type: ignore[no-untyped-call]
        total += loss.item()
        answers = logits.detach().clamp(-LIMIT, LIMIT)[:, 0].cpu().numpy()
        list(_POOL.map(Rollout.accept, rollouts, answers))
        ious.append(float(np.mean([r.iou for r in rollouts])))
    prepared.backward(kept.grad)  # type: ignore[no-untyped-call]
    return total, ious


_POOL = ThreadPoolExecutor(max_workers=2, thread_name_prefix="annotator")
"""The simulated annotators; OpenCV lets go of the interpreter, so that two of them work at a time."""


def _click(
    run: TrainingRun, rollouts: list[Rollout], generators: list[np.random.Generator]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """One more click on each object.

    Returns:
        neighbourhood of the error: (B, 1, S, S) in {0, 1}; guidance: (B, G, h, w); logits before: (B, 1, S, S).
    """
    sigma = run.network.config.guidance_sigma

    def one(rollout: Rollout, generator: np.random.Generator) -> tuple[NDArray[np.bool_], torch.Tensor]:
        near = rollout.click(generator)
        return near, refinement_guidance(rollout.logits, rollout.boundary, rollout.selection, sigma)

    near, guidance = zip(*_POOL.map(one, rollouts, generators), strict=True)
    before = torch.from_numpy(np.stack([rollout.logits for rollout in rollouts]))
    return (
        torch.from_numpy(np.stack(near))[:, None].float().to(run.device),
        torch.stack(guidance).to(run.device, memory_format=torch.channels_last),
        before[:, None].to(run.device),
    )
