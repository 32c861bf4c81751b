"""`boundaryclick reproduce`: the paper's tables and figures, trained and measured anew."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from backend.commands.train import assignment

if TYPE_CHECKING:
    from backend.cli import Parser

EXAMPLE = """\
examples:
  boundaryclick reproduce table1 --data datasets/ --out runs/paper --device cuda
  boundaryclick reproduce all --data data/ --scale small --out runs/paper-small
  boundaryclick reproduce table2 --data datasets/ --available --start imagenet:resnet101-63fe2227.pth

table1: CB-CE against BA-CE after one click; fig3a: what the crop holds; table2: boundary clicks against positive and
negative ones; fig4: mIoU against clicks; study: the user study, simulated; all: everything. What is missing is
trained first, and the same command again goes on where it was stopped. Data for the full scale, below --data:
GrabCut, Berkeley, VOC2012, SBD, DAVIS, COCO; for `small` and `tiny`: train, dev/GrabCut, dev/DAVIS, dev/COCO_MVal. See
docs/reproduction.md. `tiny` proves that everything runs and says nothing about the method.
"""

SCALES = ("full", "small", "tiny")


def add_parser(subparsers: "argparse._SubParsersAction[Parser]") -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser(
        "reproduce",
        help="train and measure the paper's own networks, and print its tables beside ours",
        description="Reproduce a table or figure of the paper, from data to print.",
        epilog=EXAMPLE,
    )
    parser.add_argument("target", help="table1, fig3a, table2, fig4, study or all")
    parser.add_argument("--data", type=Path, required=True, metavar="ROOT", help="folder of the data sets")
    parser.add_argument("--out", type=Path, help="folder for runs and results; default: runs/paper-SCALE")
    parser.add_argument("--scale", choices=SCALES, default="full", help="budget; default: the paper's")
    parser.add_argument(
        "--start",
        help="of the selection networks: `imagenet`, `imagenet:FILE`, `scratch`, or weights whose backbone is taken; "
        "default: imagenet, and for `small` the shipped weights",
    )
    parser.add_argument(
        "--limit", type=int, metavar="N", help="at most N objects of each data set; default: all, `small`: 40"
    )
    parser.add_argument("--available", action="store_true", help="go on with the data sets that are there")
    parser.add_argument(
        "--restart", action="store_true", help="measure anew what other weights or older code have measured"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=_setting,
        dest="changes",
        metavar="STAGE.NAME=VALUE",
        help="another setting of a stage (selection or refinement), as in `train --set`",
    )
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, help="of torch on the CPU")
    parser.set_defaults(run=run)


def _setting(text: str) -> tuple[str, str, object]:
    """STAGE.NAME=VALUE, the value as in `train --set`; argparse reports the error."""
    name, value = assignment(text)
    stage, _, setting = name.partition(".")
    if stage not in ("selection", "refinement") or not setting:
        raise argparse.ArgumentTypeError(
            f"expected selection.NAME=VALUE or refinement.NAME=VALUE, got {text!r}"
        )
    return stage, setting, value


def run(args: argparse.Namespace) -> int:
    """Reproduce, or go on with it."""
    from dataclasses import replace

    import torch

    from backend.benchmarking import hardware
    from model.errors import SettingsError
    from model.reproduction.runs import Reproduction
    from model.reproduction.scales import SCALES as BUDGETS
    from model.reproduction.targets import reproduce, targets_named
    from model.runtimes.pytorch import usable_device

    names = targets_named(args.target)
    for option in ("limit", "threads"):
        given = getattr(args, option)
        if given is not None and given < 1:
            raise SettingsError(f"--{option}: expected a number of at least 1, got {given}")
    usable_device(args.device)
    if args.threads:
        torch.set_num_threads(args.threads)
    scale = BUDGETS[args.scale]
    if args.limit:
        scale = replace(scale, limit=args.limit)
    stages = {"selection": dict(scale.selection), "refinement": dict(scale.refinement)}
    for stage, name, value in args.changes:
        stages[stage][name] = value
    scale = replace(scale, selection=stages["selection"], refinement=stages["refinement"])
    out = args.out or Path("runs") / f"paper-{args.scale}"
    reproduction = Reproduction(scale, args.data, out, args.start, args.device, args.restart)
    results = reproduce(reproduction, names, args.available)
    print(f"scale {args.scale}: {reproduction.budget}; {hardware()}, {args.device}; everything is in {out}")
    for result in results:
        print("\n".join(result.lines))
    return 0
