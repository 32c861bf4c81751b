"""`boundaryclick evaluate`: simulated clicks on a data set, and the figures."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backend.cli import Parser

EXAMPLE = """\
examples:
  boundaryclick evaluate --dataset grabcut:data/GrabCut --out runs/grabcut
  boundaryclick evaluate --dataset davis:data/DAVIS --noise 5 --out runs/davis-5
"""


def add_parser(subparsers: "argparse._SubParsersAction[Parser]") -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser(
        "evaluate",
        help="measure a model with simulated clicks",
        description="Click, compare, click again, 20 times on each object; writes rows.jsonl and report.json.",
        epilog=EXAMPLE,
    )
    parser.add_argument(
        "--dataset", required=True, metavar="LAYOUT:PATH", help="layouts: grabcut, davis, coco_mval"
    )
    parser.add_argument("--clicker", choices=("boundary",), default="boundary", help="who clicks")
    parser.add_argument("--noise", type=float, default=0.0, help="clicks are off by up to so many pixels")
    parser.add_argument("--clicks", type=int, default=20, help="clicks per object")
    parser.add_argument("--seed", type=int, default=0, help="of the noise")
    parser.add_argument("--out", type=Path, required=True, help="folder for rows.jsonl and report.json")
    parser.add_argument(
        "--weights", default="default", help="name of shipped weights, or a .safetensors file"
    )
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Evaluate, write, print the table."""
    from tqdm import tqdm

    from model import load_predictor
    from model.datasets.layouts import open_dataset
    from model.errors import SettingsError
    from model.evaluation.loop import evaluate
    from model.evaluation.report import summarise

    if args.clicks < 1 or args.noise < 0:
        raise SettingsError(
            f"evaluate: expected --clicks >= 1 and --noise >= 0, got {args.clicks} and {args.noise:g}"
        )
    predictor = load_predictor(args.weights, args.device)
    objects = open_dataset(args.dataset)
    args.out.mkdir(parents=True, exist_ok=True)
    rows = []
    with (args.out / "rows.jsonl").open("w") as file:
        for row in tqdm(
            evaluate(predictor, objects, args.noise, args.seed, args.clicks),
            total=len(objects) * args.clicks,
            unit="click",
        ):
            rows.append(row)
            file.write(json.dumps(row.as_json()) + "\n")
    header = {
        "model": predictor.version,
        "dataset": args.dataset,
        "clicker": args.clicker,
        "noise": args.noise,
        "seed": args.seed,
        "device": args.device,
        "clicks": args.clicks,
    }
    report = header | summarise(rows)
    (args.out / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    print(table(report))
    return 0


def table(report: dict[str, Any]) -> str:
    """The report as lines for a terminal."""
    miou, noc, intervals = report["miou"], report["noc"], report["intervals"]
    lines = [
        f"{report['model']} on {report['dataset']}: {report['objects']} objects, noise {report['noise']:g} px"
    ]
    for threshold, value in noc.items():
        low, high = intervals[f"noc{threshold}"]
        lines.append(f"  NoC@{threshold}            {value:6.2f}   [{low:.2f}, {high:.2f}]")
    lines += [
        f"  mIoU after {k:2d}      {miou[k - 1]:6.3f}" for k in (1, 2, 3, 4, 6, 10, 20) if k <= len(miou)
    ]
    efficiency = "  ".join(f"{name}: {value:.2f}" for name, value in report["click_efficiency"].items())
    lines += [
        f"  click efficiency   {efficiency}",
        f"  harmful clicks     {report['harmful']:6.1%}",
        f"  click to contour   {report['contour_distance']:6.1f} px (median)",
        f"  crop recall        {report['crop_recall']:6.1%}, area {report['crop_area']:.0%} of the image",
        "  ms                 " + "  ".join(f"{name} {value:.0f}" for name, value in report["ms"].items()),
    ]
    return "\n".join(lines)
