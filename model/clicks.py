"""Clicks: the one type that every adapter turns its tool's points into."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from model.errors import InvalidClick

Role = Literal["select", "boundary", "positive", "negative"]
"""`select`: inside the object. `boundary`: on its outline. `positive`, `negative`: central clicks (PNR)."""

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
            try:
                pixels = float(value)
            except OverflowError:
                pixels = math.inf
            if not math.isfinite(pixels):
                raise InvalidClick(f"click {name}: expected a finite number of pixels, got {pixels}")
            object.__setattr__(self, name, pixels)
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
