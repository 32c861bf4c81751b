"""Training of the selection network."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from model.guidance import gaussian_map
from model.losses import training_loss
from model.networks.two_stage import TwoStageNetwork
from model.training.precision import autocast
from model.training.run import TrainingRun, TrainingSettings
from model.training.samples import Sample
from model.training.sheets import SHEET_SAMPLES, write_sheet


def train_selection(settings: TrainingSettings, network: TwoStageNetwork, out: Path) -> None:
    """Train the selection network on random crops, from the full frame to the tight box; resumes what `out` holds."""
    run = TrainingRun(settings, network, [network.selection], out)
    batches = run.batches()
    held_out = run.data.validation()
    network.train()
    for step in run.steps():
        batch = next(batches)
        with autocast(run.device, run.mixed):
            logits = select(network, batch, run.device)
        target = batch["target"].to(run.device, non_blocking=True)[:, None].float()
        distance = batch["distance"].to(run.device, non_blocking=True)[:, None]
        loss = training_loss(settings.loss, logits, target, distance, overlap=settings.overlap)
        loss.backward()  # type: ignore[no-untyped-call]
        run.update()
        run.log.add(step, loss=loss.item(), iou=mean_iou(logits, target))
        if held_out and run.due(settings.validate_every):
            run.log.note(step, held_out_iou=validate_selection(run, held_out))
        if run.due(settings.sample_every):
            _write_sheet(run, first_samples(held_out or batch, SHEET_SAMPLES))


def select(network: TwoStageNetwork, batch: Sample, device: torch.device) -> torch.Tensor:
    """Logits of the first click, (B, 1, S, S)."""
    image = network_input(batch["image"], device)
    output = network.selection(image, selection_guidance(network, batch).to(device, non_blocking=True))
    return upsampled(output.logits, image.shape[-1])


def upsampled(logits: torch.Tensor, size: int) -> torch.Tensor:
    """(B, 1, h, w) to (B, 1, size, size)."""
    result: torch.Tensor = F.interpolate(logits, size=(size, size), mode="bilinear", align_corners=False)
    return result


def selection_guidance(network: TwoStageNetwork, batch: Sample) -> torch.Tensor:
    """The selection clicks as maps, (B, 1, S, S)."""
    size, sigma = (batch["image"].shape[1], batch["image"].shape[2]), network.config.guidance_sigma
    maps = [gaussian_map([(x, y)], size, sigma) for x, y in batch["click"].tolist()]
    return torch.from_numpy(np.stack(maps))[:, None]


def network_input(image: torch.Tensor, device: torch.device) -> torch.Tensor:
    """(B, S, S, 3) uint8 RGB to (B, 3, S, S) float32 in [-1, 1], channels last: bytes travel, a quarter of floats."""
    pixels = image.to(device, non_blocking=True).permute(0, 3, 1, 2).float()
    return pixels.div_(127.5).sub_(1.0).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def predict_selection(run: TrainingRun, batch: Sample) -> torch.Tensor:
    """Logits of the averaged weights, (B, 1, S, S), on the CPU."""
    size = run.settings.batch
    parts = [first_samples(batch, size, start) for start in range(0, len(batch["click"]), size)]
    network = run.averaged.eval()
    with autocast(run.device, run.mixed):
        return torch.cat([select(network, part, run.device).float().cpu() for part in parts])


def _write_sheet(run: TrainingRun, batch: Sample) -> None:
    predicted = predict_selection(run, batch)[:, 0].numpy() > 0
    clicks = [[(x, y)] for x, y in batch["click"].tolist()]
    write_sheet(
        run.sheet_path, batch["image"].cpu().numpy(), list(batch["target"].numpy()), list(predicted), clicks
    )


def validate_selection(run: TrainingRun, held_out: Sample) -> float:
    """Mean IoU of the first click on held-out samples."""
    return mean_iou(predict_selection(run, held_out), held_out["target"][:, None].float())


def first_samples(batch: Sample, count: int, start: int = 0) -> Sample:
    """At most `count` samples of a batch, from `start` on."""
    part = slice(start, start + count)
    return Sample(
        image=batch["image"][part],
        target=batch["target"][part],
        distance=batch["distance"][part],
        click=batch["click"][part],
    )


def mean_iou(logits: torch.Tensor, target: torch.Tensor) -> float:
    """Mean IoU of (B, 1, H, W) logits against targets in {0, 1}."""
    predicted, truth = logits.detach() > 0, target > 0.5
    intersection = (predicted & truth).sum(dim=(1, 2, 3)).float()
    union = (predicted | truth).sum(dim=(1, 2, 3)).float()
    return float((intersection / union.clamp_min(1)).mean())
