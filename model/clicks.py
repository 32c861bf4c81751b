"""Clicks and the guidance maps that carry them into the networks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch

from model.errors import InvalidClick

Role = Literal["select", "boundary", "positive", "negative"]
"""`select`: inside the object. `boundary`: on its outline. `positive`, `negative`: the two kinds of central click (PNR)."""

ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True)
class Click:
    """One click of the annotator.

    Args:
        x, y: image pixels, pixel centres: (0, 0) is the centre of the top left pixel.
        role: what the click says about the object.

    Raises:
        InvalidClick: a coordinate is not a finite number, or the role is unknown.
    """

    x: float
    y: float
    role: Role = "select"

    def __post_init__(self) -> None:
        for name in ("x", "y"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
                raise InvalidClick(f"click {name}: expected a number of pixels, got {value!r}")
            if not math.isfinite(value):
                raise InvalidClick(f"click {name}: expected a finite number of pixels, got {value}")
            object.__setattr__(self, name, float(value))
        if self.role not in ROLES:
            raise InvalidClick(f"click role: expected one of {', '.join(ROLES)}, got {self.role!r}")

    def require_inside(self, width: int, height: int) -> None:
        """Raise InvalidClick unless the click lies on a pixel of a `width` x `height` image."""
        if not (-0.5 <= self.x <= width - 0.5 and -0.5 <= self.y <= height - 0.5):
            raise InvalidClick(
                f"click ({self.x:g}, {self.y:g}): expected a point inside the {width} x {height} image; "
                "send image pixels, not percent or screen coordinates"
            )

    def pixel(self, width: int, height: int) -> tuple[int, int]:
        """(column, row) of the pixel under the click, clamped to the image."""
        return (
            min(max(math.floor(self.x + 0.5), 0), width - 1),
            min(max(math.floor(self.y + 0.5), 0), height - 1),
        )


def gaussian_map(
    points: Sequence[tuple[float, float]],
    size: tuple[int, int],
    sigmas: float | Sequence[float],
    amplitudes: Sequence[float] | None = None,
) -> torch.Tensor:
    """Guidance map: zeros with a Gaussian at each point; where two overlap, the one of larger magnitude counts.

    Args:
        points: (N, 2), x and y in pixels of the map, pixel centres; points outside the map are allowed.
        size: (height, width) of the map.
        sigmas: standard deviation in pixels of the map, one for all or one per point; the paper's is 10 (section 3).
        amplitudes: (N,), height of each Gaussian; default 1.

    Returns:
        (height, width) float32; within [0, 1] for the default amplitudes.
    """
    height, width = size
    if not points:
        return torch.zeros(height, width)
    xy = torch.tensor(points, dtype=torch.float32)
    scale = (-0.5 / torch.as_tensor(sigmas, dtype=torch.float32).expand(len(points)) ** 2)[:, None]
    along_x = torch.exp(scale * (torch.arange(width) - xy[:, :1]) ** 2)
    along_y = torch.exp(scale * (torch.arange(height) - xy[:, 1:]) ** 2)
    if amplitudes is not None:
        along_y = along_y * torch.tensor(amplitudes, dtype=torch.float32)[:, None]
    maps = along_y[:, :, None] * along_x[:, None, :]
    return maps.gather(0, maps.abs().argmax(dim=0, keepdim=True))[0]
