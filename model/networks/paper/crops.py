"""The crop between the paper's two networks: RoIAlign to a fixed grid, or the cells as they are (section 3.2).

Both are one operation on a `Region`. Its edges are in pixels of the selection network's input, where pixel i covers
[i, i + 1]: the frame that RoIAlign has with `aligned=True`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torchvision.ops import roi_align

Edges = tuple[float, float, float, float]
"""Left, top, right, bottom."""


@dataclass(frozen=True)
class Region:
    """A part of the selection network's input, and the grid that the head sees it on.

    Attributes:
        edges: network pixels.
        rows, columns: cells of the grid.
        fineness: pixels of the finest maps along a cell, in each direction.
    """

    edges: Edges
    rows: int
    columns: int
    fineness: int

    def sample(self, maps: torch.Tensor, stride: float, fine: bool = False) -> torch.Tensor:
        """Bilinear samples of maps, one in the middle of each cell.

        Args:
            maps: (1, C, h, w) float32, of the whole input.
            stride: network pixels along a pixel of the maps.
            fine: on the finer grid, `fineness` times as many.

        Returns:
            (1, C, rows, columns), or `fineness` times as many rows and columns.
        """
        times = self.fineness if fine else 1
        corners = torch.tensor([[0.0, *self.edges]], device=maps.device)
        sampled = roi_align(
            maps.float().contiguous(),
            corners,
            (self.rows * times, self.columns * times),
            spatial_scale=1 / stride,
            sampling_ratio=1,
            aligned=True,
        )
        return cast(torch.Tensor, sampled)


def aligned_region(edges: Edges, size: tuple[int, int], stride: int, cells: int) -> Region:
    """RoIAlign: the box as it is, on a grid of `cells` x `cells` whatever its size and shape."""
    return Region(edges, cells, cells, fineness=4)


def naive_region(edges: Edges, size: tuple[int, int], stride: int, cells: int) -> Region:
    """Naive crop: the feature cells that the box touches, unchanged; `size`: (height, width) of the input."""
    left, top = (max(math.floor(edge / stride), 0) for edge in edges[:2])
    right = min(math.ceil(edges[2] / stride), size[1] // stride)
    bottom = min(math.ceil(edges[3] / stride), size[0] // stride)
    # Two cells at least: a channel of a single value cannot be normalised.
    left, top = min(left, size[1] // stride - 2), min(top, size[0] // stride - 2)
    right, bottom = max(right, left + 2), max(bottom, top + 2)
    corners = (float(left * stride), float(top * stride), float(right * stride), float(bottom * stride))
    return Region(corners, bottom - top, right - left, fineness=stride)


REGIONS: dict[str, Callable[[Edges, tuple[int, int], int, int], Region]] = {
    "roi-align": aligned_region,
    "naive": naive_region,
}
"""By the configuration's `crop`; arguments: box, (height, width) of the input, stride of the features, grid."""
