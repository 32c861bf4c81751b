"""Losses on logits. All are means per object, so that learning rates do not depend on the image size."""

from typing import Literal

import torch
import torch.nn.functional as F

LossName = Literal["nfl", "ba-ce", "cb-ce"]

TAU = 40.0
K = 255.0


def boundary_aware_weight(outside_distance: torch.Tensor, tau: float = TAU, k: float = K) -> torch.Tensor:
    """Extra weight of the background near the object (Eq. 2): d / k up to tau, zero inside and beyond.

    Args:
        outside_distance: (B, 1, H, W) Euclidean distance in pixels of each background pixel to the object; 0 inside.

    Returns:
        The same shape, within [0, tau / k].
    """
    return torch.where(outside_distance <= tau, outside_distance / k, torch.zeros_like(outside_distance))


def class_balanced_cross_entropy(
    logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None = None
) -> torch.Tensor:
    """CB-CE (Eq. 1), or BA-CE (Eq. 3) with `weight` = 1 + `boundary_aware_weight`.

    Args:
        logits, target: (B, 1, H, W), target in {0, 1}.
        weight: (B, 1, H, W).

    Returns:
        scalar.
    """
    foreground = target.mean().clamp(1e-6, 1 - 1e-6)
    balance = torch.where(target > 0.5, 0.5 / foreground, 0.5 / (1 - foreground))
    loss = balance * F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (loss if weight is None else loss * weight).mean()


def normalised_focal_loss(
    logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None = None, gamma: float = 2.0
) -> torch.Tensor:
    """Focal loss whose factors sum to one per object, so that the gradient does not fade as the mask gets better.

    Source: Sofiiuk et al., "AdaptIS", 2019.

    Args:
        logits, target: (B, 1, H, W), target in {0, 1}.
        weight: (B, 1, H, W) factor per pixel.

    Returns:
        scalar.
    """
    cross_entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    with torch.no_grad():
        focal = (1 - torch.exp(-cross_entropy)) ** gamma
        focal = focal / focal.sum(dim=(1, 2, 3), keepdim=True).clamp_min(1e-6)
    loss = focal * cross_entropy
    if weight is not None:
        loss = loss * weight
    return loss.sum(dim=(1, 2, 3)).mean()


def soft_overlap_loss(
    logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None = None
) -> torch.Tensor:
    """1 - IoU of the probabilities with the target; unlike the focal loss it goes on until the background is at zero.

    Args:
        logits, target: (B, 1, H, W), target in {0, 1}.
        weight: (B, 1, H, W), how much each pixel counts.

    Returns:
        scalar.
    """
    probability = torch.sigmoid(logits)
    both, either = probability * target, probability + target - probability * target
    if weight is not None:
        both, either = both * weight, either * weight
    intersection, union = both.sum(dim=(1, 2, 3)), either.sum(dim=(1, 2, 3))
    # One pixel is added to both: an object of no pixels would otherwise be 0 / 0.
    return (1 - (intersection + 1) / (union + 1)).mean()


def training_loss(
    name: LossName,
    logits: torch.Tensor,
    target: torch.Tensor,
    distance: torch.Tensor,
    *,
    weight: torch.Tensor | None = None,
    overlap: float = 0.0,
) -> torch.Tensor:
    """The loss of that name.

    Args:
        name: `nfl` (normalised focal loss with the boundary-aware weight), `ba-ce` or `cb-ce` (Eq. 3 and 1).
        logits, target, distance: (B, 1, H, W); distance to the object in pixels, 0 inside.
        weight: (B, 1, H, W) factor per pixel.
        overlap: weight of `soft_overlap_loss` that is added.

    Returns:
        scalar.
    """
    if name != "cb-ce":
        aware = 1 + boundary_aware_weight(distance)
        weight = aware if weight is None else weight * aware
    pixels = normalised_focal_loss if name == "nfl" else class_balanced_cross_entropy
    loss = pixels(logits, target, weight)
    return loss + overlap * soft_overlap_loss(logits, target) if overlap else loss
