"""The program that converts networks: `python -m model.runtimes.program WEIGHTS --out FOLDER [--head FILE]`."""

import argparse
import contextlib
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from model.checkpoints import load_checkpoint
from model.errors import WeightsError
from model.heads import unpack_head
from model.networks.maps import FEATURE_STRIDE, GUIDANCE, SIZE_MULTIPLE
from model.networks.two_stage import TwoStageNetwork
from model.runtimes.conversion import ADAPT, CORRECT, PREPARE, SELECT, WRONG_WEIGHTS
from model.runtimes.library import ov

ANY = -1
HEAD_NICENESS = 10
"""Heads are promoted while people click."""


class Select(nn.Module):
    """The selection network with a tuple as its answer, as converters want it."""

    def __init__(self, network: TwoStageNetwork) -> None:
        super().__init__()
        self.selection = network.selection

    def forward(self, image: torch.Tensor, guidance: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """As `Selection`: logits and features."""
        output = self.selection(image, guidance)
        return output.logits, output.features


class _Prepare(nn.Module):
    """The head's part that depends on the crop alone."""

    def __init__(self, network: TwoStageNetwork) -> None:
        super().__init__()
        self.refinement = network.refinement

    def forward(self, features: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        prepared: torch.Tensor = self.refinement.prepare(features, image)
        return prepared


@torch.no_grad()
def convert_selection(network: TwoStageNetwork, folder: Path) -> None:
    """Write `SELECT`: it takes images of any size that is a multiple of 32."""
    side = 4 * SIZE_MULTIPLE
    example = (torch.zeros(1, 3, side, side), torch.zeros(1, 1, side, side))
    _write(Select(network), example, [(1, 3, ANY, ANY), (1, 1, ANY, ANY)], folder / SELECT)


@torch.no_grad()
def convert_head(network: TwoStageNetwork, folder: Path) -> None:
    """Write `PREPARE` and `CORRECT`, for crops of the configuration's size; an adapter as `ADAPT`, for any size."""
    size = network.config.crop_size
    grid = size // FEATURE_STRIDE
    crop = (torch.zeros(1, network.config.feature_channels, grid, grid), torch.zeros(1, 3, size, size))
    _write(_Prepare(network), crop, [tuple(each.shape) for each in crop], folder / PREPARE)
    click = (network.refinement.prepare(*crop), torch.zeros(1, len(GUIDANCE), grid, grid))
    _write(network.refinement, click, [tuple(each.shape) for each in click], folder / CORRECT)
    if network.adapter is not None:
        shapes = [(1, channels, ANY, ANY) for channels in (network.config.feature_channels, 1)]
        _write(network.adapter, (crop[0], crop[0][:, :1]), shapes, folder / ADAPT)


def _write(
    module: nn.Module, example: tuple[torch.Tensor, ...], shapes: Sequence[tuple[int, ...]], path: Path
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # tracing fixes nothing that changes here, and is on its way out of torch
        traced = torch.jit.trace(module.eval(), example, check_trace=False)  # type: ignore[no-untyped-call]
        model: Any = ov.convert_model(
            traced, example_input=example, input=[ov.PartialShape(list(shape)) for shape in shapes]
        )
    # Weights come as float16, but for an adapter's.
    ov.save_model(model, path, compress_to_fp16=path.name != ADAPT)


def main() -> int:
    """Convert what the arguments name; 0, or `WRONG_WEIGHTS` and a line on standard error."""
    parser = argparse.ArgumentParser(prog="model.runtimes.program", description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--head", type=Path, help="a packed head to convert instead of the checkpoint")
    parser.add_argument("--name", default="head", help="of the head's version")
    args = parser.parse_args()
    torch.set_num_threads(1)
    try:
        checkpoint = load_checkpoint(args.weights)
        if args.head:
            with contextlib.suppress(AttributeError, OSError):
                os.nice(HEAD_NICENESS)
            checkpoint = unpack_head(args.head.read_bytes(), checkpoint, args.name)
        else:
            convert_selection(checkpoint.network, args.out)
        convert_head(checkpoint.network, args.out)
    except WeightsError as error:
        print(error, file=sys.stderr)
        return WRONG_WEIGHTS
    return 0


if __name__ == "__main__":
    sys.exit(main())
