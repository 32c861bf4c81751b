"""Training of the refinement head on the selection's real errors, click after click as it will be used.

Traps that this avoids, all seen in trials: a head trained on deformed truth learns to denoise and ignores the clicks;
one that is supervised on a single step falls off after it. So the errors are those of the selection network itself,
hard samples come more often, every click of a roll-out is supervised, and the surroundings of the error that a click
points at weigh more than the rest.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from model.guidance import refinement_guidance
from model.logits import LIMIT, TRUST
from model.losses import soft_overlap_loss, training_loss
from model.merging import cleaned
from model.networks.parts import SelectionOutput
from model.networks.two_stage import TwoStageNetwork
from model.training.precision import autocast
from model.training.rollouts import Rollout
from model.training.run import TrainingRun, TrainingSettings
from model.training.samples import Sample
from model.training.selection import first_samples, network_input, selection_guidance, upsampled
from model.training.sheets import SHEET_SAMPLES, write_sheet

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

    def at(self, index: torch.Tensor) -> "Crops":
        """Some of them."""
        there = index.to(self.image.device)
        return Crops(self.image[there], self.features[there], self.target[there], self.distance[there])


def train_refinement(settings: TrainingSettings, network: TwoStageNetwork, out: Path) -> None:
    """Train the refinement head with the selection network frozen; resumes what `out` holds."""
    run = TrainingRun(settings, network, [network.refinement], out)
    batches = run.batches(POOL)
    held_out = run.data.validation()
    network.eval()
    for step in run.steps():
        generator = run.generator()
        rollouts, crops = _hard_rollouts(run, next(batches), generator)
        before = float(np.mean([r.iou for r in rollouts]))
        loss, ious = supervise(run, rollouts, crops, generator)
        run.update()
        run.log.add(step, loss=loss, iou0=before, **numbered("iou", ious))
        if held_out and run.due(settings.validate_every):
            run.log.note(step, **numbered("held_out_iou", validate_refinement(run, held_out), first=0))
        if run.due(settings.sample_every):
            rollout_sheet(run, rollouts, crops)


def numbered(name: str, values: Sequence[float], first: int = 1) -> dict[str, float]:
    """Values for the log, named by the number of the click; the first boundary click is 1."""
    return {f"{name}{k}": value for k, value in enumerate(values, start=first)}


def _hard_rollouts(
    run: TrainingRun, pool: Sample, generator: np.random.Generator
) -> tuple[list[Rollout], Crops]:
    """Encode a pool of samples and draw the batch from it, the harder ones likelier."""
    rollouts, crops = selected(run, run.network, pool)
    hardness = np.array([float(np.clip(1 - r.iou, 0.02, 0.4)) if r.iou > 0.2 else 0.02 for r in rollouts])
    count, chances = len(rollouts) // POOL, hardness / hardness.sum()
    picks = generator.choice(len(rollouts), size=count, replace=False, p=chances)
    return [rollouts[i] for i in picks], crops.at(torch.as_tensor(picks))


@torch.no_grad()
def selected(run: TrainingRun, network: TwoStageNetwork, batch: Sample) -> tuple[list[Rollout], Crops]:
    """What the selection network makes of a batch: the objects to be clicked on, and their crops."""
    image = network_input(batch["image"], run.device)
    with autocast(run.device, run.mixed):
        output = network.selection(image, selection_guidance(network, batch).to(run.device))
    return crops_of(run, batch, image, output)


def crops_of(
    run: TrainingRun, batch: Sample, image: torch.Tensor, output: SelectionOutput
) -> tuple[list[Rollout], Crops]:
    """Ready a batch for boundary clicks; the logits must not need a gradient.

    Args:
        image: (B, 3, S, S) float32 in [-1, 1], the batch's.
    """
    logits = upsampled(output.logits, image.shape[-1])
    maps = logits.clamp(-LIMIT, LIMIT)[:, 0].float().cpu().numpy()
    rollouts = [
        Rollout(cleaned(mask, (x, y), []), truth, (x, y), run.settings.click_sampling)
        for mask, truth, (x, y) in zip(maps, batch["target"].numpy(), batch["click"].tolist(), strict=True)
    ]
    target, distance = batch["target"][:, None].float(), batch["distance"][:, None]
    return rollouts, Crops(image, output.features, target.to(run.device), distance.to(run.device))


@torch.no_grad()
def validate_refinement(run: TrainingRun, held_out: Sample) -> list[float]:
    """Mean IoU on held-out samples before the first and after each boundary click, with the averaged weights."""
    network, size = run.averaged.eval(), run.settings.batch
    ious: list[list[float]] = []
    for start in range(0, len(held_out["click"]), size):
        rollouts, crops = selected(run, network, first_samples(held_out, size, start))
        generators = [np.random.default_rng([run.settings.seed, start + i]) for i in range(len(rollouts))]
        steps = [[r.iou for r in rollouts]]
        with autocast(run.device, run.mixed):
            prepared = network.refinement.prepare(crops.features, crops.image)
        for _ in range(run.settings.clicks):
            _, guidance, before = _click(run, rollouts, generators)
            with autocast(run.device, run.mixed):
                logits = _corrected(network, prepared, guidance, before)
            _accept(rollouts, logits)
            steps.append([r.iou for r in rollouts])
        ious += np.transpose(steps).tolist()
    return [float(v) for v in np.mean(ious, axis=0)]


def supervise(
    run: TrainingRun, rollouts: list[Rollout], crops: Crops, generator: np.random.Generator
) -> tuple[float, list[float]]:
    """Click and supervise, `settings.clicks` times; gradients are accumulated, states are passed on without them.

    Returns:
        mean loss; mean IoU after each click.
    """
    settings = run.settings
    total, ious = 0.0, []
    with autocast(run.device, run.mixed):
        prepared = run.network.refinement.prepare(crops.features, crops.image)
    # Prepared once: the clicks' gradients are summed on a leaf and sent back together at the end.
    kept = prepared.detach().contiguous(memory_format=torch.channels_last).requires_grad_()
    generators = generator.spawn(len(rollouts))
    for _ in range(settings.clicks):
        near, guidance, before = _click(run, rollouts, generators)
        with autocast(run.device, run.mixed):
            logits = _corrected(run.network, kept, guidance, before)
        weight = 1 + (NEIGHBOURHOOD_WEIGHT - 1) * near
        loss = training_loss(settings.loss, logits, crops.target, crops.distance, weight=weight)
        if settings.overlap:
            local = ELSEWHERE + (1 - ELSEWHERE) * near
            loss = loss + settings.overlap * soft_overlap_loss(logits, crops.target, local)
        loss = loss / settings.clicks
        loss.backward()  # type: ignore[no-untyped-call]
        total += loss.item()
        _accept(rollouts, logits)
        ious.append(float(np.mean([r.iou for r in rollouts])))
    prepared.backward(kept.grad)  # type: ignore[no-untyped-call]
    return total, ious


def rollout_sheet(run: TrainingRun, rollouts: Sequence[Rollout], crops: Crops) -> None:
    """Picture what became of a batch: the mask after its last click, and all clicks."""
    shown = rollouts[:SHEET_SAMPLES]
    images = ((crops.image[: len(shown)] + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1)
    write_sheet(
        run.sheet_path,
        images.cpu().numpy(),
        [rollout.truth for rollout in shown],
        [rollout.logits > 0 for rollout in shown],
        [[rollout.selection, *rollout.boundary] for rollout in shown],
    )


def _corrected(
    network: TwoStageNetwork, prepared: torch.Tensor, guidance: torch.Tensor, before: torch.Tensor
) -> torch.Tensor:
    """Logits after a click, (B, 1, S, S), as `model.logits.corrected` makes them."""
    correction = network.refinement(prepared, guidance)
    correction = F.interpolate(correction, size=before.shape[-2:], mode="bilinear", align_corners=False)
    return before.clamp(-TRUST, TRUST) + correction


def _accept(rollouts: list[Rollout], logits: torch.Tensor) -> None:
    answers = logits.detach().clamp(-LIMIT, LIMIT)[:, 0].cpu().numpy()
    list(_ANNOTATORS.map(Rollout.accept, rollouts, answers))


_ANNOTATORS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="annotator")
"""The simulated annotators; OpenCV lets go of the interpreter, so that two of them work at a time."""


def _click(
    run: TrainingRun, rollouts: list[Rollout], generators: list[np.random.Generator]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """One more click on each object.

    Returns:
        neighbourhood of the error: (B, 1, S, S) in {0, 1}; guidance: (B, G, h, w); logits before: (B, 1, S, S).
    """
    sigma = run.network.config.guidance_sigma

    def one(
        rollout: Rollout, generator: np.random.Generator
    ) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        near = rollout.click(generator)
        return near, refinement_guidance(rollout.logits, rollout.boundary, rollout.selection, sigma)

    near, guidance = zip(*_ANNOTATORS.map(one, rollouts, generators), strict=True)
    before = torch.from_numpy(np.stack([rollout.logits for rollout in rollouts]))
    return (
        torch.from_numpy(np.stack(near))[:, None].float().to(run.device),
        torch.from_numpy(np.stack(guidance)).to(run.device, memory_format=torch.channels_last),
        before[:, None].to(run.device),
    )
