"""Training of the selection network."""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader

from model.guidance import gaussian_map
from model.losses import training_loss
from model.networks import TwoStageNetwork
from model.networks.two_stage import normalise_image
from model.training.augmentation import SELECTION_CROPS
from model.training.precision import autocast
from model.training.run import Log, TrainingRun, TrainingSettings
from model.training.samples import RandomObjects, Sample


def train_selection(settings: TrainingSettings, network: TwoStageNetwork, out: Path) -> None:
    """Train the selection network on random crops, from the full frame to the tight box; resumes what `out` holds."""
    run = TrainingRun(settings, network, [network.selection], out)
    data = RandomObjects(
        settings.data,
        settings.size,
        SELECTION_CROPS,
        seed=settings.seed + run.step,
        source_weights=settings.source_weights,
        paste=settings.paste,
    )
    batches = iter(DataLoader(data, settings.batch, num_workers=settings.workers))
    log = Log(out / "log.csv")
    network.train()
    for step in run.steps():
        batch: Sample = next(batches)
        with autocast(run.device, run.mixed):
            logits = _select(network, batch, run.device, network.config.guidance_sigma)
        target = batch["target"].to(run.device)[:, None].float()
        distance = batch["distance"].to(run.device)[:, None]
        loss = training_loss(settings.loss, logits, target, distance, overlap=settings.overlap)
        loss.backward()  # type: ignore[no-untyped-call]
        run.update()
        log.add(step, loss=loss.item(), iou=mean_iou(logits, target))


def _select(network: TwoStageNetwork, batch: Sample, device: torch.device, sigma: float) -> torch.Tensor:
    image = normalise_image(batch["image"].numpy()).to(device, memory_format=torch.channels_last)
    size = image.shape[-2:]
    guidance = torch.stack(
        [gaussian_map([(x, y)], (size[0], size[1]), sigma) for x, y in batch["click"].tolist()]
    )
    output = network.selection(image, guidance[:, None].to(device))
    logits: torch.Tensor = F.interpolate(output.logits, size=size, mode="bilinear", align_corners=False)
    return logits


def mean_iou(logits: torch.Tensor, target: torch.Tensor) -> float:
    """Mean IoU of (B, 1, H, W) logits against targets in {0, 1}."""
    predicted, truth = logits.detach() > 0, target > 0.5
    intersection = (predicted & truth).sum(dim=(1, 2, 3)).float()
    union = (predicted | truth).sum(dim=(1, 2, 3)).float()
    return float((intersection / union.clamp_min(1)).mean())
