"""Training of the paper's refinement head (sections 3.2 to 3.4): real errors, crops of the features, clicks at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from model import masks
from model.errors import SettingsError
from model.geometry import Box, View
from model.logits import logit
from model.losses import soft_overlap_loss, training_loss
from model.networks import PaperConfig
from model.networks.paper.backbone import STRIDE
from model.networks.paper.crops import REGIONS, Region
from model.networks.parts import SelectionOutput
from model.networks.two_stage import TwoStageNetwork
from model.paper import click_maps, padded
from model.simulation import jittered
from model.training.clicking import BOUNDARY_RULES, Aim, central_click, sample_aims
from model.training.precision import autocast
from model.training.run import TrainingRun, TrainingSettings
from model.training.samples import Sample
from model.training.selection import (
    first_samples,
    network_input,
    selection_guidance,
    train_selection,
    upsampled,
)

POOL = 4
"""Samples that are encoded for each one that is trained on: few have errors of the wanted size."""

TRAINED_IOU = (0.2, 0.6)
"""Instances whose selection is as good as this are trained on (section 3.4); others only to fill a batch."""

NEIGHBOURHOOD = 40.0
"""Side of the square around each click in which pixels count `NEIGHBOURHOOD_WEIGHT` times (section 3.4)."""

NEIGHBOURHOOD_WEIGHT = 2.0

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Instance:
    """One object with the clicks on the errors of its selection.

    Attributes:
        number: in the batch.
        region: its crop.
        before: (1, 1, H, W) logits of the selection on the fine grid.
        maps: (1, maps, h, w), clicks; target, distance, weight: (1, 1, H, W), fine.
    """

    number: int
    region: Region
    before: torch.Tensor
    maps: torch.Tensor
    target: torch.Tensor
    distance: torch.Tensor
    weight: torch.Tensor


def train_paper_selection(settings: TrainingSettings, network: TwoStageNetwork, out: Path) -> None:
    """As `train_selection`; SettingsError for a batch of one, which the pyramid's widest pool cannot normalise."""
    if settings.batch < 2:
        raise SettingsError(
            f"batch: expected at least 2 samples to train {network.config.name}, got {settings.batch}; "
            "batch normalisation needs several"
        )
    train_selection(settings, network, out)


def train_paper_refinement(settings: TrainingSettings, network: TwoStageNetwork, out: Path) -> None:
    """Train the head with the selection network frozen; resumes what `out` holds.

    One step is one set of clicks, as many as `click_sampling.per_step` says; `settings.clicks` has no part in it.
    """
    run = TrainingRun(settings, network, [network.refinement], out)
    batches = run.batches(POOL)
    held_out = run.data.validation()
    for step in run.steps():
        network.eval()
        network.refinement.train()
        output, instances = _instances(run, network, next(batches), run.generator(), settings.batch)
        loss, before, after = _supervise(run, network, output, instances)
        run.update()
        run.log.add(step, loss=loss, iou0=before, iou1=after)
        if held_out and run.due(settings.validate_every):
            figures = _validate(run, held_out)
            run.log.note(step, held_out_iou0=figures[0], held_out_iou1=figures[1])


def in_trained_range(iou: float) -> float:
    """How far a selection's IoU lies from the range that is trained on; 0 within."""
    return max(TRAINED_IOU[0] - iou, iou - TRAINED_IOU[1], 0.0)


def neighbourhood_weight(clicks: Sequence[tuple[float, float]], size: tuple[int, int]) -> torch.Tensor:
    """(1, 1, H, W) factor per pixel: twice within 40 x 40 pixels around each click, once elsewhere (section 3.4)."""
    weight = torch.ones(1, 1, *size)
    rows, columns = torch.arange(size[0])[:, None], torch.arange(size[1])[None]
    for x, y in clicks:
        near = ((rows - y).abs() <= NEIGHBOURHOOD / 2) & ((columns - x).abs() <= NEIGHBOURHOOD / 2)
        weight[0, 0][near] = NEIGHBOURHOOD_WEIGHT
    return weight


@torch.no_grad()
def _instances(
    run: TrainingRun, network: TwoStageNetwork, batch: Sample, generator: np.random.Generator, count: int
) -> tuple[SelectionOutput, list[Instance]]:
    """Encode a pool of samples and take the `count` whose errors are nearest to what the paper trains on."""
    with autocast(run.device, run.mixed):
        output = network.selection(
            network_input(batch["image"], run.device), selection_guidance(network, batch).to(run.device)
        )
    size = batch["target"].shape[-1]
    logits = upsampled(output.logits, size)[:, 0].float().cpu().numpy()
    truths = batch["target"].numpy()
    ious = [masks.intersection_over_union(p > 0, t) for p, t in zip(logits, truths, strict=True)]
    order = sorted(range(len(ious)), key=lambda number: in_trained_range(ious[number]))[:count]
    config = cast(PaperConfig, network.config)
    sampling = run.settings.click_sampling
    rule = central_click if config.refinement == "central" else BOUNDARY_RULES[sampling.rule]
    instances = []
    for number in order:
        region = _region(logits[number], tuple(batch["click"][number].tolist()), config)
        beyond = ~_inside(region, size)
        aims = sample_aims(rule, logits[number] > 0, truths[number], sampling, generator, ignore=beyond)
        clicks = _made(aims, truths[number], run, generator)
        instances.append(_instance(run, batch, output, number, region=region, clicks=clicks))
    return output, instances


def _made(
    aims: Sequence[Aim], truth: Mask, run: TrainingRun, generator: np.random.Generator
) -> list[tuple[float, float, str]]:
    """The clicks as a hand makes them, a few pixels off; central ones stay on their side of the outline."""
    rows, columns = np.flatnonzero(truth.any(axis=1)), np.flatnonzero(truth.any(axis=0))
    noise = run.settings.click_sampling.boundary_noise(float(np.hypot(np.ptp(rows) + 1, np.ptp(columns) + 1)))
    within = {"boundary": np.ones_like(truth), "positive": truth, "negative": ~truth}
    return [(*jittered(point, noise, within[role], generator), role) for point, role in aims]


def _region(logits: NDArray[np.float32], click: tuple[float, ...], config: PaperConfig) -> Region:
    """The crop that the session would make of these logits, (S, S)."""
    height, width = logits.shape
    column, row = (min(max(round(v), 0), side - 1) for v, side in zip(click, (width, height), strict=True))
    box = Box(column, row, column + 1, row + 1)
    selected = logits > logit(config.crop_threshold)
    if selected.any():
        box = box.union(Box.of_mask(selected))
    box = padded(box, config.crop_padding).clipped(width, height)
    edges = (float(box.left), float(box.top), float(box.right), float(box.bottom))
    return REGIONS[config.crop](edges, (height, width), STRIDE, config.crop_size // 4)


def _inside(region: Region, size: int) -> Mask:
    left, top, right, bottom = (round(edge) for edge in region.edges)
    inside: Mask = np.zeros((size, size), bool)
    inside[top:bottom, left:right] = True
    return inside


def _instance(
    run: TrainingRun,
    batch: Sample,
    output: SelectionOutput,
    number: int,
    *,
    region: Region,
    clicks: Sequence[tuple[float, float, str]],
) -> Instance:
    size = batch["target"].shape[-1]
    view = View(Box(0, 0, size, size), size, size)
    maps = click_maps(clicks, view, cast(PaperConfig, run.network.config))[None]
    target = batch["target"][number][None, None].float()
    weight = neighbourhood_weight([(x, y) for x, y, _ in clicks], (size, size))
    return Instance(
        number,
        region,
        before=region.sample(output.logits[number : number + 1], STRIDE, fine=True),
        maps=region.sample(maps, 1).to(run.device),
        target=(region.sample(target, 1, fine=True) > 0.5).float().to(run.device),
        distance=region.sample(batch["distance"][number][None, None], 1, fine=True).to(run.device),
        weight=region.sample(weight, 1, fine=True).to(run.device),
    )


def _refined(
    run: TrainingRun, network: TwoStageNetwork, output: SelectionOutput, instances: Sequence[Instance]
) -> list[torch.Tensor]:
    """The head's logits of each instance, (1, 1, H, W) on its fine grid; naive crops are padded to the largest."""
    rows = max(each.region.rows for each in instances)
    columns = max(each.region.columns for each in instances)
    prepared, maps = [], []
    for each in instances:
        features = each.region.sample(output.features[each.number : each.number + 1], STRIDE)
        pad = (0, columns - each.region.columns, 0, rows - each.region.rows)
        prepared.append(F.pad(network.refinement.prepare(features, features), pad))
        maps.append(F.pad(each.maps, pad))
    with autocast(run.device, run.mixed):
        logits = network.refinement(torch.cat(prepared), torch.cat(maps)).float()
    return [
        F.interpolate(
            logits[i : i + 1, :, : each.region.rows, : each.region.columns],
            scale_factor=each.region.fineness,
            mode="bilinear",
            align_corners=False,
        )
        for i, each in enumerate(instances)
    ]


def _supervise(
    run: TrainingRun, network: TwoStageNetwork, output: SelectionOutput, instances: Sequence[Instance]
) -> tuple[float, float, float]:
    """Accumulate the gradients of one batch; returns loss and mean IoU inside the crops before and after the clicks."""
    settings = run.settings
    logits = _refined(run, network, output, instances)
    # Class balance is the mini-batch's (Eq. 1), so that the crops, which may differ in size, are laid end to end.
    one, target, distance, weight = (
        torch.cat([values.flatten() for values in each])[None, None, None]
        for each in (
            logits,
            [i.target for i in instances],
            [i.distance for i in instances],
            [i.weight for i in instances],
        )
    )
    loss = training_loss(settings.loss, one, target, distance, weight=weight)
    if settings.overlap:
        loss = loss + settings.overlap * soft_overlap_loss(one, target)
    loss.backward()  # type: ignore[no-untyped-call]
    return loss.item(), *_mean_ious(logits, instances)


@torch.no_grad()
def _validate(run: TrainingRun, held_out: Sample) -> tuple[float, float]:
    """Mean IoU inside the crops of held-out samples before and after their clicks, with the averaged weights."""
    network, size = run.averaged.eval(), run.settings.batch
    figures = []
    for start in range(0, len(held_out["click"]), size):
        part = first_samples(held_out, size, start)
        generator = np.random.default_rng([run.settings.seed, start])
        output, instances = _instances(run, network, part, generator, len(part["click"]))
        figures.append((len(instances), *_mean_ious(_refined(run, network, output, instances), instances)))
    counts, before, after = np.array(figures).T
    return float(np.average(before, weights=counts)), float(np.average(after, weights=counts))


def _mean_ious(logits: Sequence[torch.Tensor], instances: Sequence[Instance]) -> tuple[float, float]:
    pairs = [
        [
            masks.intersection_over_union((values > 0).cpu().numpy(), (each.target > 0.5).cpu().numpy())
            for values in (each.before, refined.detach())
        ]
        for each, refined in zip(instances, logits, strict=True)
    ]
    before, after = np.mean(pairs, axis=0)
    return float(before), float(after)
