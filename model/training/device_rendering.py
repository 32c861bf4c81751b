"""The pixels of a batch of samples on the device that trains: the same recipes as rendering.py, other arithmetic.

The processes that prepare samples still draw the parameters and make masks, distances and clicks, which need the CPU;
of the images they only cut out the part that a sample shows.
"""

import math
from collections.abc import Sequence
from typing import TypedDict

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from model.training.augmentation import FILL, OVERSAMPLING, Placement
from model.training.rendering import Recipe


class Ingredients(TypedDict):
    """What is needed to render B samples of S x S pixels, P of them with a pasted object, on canvases of C x C pixels.

    Attributes:
        canvas: (B, C, C, 3) uint8; matrix: (B, 2, 3), pixels of the sample to pixels of the canvas.
        colour: (B, 3, 4); blur: (B,) standard deviations, 0 for none.
        pasted: (P,) numbers of the samples; other, other_matrix: as canvas and matrix; opacity: (P, S, S) uint8.
    """

    canvas: torch.Tensor
    matrix: torch.Tensor
    colour: torch.Tensor
    blur: torch.Tensor
    pasted: torch.Tensor
    other: torch.Tensor
    other_matrix: torch.Tensor
    opacity: torch.Tensor


def gather(recipes: Sequence[Recipe]) -> Ingredients:
    """What the device needs of B recipes."""
    own = [_cut(r.image, r.placement) for r in recipes]
    pastes = [
        (number, *_cut(r.other, r.paste.placement), r.paste.opacity)
        for number, r in enumerate(recipes)
        if r.other is not None and r.paste is not None
    ]
    size, side = recipes[0].placement.size, own[0][0].shape[0]
    return Ingredients(
        canvas=_stacked([canvas for canvas, _ in own]),
        matrix=_stacked([matrix for _, matrix in own]),
        colour=_stacked([r.look.matrix.astype(np.float32) for r in recipes]),
        blur=torch.tensor([r.look.blur for r in recipes]),
        pasted=torch.tensor([number for number, *_ in pastes], dtype=torch.long),
        other=_stacked([p[1] for p in pastes], np.empty((0, side, side, 3), np.uint8)),
        other_matrix=_stacked([p[2] for p in pastes], np.empty((0, 2, 3), np.float32)),
        opacity=_stacked([p[3] for p in pastes], np.empty((0, size, size), np.uint8)),
    )


def _stacked(arrays: Sequence[NDArray[np.generic]], empty: NDArray[np.generic] | None = None) -> torch.Tensor:
    return torch.from_numpy(np.stack(arrays) if arrays else empty)


def _cut(pixels: NDArray[np.uint8], placement: Placement) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The part of the reduced image that a sample shows, on a canvas large enough for any angle.

    Returns:
        canvas: (C, C, 3); matrix: (2, 3), pixels of the sample to pixels of the canvas.
    """
    size = placement.size
    side = math.ceil(OVERSAMPLING * math.sqrt(2) * size) + 4
    reduced = placement.reduced(pixels)
    matrix = np.asarray(cv2.invertAffineTransform(placement.matrix), np.float64)
    corners = matrix @ np.array([[0, size - 1, 0, size - 1], [0, 0, size - 1, size - 1], [1, 1, 1, 1]])
    left, top = (math.floor(corners[axis].min()) - 1 for axis in (0, 1))
    canvas = np.full((side, side, 3), FILL, np.uint8)
    part = reduced[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)]
    row, column = max(-top, 0), max(-left, 0)
    if part.size:
        canvas[row : row + part.shape[0], column : column + part.shape[1]] = part
    matrix[:, 2] -= (left, top)
    return canvas, matrix.astype(np.float32)


def render_batch(ingredients: Ingredients, device: torch.device) -> torch.Tensor:
    """(B, S, S, 3) uint8 on the device; agrees with `rendering.render` up to rounding and interpolation in steps."""
    blur = ingredients["blur"]
    tensors: dict[str, torch.Tensor] = dict(ingredients)  # type: ignore[arg-type]
    moved = {name: value.to(device, non_blocking=True) for name, value in tensors.items() if name != "blur"}
    size = moved["opacity"].shape[-1]
    pixels = _warp(moved["canvas"], moved["matrix"], size)
    if len(moved["pasted"]):
        above = _warp(moved["other"], moved["other_matrix"], size)
        below = pixels[moved["pasted"]]
        share = moved["opacity"][:, None].float() / 255
        pixels = pixels.index_copy(0, moved["pasted"], below + share * (above - below))
    colour = moved["colour"]
    pixels = torch.einsum("bij,bjhw->bihw", colour[..., :3], pixels) + colour[..., 3, None, None]
    pixels = pixels.clamp(0, 255)
    blurred = torch.nonzero(blur > 0)[:, 0]
    if len(blurred):
        pixels[blurred.to(device)] = _blurred(pixels[blurred.to(device)], blur[blurred])
    return pixels.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


def _warp(canvas: torch.Tensor, matrix: torch.Tensor, size: int) -> torch.Tensor:
    """(B, C, C, 3) uint8 to (B, 3, S, S) float32 within [0, 255]."""
    steps = torch.arange(size, device=canvas.device, dtype=torch.float32)
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    points = torch.stack([x, y, torch.ones_like(x)], dim=-1)
    source = torch.einsum("hwj,bij->bhwi", points, matrix)
    grid = (2 * source + 1) / canvas.shape[1] - 1
    pixels = canvas.permute(0, 3, 1, 2).float()
    warped: torch.Tensor = F.grid_sample(
        pixels, grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return warped


def _blurred(pixels: torch.Tensor, sigmas: torch.Tensor) -> torch.Tensor:
    """Gaussian blur of (B, 3, S, S), each with its own standard deviation (B,)."""
    count, channels, height, width = pixels.shape
    reach = math.ceil(3 * float(sigmas.max()))
    steps = torch.arange(-reach, reach + 1)
    kernel = torch.exp(-0.5 * (steps / sigmas[:, None]) ** 2)
    kernel = (kernel / kernel.sum(dim=1, keepdim=True)).to(pixels.device).repeat_interleave(channels, dim=0)
    flat = F.pad(pixels, (reach, reach, reach, reach), mode="reflect").reshape(
        1, -1, height + 2 * reach, width + 2 * reach
    )
    groups = count * channels
    flat = F.conv2d(flat, kernel[:, None, None, :], groups=groups)
    flat = F.conv2d(flat, kernel[:, None, :, None], groups=groups)
    return flat.reshape(count, channels, height, width)
