"""`boundaryclick train`: the selection network, then the head; both together, or the head on crops of sessions."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backend.cli import Parser

EXAMPLE = """\
examples:
  boundaryclick train selection --data coco/ --out runs/selection
  boundaryclick train refinement --data coco/ --start runs/selection/weights.safetensors --out runs/refinement
  boundaryclick train sessions --data coco/ --start runs/refinement/weights.safetensors --out runs/sessions \
      --steps 400 --batch 8 --clicks 5 --rate 7e-4 --size 320
  boundaryclick train joint --data coco/ --start runs/refinement/weights.safetensors --out runs/joint --rate 1e-4
  boundaryclick train selection --settings run.json --out runs/b --set augmentation.rotation=10
  torchrun --nproc_per_node 4 -m backend.cli train selection --settings run.json --out runs/c --device cuda
The same command again continues a run that was stopped. A settings file is JSON as the settings.json that every run
writes into --out, with the fields that shall differ from the defaults:
  {"data": [{"folder": "coco/"}, {"folder": "more/", "weight": 2}], "steps": 20000, "augmentation": {"rotation": 10}}
With several processes each takes --batch samples a step, and all must see --out.
"""

STAGES = ("selection", "refinement", "joint", "sessions")
OPTIONS = ("start", "configuration", "steps", "batch", "size", "rate", "clicks", "seed", "workers", "device")


def add_parser(subparsers: "argparse._SubParsersAction[Parser]") -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser(
        "train",
        help="train the selection network, the refinement head, or both",
        description="Train on folders in COCO layout: annotations.json and images/. Resumes what --out holds.",
        epilog=EXAMPLE,
    )
    parser.add_argument(
        "stage",
        choices=STAGES,
        help="what is trained, the rest is kept: the selection network, the head, both (joint), or the head on the "
        "crops that sessions have (sessions)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help="folder of the run: settings, log, state, weights; of `sessions` also encoded objects, 2 MB each",
    )
    parser.add_argument("--settings", type=Path, help="JSON file; the other options have precedence")
    parser.add_argument(
        "--data",
        action="append",
        type=Path,
        help="folder with annotations.json and images/; again for each that is mixed in",
    )
    parser.add_argument("--start", help="`imagenet` (default) or a checkpoint to start from")
    parser.add_argument("--configuration", help="network, if started from `imagenet`")
    parser.add_argument("--steps", type=int, help="optimiser steps in all")
    parser.add_argument("--batch", type=int, help="samples per step and process")
    parser.add_argument("--size", type=int, help="side of the training crops, pixels, a multiple of 32")
    parser.add_argument("--rate", type=float, help="highest learning rate")
    parser.add_argument("--clicks", type=int, help="boundary clicks per sample (all but selection)")
    parser.add_argument("--seed", type=int, help="of all that is random")
    parser.add_argument("--workers", type=int, help="processes that prepare samples, for each that trains")
    parser.add_argument("--device", help="cpu or cuda")
    parser.add_argument(
        "--weight",
        action="append",
        default=[],
        type=source_weight,
        metavar="SOURCE=W",
        help="draw objects of images with this `source` W times as often",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=assignment,
        dest="assignments",
        metavar="NAME=VALUE",
        help="any other setting, by its name in settings.json; groups joined by dots",
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


def assignment(text: str) -> tuple[str, Any]:
    """NAME=VALUE as a pair, the value as JSON or, if it is none, as text; argparse reports the error."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, got {text!r}")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def run(args: argparse.Namespace) -> int:
    """Train, or continue."""
    from model.fine_tuning.sessions import train_on_sessions
    from model.training.distributed import Ranks
    from model.training.settings import read_settings
    from model.training.stages import train

    changes: dict[str, Any] = {"stage": args.stage}
    changes |= {name: getattr(args, name) for name in OPTIONS if getattr(args, name) is not None}
    if args.data:
        changes["data"] = [{"folder": str(folder)} for folder in args.data]
    changes |= dict(args.assignments)
    settings = read_settings(args.settings, changes).with_source_weights(dict(args.weight))
    (train_on_sessions if settings.stage == "sessions" else train)(settings, args.out)
    if Ranks.of_environment().first:
        print(f"{args.out / 'weights.safetensors'}: {settings.stage}, {settings.steps} steps")
    return 0
