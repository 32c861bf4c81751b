"""`boundaryclick benchmark`: milliseconds and memory on this machine; writes nothing."""

import argparse
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend.cli import Parser
    from backend.settings import Settings
    from model import Click

EXAMPLE = """\
example:
  boundaryclick benchmark --threads 2
"""


def add_parser(subparsers: "argparse._SubParsersAction[Parser]") -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser(
        "benchmark",
        help="print how fast clicks are here, and how much memory they take",
        description="Time clicks in the model and over HTTP, on cutouts of the sample photos. Writes nothing.",
        epilog=EXAMPLE,
    )
    parser.add_argument("--photos", type=int, default=10, help="photos of each size to time (default 10)")
    parser.add_argument("--images", type=int, default=100, help="images before memory is read (default 100)")
    parser.add_argument("--weights", help="name of shipped weights, or path to a .safetensors file")
    parser.add_argument("--device", help="cpu, cuda, cuda:N or mps")
    parser.add_argument("--threads", type=int, help="CPU threads for the networks (default: every core)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    # So that the served process goes with us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    from backend import benchmarking
    from backend.settings import load_settings
    from model import __version__, load_predictor
    from model.errors import SettingsError

    if args.photos < 1 or args.images < 1:
        raise SettingsError(
            f"expected --photos and --images of at least 1, got {args.photos} and {args.images}"
        )
    settings = load_settings(weights=args.weights, device=args.device, threads=args.threads)
    predictor = load_predictor(settings.weights, settings.device, settings.runtime, settings.threads)
    print(f"boundaryclick {__version__}, weights {predictor.version}, {settings.threads or 'all'} threads, "
          f"{settings.device}\n{benchmarking.hardware()}")  # fmt: skip
    clicks = {}
    for name, size in benchmarking.SIZES.items():
        selections, boundaries, clicks[name] = benchmarking.time_model(predictor, size, args.photos)
        _row(f"in the model, {name}, selection click", selections)
        _row(f"in the model, {name}, boundary click", boundaries)
    del predictor
    _over_http(settings, args.images, clicks)
    return 0


def _over_http(settings: "Settings", images: int, clicks: "dict[str, list[list[Click]]]") -> None:
    """The same through a served process, then its memory."""
    from backend import benchmarking

    options = ["--weights", settings.weights, "--device", settings.device, "--threads", str(settings.threads)]
    with (
        benchmarking.photo_server() as label_studio,
        benchmarking.serving(options, {"BOUNDARYCLICK_LABEL_STUDIO_URL": label_studio}) as served,
    ):
        for name, size in benchmarking.SIZES.items():
            photos = len(clicks[name])
            selections, boundaries = benchmarking.time_http(served, size, range(photos), clicks[name])
            _row(f"POST /predict, {name}, selection click", selections)
            _row(f"POST /predict, {name}, boundary click", boundaries)
        sizes = list(benchmarking.SIZES.values())
        for number in range(images):
            size = sizes[number % len(sizes)]
            benchmarking.time_http(served, size, [photos + number], [benchmarking.clicks_on(*size, 1)])
        megabytes = benchmarking.resident_megabytes(served.pid)
    shown = "not known on this system" if megabytes is None else f"{megabytes:.0f} MB"
    print(f"{f'resident memory after {images} more images':46} {shown}")


def _row(what: str, milliseconds: Sequence[float]) -> None:
    import numpy as np

    p50, p95 = np.percentile(milliseconds, [50, 95])
    print(f"{what:46} p50 {p50:7.1f} ms   p95 {p95:7.1f} ms   n {len(milliseconds)}", flush=True)
