"""Training of selection network and refinement head together, from a checkpoint in which both are trained already.

From the start it does not work: the head learns to copy the mask before it, since the selection gets better by itself.
"""

from pathlib import Path

import numpy as np
import torch

from model.losses import training_loss
from model.networks.parts import SelectionOutput
from model.networks.two_stage import TwoStageNetwork
from model.training.precision import autocast
from model.training.refinement import (
    Crops,
    crops_of,
    numbered,
    rollout_sheet,
    supervise,
    validate_refinement,
)
from model.training.rollouts import Rollout
from model.training.run import TrainingRun, TrainingSettings
from model.training.samples import Sample
from model.training.selection import network_input, selection_guidance, upsampled


def train_joint(settings: TrainingSettings, network: TwoStageNetwork, out: Path) -> None:
    """Train everything on the loss of the first click plus that of the boundary clicks; resumes what `out` holds."""
    run = TrainingRun(settings, network, [network.selection, network.refinement], out)
    batches = run.batches()
    held_out = run.data.validation()
    network.train()
    for step in run.steps():
        first, loss, ious, crops, rollouts = backward(run, next(batches))
        run.update()
        run.log.add(step, first_loss=first, loss=loss, **numbered("iou", ious, first=0))
        if held_out and run.due(settings.validate_every):
            figures = validate_refinement(run, held_out)
            run.log.note(step, **numbered("held_out_iou", figures, first=0))
        if run.due(settings.sample_every):
            rollout_sheet(run, rollouts, crops)


def backward(run: TrainingRun, batch: Sample) -> tuple[float, float, list[float], Crops, list[Rollout]]:
    """Accumulate the gradients of one batch; the encoder runs once forward and once backward.

    Returns:
        loss of the first click; mean loss of the boundary clicks; mean IoU after each click; what was clicked on.
    """
    settings = run.settings
    image = network_input(batch["image"], run.device)
    with autocast(run.device, run.mixed):
        output = run.network.selection(image, selection_guidance(run.network, batch).to(run.device))
    # The clicks' gradients are summed on a leaf, and go on into the encoder together with those of the first click.
    leaf = output.features.detach().requires_grad_()
    rollouts, crops = crops_of(run, batch, image, SelectionOutput(output.logits.detach(), leaf))
    before = float(np.mean([rollout.iou for rollout in rollouts]))
    first = settings.selection_weight * training_loss(
        settings.loss,
        upsampled(output.logits, image.shape[-1]),
        crops.target,
        crops.distance,
        overlap=settings.overlap,
    )
    loss, ious = supervise(run, rollouts, crops, run.generator())
    torch.autograd.backward([first, output.features], [None, leaf.grad])
    return first.item(), loss, [before, *ious], crops, rollouts
