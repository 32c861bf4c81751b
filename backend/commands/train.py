"""`boundaryclick train`: the two stages, one after the other."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend.cli import Parser

EXAMPLE = """\
examples:
  boundaryclick train selection --data coco/ --out runs/selection
  boundaryclick train refinement --data coco/ --start runs/selection/weights.safetensors --out runs/refinement
The same command again continues a run that was stopped.
"""


def add_parser(subparsers: "argparse._SubParsersAction[Parser]") -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser(
        "train",
        help="train the selection network or the refinement head",
        description="Train on a folder in COCO layout: annotations.json and images/. Resumes what --out holds.",
        epilog=EXAMPLE,
    )
    parser.add_argument(
        "stage", choices=("selection", "refinement"), help="what is trained; the rest is kept"
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with annotations.json and images/")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder of the run: settings, log, state, weights"
    )
    parser.add_argument("--start", default="imagenet", help="`imagenet` or a checkpoint to start from")
    parser.add_argument("--configuration", default="default", help="network, if started from `imagenet`")
    parser.add_argument("--steps", type=int, help="optimiser steps in all")
    parser.add_argument("--batch", type=int, help="samples per step")
    parser.add_argument("--size", type=int, help="side of the training crops, pixels, a multiple of 32")
    parser.add_argument("--rate", type=float, help="highest learning rate")
    parser.add_argument("--clicks", type=int, help="boundary clicks per sample (refinement)")
    parser.add_argument("--seed", type=int, help="of samples and clicks")
    parser.add_argument("--workers", type=int, help="processes that prepare samples")
    parser.add_argument("--device", help="cpu or cuda")
    parser.add_argument(
        "--weight",
        action="append",
        default=[],
        type=source_weight,
        metavar="SOURCE=W",
        help="draw objects of images with this `source` W times as often",
    )
    parser.set_defaults(run=run)


def source_weight(text: str) -> tuple[str, float]:
    """SOURCE=W as a pair; argparse reports the error."""
    source, _, weight = text.rpartition("=")
    try:
        value = float(weight)
    except ValueError:
        value = -1.0
    if not source or value < 0:
        raise argparse.ArgumentTypeError(f"expected SOURCE=W with a number W >= 0, got {text!r}")
    return source, value


def run(args: argparse.Namespace) -> int:
    """Train, or continue."""
    from pydantic import ValidationError

    from model.errors import SettingsError
    from model.training.run import TrainingSettings
    from model.training.stages import train

    given = {
        name: value
        for name, value in vars(args).items()
        if name in TrainingSettings.model_fields and value is not None
    }
    try:
        settings = TrainingSettings(source_weights=dict(args.weight), **given)
    except ValidationError as error:
        problems = "; ".join(f"--{e['loc'][0]}: {e['msg']}, got {e['input']!r}" for e in error.errors())
        raise SettingsError(problems) from None
    train(settings, args.out)
    print(f"{args.out / 'weights.safetensors'}: {settings.stage}, {settings.steps} steps")
    return 0
