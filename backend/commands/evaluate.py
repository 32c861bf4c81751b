"""`boundaryclick evaluate`: simulated clicks on data sets, the figures, and comparisons of them."""

import argparse
import itertools
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from backend.cluster.options import add_engine, crew_of

if TYPE_CHECKING:
    from backend.cli import Parser
    from backend.cluster.spreading import Crew
    from model import Predictor
    from model.datasets.layouts import ObjectReader
    from model.evaluation.loop import Procedure
    from model.evaluation.rows import Row
    from model.evaluation.run import Progress

EXAMPLE = """\
examples:
  boundaryclick evaluate --dataset grabcut:data/GrabCut --out runs/grabcut
  boundaryclick evaluate --dataset davis:data/DAVIS --noise 5 --out runs/davis-5 --weights runs/head/weights.safetensors
  boundaryclick evaluate --dataset grabcut:data/GrabCut --dataset davis:data/DAVIS --noise 0 5 10 --out runs/all
  boundaryclick evaluate --dataset davis:data/DAVIS --noise 5 --out runs/davis-5 --engine ray --workers 4
  boundaryclick evaluate --compare runs/davis-5-before runs/davis-5

The same command again continues an evaluation that was stopped. Several data sets or noises go into folders of their
own below --out. Clickers: `boundary` clicks the true outline where the prediction is farthest from it; `paper` follows
section 3.3 and Eq. 5 of the paper to the letter; `centre` makes positive and negative clicks, for networks that take
them; `study` clicks as `boundary` does but with the hands of the paper's user study (section 4.4): 2 to 5 pixels off,
12 % of the clicks on another error than the largest. Profile `paper`: an object that its crop does not hold counts all
the clicks in NoC, whoever clicks.
"""


def add_parser(subparsers: "argparse._SubParsersAction[Parser]") -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser(
        "evaluate",
        help="measure a model with simulated clicks",
        description="Click, compare, click again, 20 times on each object; writes rows.jsonl, report.json and plots.",
        epilog=EXAMPLE,
    )
    parser.add_argument(
        "--dataset",
        action="append",
        default=[],
        metavar="LAYOUT:PATH",
        help="what to measure on, see below; several may be given",
    )
    parser.add_argument("--clicker", default="boundary", help="boundary, paper, centre or study")
    parser.add_argument(
        "--noise",
        type=float,
        nargs="+",
        default=[0.0],
        metavar="N",
        help="clicks are off by up to N pixels (default 0)",
    )
    parser.add_argument("--clicks", type=int, default=20, help="clicks per object")
    parser.add_argument("--seed", type=int, default=0, help="of the noise")
    parser.add_argument("--limit", type=int, metavar="N", help="only N objects, evenly spread")
    parser.add_argument("--profile", default="standard", help="standard or paper")
    parser.add_argument("--out", type=Path, help="folder for rows, report and plots")
    parser.add_argument("--no-plots", action="store_true", help="figures only")
    parser.add_argument("--restart", action="store_true", help="forget what --out holds")
    parser.add_argument(
        "--weights", default="default", help="name of shipped weights, or a .safetensors file"
    )
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument(
        "--runtime",
        choices=("torch", "openvino"),
        default="torch",
        help="what runs the networks (default torch; the model card's figures: openvino)",
    )
    parser.add_argument("--threads", type=int, help="on the CPU; with --engine ray of each worker")
    add_engine(parser)
    parser.add_argument(
        "--compare",
        type=Path,
        nargs=2,
        metavar=("A", "B"),
        help="compare two evaluations object by object; with --out, into comparison.json there",
    )
    parser.more_help = _layouts
    parser.set_defaults(run=run)


def _layouts() -> str:
    """Every layout with its options and what it expects to find at its path."""
    from model.datasets.layouts import LAYOUTS

    lines = ["\nlayouts of --dataset, with what is expected at PATH:"]
    for name, layout in LAYOUTS.items():
        options = "&".join(f"{option}=..." for option in layout.options)
        lines += [f"  {name}:PATH{f'[?{options}]' if options else ''}", f"      {layout.form}"]
    return "\n".join(lines) + "\n"


def run(args: argparse.Namespace) -> int:
    """Evaluate or compare."""
    return _compare(args) if args.compare else _evaluate(args)


def _compare(args: argparse.Namespace) -> int:
    from model.errors import SettingsError
    from model.evaluation.comparison import compare, comparison_text

    if args.dataset:
        raise SettingsError("evaluate: expected --compare or --dataset, got both; leave one out")
    comparison = compare(*args.compare)
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(comparison.as_json(), indent=2, allow_nan=False)
        (args.out / "comparison.json").write_text(text + "\n")
    print(comparison_text(comparison))
    return 0


def _evaluate(args: argparse.Namespace) -> int:
    _check(args)
    from model import load_predictor
    from model.datasets.layouts import open_dataset
    from model.evaluation.clickers import require_roles
    from model.evaluation.run import can_draw

    crew = crew_of(args, args.device, args.threads)
    threads = crew.cpus if crew else args.threads or 0  # masks may hang on it: here as in the workers
    predictor = load_predictor(args.weights, args.device, args.runtime, threads)
    require_roles(predictor, args.clicker)
    if not (args.no_plots or can_draw()):
        print("no plots: matplotlib is not installed; pip install 'boundaryclick[train]'", file=sys.stderr)
    opened = {dataset: open_dataset(dataset) for dataset in args.dataset}
    for job in _jobs(args):
        _evaluate_one(args, predictor, opened[job.dataset], job, crew)
    return 0


def _check(args: argparse.Namespace) -> None:
    """Raise SettingsError for what is missing or out of range."""
    from model.errors import SettingsError
    from model.evaluation.clickers import clicker_named

    if not args.dataset or args.out is None:
        raise SettingsError(
            "evaluate: expected --dataset and --out, or --compare A B; see --help for examples"
        )
    clicker_named(args.clicker)
    if args.profile not in ("standard", "paper"):
        raise SettingsError(f"--profile: expected standard or paper, got {args.profile!r}")
    for name in ("clicks", "limit", "threads"):
        given = getattr(args, name)
        if given is not None and given < 1:
            raise SettingsError(f"--{name}: expected a number of at least 1, got {given}")
    if args.seed < 0:
        raise SettingsError(f"--seed: expected a number of at least 0, got {args.seed}")
    for noise in args.noise:
        if not 0 <= noise < float("inf"):
            raise SettingsError(f"--noise: expected a number of pixels of at least 0, got {noise:g}")


class Job(NamedTuple):
    """One evaluation: of which data set, how, and into which folder."""

    dataset: str
    procedure: "Procedure"
    folder: Path


def _jobs(args: argparse.Namespace) -> Iterator[Job]:
    """Every evaluation that is asked for; one alone goes into `--out` itself."""
    from model.evaluation.loop import Procedure

    datasets, noises = list(dict.fromkeys(args.dataset)), list(dict.fromkeys(args.noise))
    names = _folder_names(datasets)
    for (dataset, name), noise in itertools.product(zip(datasets, names, strict=True), noises):
        parts = [name] if len(datasets) > 1 else []
        parts += [f"noise{noise:g}"] if len(noises) > 1 else []
        folder = args.out / "-".join(parts) if parts else args.out
        yield Job(dataset, Procedure(args.clicker, noise, args.seed, args.clicks), folder)


def _folder_names(datasets: Sequence[str]) -> list[str]:
    """By layout; further data sets of the same layout are numbered."""
    names: list[str] = []
    for dataset in datasets:
        layout = dataset.partition(":")[0]
        same = sum(name.partition("-")[0] == layout for name in names)
        names.append(f"{layout}-{same + 1}" if same else layout)
    return names


def _evaluate_one(
    args: argparse.Namespace, predictor: "Predictor", objects: "ObjectReader", job: Job, crew: "Crew | None"
) -> None:
    from tqdm import tqdm

    from backend.benchmarking import hardware
    from model.evaluation.header import describe
    from model.evaluation.run import EvenSample, run_evaluation
    from model.evaluation.text import report_text

    header = describe(predictor, job.dataset, job.procedure, args.device)
    header |= {"hardware": hardware(), "limit": args.limit}
    chosen = EvenSample(objects, args.limit) if args.limit else objects
    ious: list[float] = []
    with tqdm(total=len(chosen), unit="object", desc=job.dataset.partition(":")[0], delay=1) as bar:

        def progress(rows: "Sequence[Row]") -> None:
            ious.append(rows[-1].iou)
            bar.set_postfix_str(f"final mIoU {sum(ious) / len(ious):.3f}")
            bar.update()

        if crew:
            _fill(args, objects.names, job, header, crew=crew, progress=progress)
        report = run_evaluation(
            predictor,
            chosen,
            job.procedure,
            header,
            job.folder,
            profile=args.profile,
            restart=args.restart and not crew,
            plots=not args.no_plots,
            progress=(lambda rows: None) if crew else progress,
        )
    print(report_text(report))


def _fill(
    args: argparse.Namespace,
    names: Sequence[str],
    job: Job,
    header: Mapping[str, Any],
    *,
    crew: "Crew",
    progress: "Progress",
) -> None:
    """Every object by the workers; what is left is to sum up."""
    from backend.cluster.evaluating import Subject, fill
    from model.evaluation.run import evenly

    numbers = evenly(len(names), args.limit or len(names))
    todo = {names[number]: number for number in numbers}
    subject = Subject(args.weights, args.device, args.runtime, crew.cpus, job.dataset, job.procedure)
    fill(subject, todo, header, job.folder, crew, progress=progress, restart=args.restart)
