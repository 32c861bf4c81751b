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

from model.training.augmentation import FILL, Placement
from model.training.rendering import Recipe


class Ingredients(TypedDict):
    """What is needed to render B samples of S x S pixels, P of them with a pasted object.

    Attributes:
        canvas: (B, H, W, 3) uint8; matrix: (B, 2, 3), pixels of the sample to pixels of the canvas.
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
    pastes = [
        (number, r.other, r.paste)
        for number, r in enumerate(recipes)
        if r.other is not None and r.paste is not None
    ]
    canvas, matrix = _on_canvases([_cut(r.image, r.placement) for r in recipes])
    other, other_matrix = _on_canvases([_cut(image, paste.placement) for _, image, paste in pastes])
    size = recipes[0].placement.size
    opacity = np.empty((len(pastes), size, size), np.uint8)
    for number, (_, _, paste) in enumerate(pastes):
        opacity[number] = paste.opacity
    return Ingredients(
        canvas=canvas,
        matrix=matrix,
        colour=torch.from_numpy(np.stack([r.look.matrix for r in recipes]).astype(np.float32)),
        blur=torch.tensor([r.look.blur for r in recipes]),
        pasted=torch.tensor([number for number, _, _ in pastes], dtype=torch.long),
        other=other,
        other_matrix=other_matrix,
        opacity=torch.from_numpy(opacity),
    )


Part = tuple[NDArray[np.uint8], NDArray[np.float64]]


def _cut(pixels: NDArray[np.uint8], placement: Placement) -> Part:
    """The part of the reduced image that a sample shows, and (2, 3), pixels of the sample to pixels of that part."""
    reduced, last = placement.reduced(pixels), placement.size - 1
    matrix = np.asarray(cv2.invertAffineTransform(placement.matrix), np.float64)
    corners = matrix @ np.array([[0, last, 0, last], [0, 0, last, last], [1, 1, 1, 1]])
    left, top = (max(math.floor(corners[axis].min()) - 1, 0) for axis in (0, 1))
    right, bottom = (max(math.ceil(corners[axis].max()) + 2, 0) for axis in (0, 1))
    matrix[:, 2] -= (left, top)
    return reduced[top:bottom, left:right], matrix


def _on_canvases(parts: Sequence[Part]) -> tuple[torch.Tensor, torch.Tensor]:
    """Canvases of one size with a border of fill, so that beyond the image there is fill; and the matrices to them."""
    height, width = (max((part.shape[axis] for part, _ in parts), default=0) + 2 for axis in (0, 1))
    canvases = np.full((len(parts), height, width, 3), np.array(FILL, np.uint8))
    matrices = np.zeros((len(parts), 2, 3), np.float32)
    for number, (part, matrix) in enumerate(parts):
        canvases[number, 1 : 1 + part.shape[0], 1 : 1 + part.shape[1]] = part
        matrices[number] = matrix
    matrices[:, :, 2] += 1
    return torch.from_numpy(canvases), torch.from_numpy(matrices)


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
    """(B, H, W, 3) uint8 to (B, 3, S, S) float32 within [0, 255]."""
    steps = torch.arange(size, device=canvas.device, dtype=torch.float32)
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    points = torch.stack([x, y, torch.ones_like(x)], dim=-1)
    source = torch.einsum("hwj,bij->bhwi", points, matrix)
    extent = torch.tensor([canvas.shape[2], canvas.shape[1]], device=canvas.device)
    grid = (2 * source + 1) / extent - 1
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
