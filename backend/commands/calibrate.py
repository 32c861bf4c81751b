"""`boundaryclick calibrate`: choose the crop's threshold and padding anew after a training."""

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend.cli import Parser

EXAMPLE = """\
example:
  boundaryclick calibrate --weights runs/joint/weights.safetensors --data coco/ --out calibrated.safetensors
"""


def add_parser(subparsers: "argparse._SubParsersAction[Parser]") -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser(
        "calibrate",
        help="choose the crop's threshold and padding on held-out masks",
        description="Measure which crops hold the objects of held-out images and write the choice into a copy.",
        epilog=EXAMPLE,
    )
    parser.add_argument("--weights", required=True, help="name of shipped weights, or a .safetensors file")
    parser.add_argument("--data", type=Path, required=True, help="folder with annotations.json and images/")
    parser.add_argument("--out", type=Path, required=True, help="the calibrated checkpoint")
    parser.add_argument("--objects", type=int, default=300, help="held-out objects to measure on, at most")
    parser.add_argument(
        "--held-out", type=float, default=0.03, help="share of the images, as in the training's settings"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the draw of objects")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure, choose, write."""
    import torch
    from tqdm import tqdm

    from model.checkpoints import load_checkpoint, save_checkpoint
    from model.errors import SettingsError
    from model.runtimes.pytorch import predictor_of, usable_device
    from model.training.calibration import best_crop, crop_figures
    from model.training.image_cache import ImageCache
    from model.training.objects import open_pools
    from model.training.settings import DataSet

    if args.objects < 1 or not 0 < args.held_out < 1 or not 0 <= args.seed < 2**63:
        raise SettingsError(
            "calibrate: expected --objects >= 1, --held-out between 0 and 1 and --seed from 0 to 2^63, "
            f"got {args.objects}, {args.held_out:g} and {args.seed}"
        )
    device = usable_device(args.device)
    checkpoint = load_checkpoint(args.weights, args.device)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        _, pool = open_pools([DataSet(folder=args.data)], args.held_out, ImageCache(Path(folder), 0, 10_000))
        if not len(pool):
            raise SettingsError(
                f"calibrate: expected held-out images in {args.data}, found none; raise --held-out"
            )
        numbers = torch.randperm(len(pool), generator=torch.Generator().manual_seed(args.seed))
        shown = tqdm(numbers[: args.objects].tolist(), unit="object", desc="calibrate", delay=1)
        objects = (pool.load(number) for number in shown)
        passes = predictor_of(checkpoint, device).passes
        figures = crop_figures(passes, (item for item in objects if item[1].any()))
    best = best_crop(figures)
    for f in figures:
        mark = "  <- chosen" if f == best else ""
        print(
            f"threshold {f.threshold:5.3f}  padding {f.padding:4.2f}  recall {f.recall:6.1%}  area {f.area:4.0%}{mark}"
        )
    network = checkpoint.network
    network.config = network.config.model_copy(
        update={"crop_threshold": best.threshold, "crop_padding": best.padding}
    )
    save_checkpoint(args.out, network, checkpoint.training)
    print(f"{args.out}: crop threshold {best.threshold:g}, padding {best.padding:g}")
    return 0
