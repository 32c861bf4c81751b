"""`boundaryclick benchmark`: milliseconds and memory on this machine; writes nothing."""

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend.cli import Parser
    from backend.served import Served
    from backend.settings import Settings
    from model import Click

MANY_CLICKS = 10
MOST_A_SECOND = 50
"""Clicks that no machine answers through Python's web server."""
MANY_FROM = 1_000_000
"""Numbers of photos that nothing else here takes."""

EXAMPLE = """\
examples:
  boundaryclick benchmark --threads 2
  boundaryclick benchmark --annotators 1 5 20 --pause 3 --seconds 60
"""


def add_parser(subparsers: "argparse._SubParsersAction[Parser]") -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser(
        "benchmark",
        help="print how fast clicks are here, and how much memory they take",
        description="Time clicks in the model, over HTTP, and of many annotators at once, on cutouts of the sample "
        "photos. Writes nothing.",
        epilog=EXAMPLE,
    )
    parser.add_argument("--photos", type=int, default=10, help="photos of each size to time (default 10)")
    parser.add_argument(
        "--images",
        type=int,
        default=100,
        help="photos of ten clicks each, over which memory is read (default 100)",
    )
    parser.add_argument(
        "--annotators", type=int, nargs="*", default=[1, 5, 20], metavar="N", help="at once (default 1 5 20)"
    )
    parser.add_argument(
        "--pause", type=float, default=3.0, help="seconds between an annotator's clicks (default 3)"
    )
    parser.add_argument(
        "--seconds", type=float, default=30.0, help="of each number of annotators (default 30)"
    )
    parser.add_argument("--weights", help="name of shipped weights, or path to a .safetensors file")
    parser.add_argument("--device", help="cpu, cuda, cuda:N or mps")
    parser.add_argument("--runtime", help="auto, torch or openvino")
    parser.add_argument("--threads", type=int, help="CPU threads for the networks (default: every core)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    # So that the served process goes with us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    from backend import benchmarking
    from backend.settings import load_settings
    from model import load_predictor
    from model.errors import SettingsError

    if min(args.photos, args.images, *args.annotators) < 1 or args.pause < 0 or args.seconds <= 0:
        raise SettingsError(
            "expected --photos, --images and --annotators of at least 1, --pause of at least 0 and --seconds above 0, "
            f"got {args.photos}, {args.images}, {args.annotators}, {args.pause:g} and {args.seconds:g}"
        )
    settings = load_settings(
        weights=args.weights, device=args.device, runtime=args.runtime, threads=args.threads
    )
    predictor = load_predictor(settings.weights, settings.device, settings.runtime, settings.threads)
    ran = predictor.runtime.describe()
    print(f"boundaryclick {benchmarking.commit()}, weights {predictor.version}, {settings.device}, "
          f"{ran['runtime']} ({ran['precision']}), {ran['threads']} threads\n{benchmarking.hardware()}")  # fmt: skip
    clicks = {}
    for name, size in benchmarking.SIZES.items():
        times = benchmarking.time_model(predictor, size, args.photos)
        clicks[name] = times.clicks
        _row(f"in the model, {name}, encode", times.encodes)
        _row(f"in the model, {name}, selection click", times.selections)
        _row(f"in the model, {name}, boundary click", times.boundaries)
    del predictor
    _served(settings, args, clicks)
    return 0


def _served(settings: "Settings", args: argparse.Namespace, clicks: "dict[str, list[list[Click]]]") -> None:
    """The same through a served process, one annotator after many, then its memory."""
    from backend import benchmarking
    from backend.served import serving
    from model.headers import resolve_weights

    weights = str(resolve_weights(settings.weights).resolve())
    options = ["--weights", weights, "--device", settings.device, "--threads", str(settings.threads)]
    with benchmarking.photo_server() as label_studio:
        environment = {
            "BOUNDARYCLICK_LABEL_STUDIO_URL": label_studio,
            "BOUNDARYCLICK_RUNTIME": settings.runtime,
            "BOUNDARYCLICK_DATABASE_URL": "none",
        }
        with serving(options, environment) as served:
            for name, size in benchmarking.SIZES.items():
                photos = len(clicks[name])
                selections, boundaries = benchmarking.time_http(served, size, range(photos), clicks[name])
                _row(f"POST /predict, {name}, selection click", selections)
                _row(f"POST /predict, {name}, boundary click", boundaries)
            _many(served, args.images)
            for annotators in args.annotators:
                _at_once(served, annotators, args.pause, args.seconds)
            _memory("in the end", served)


def _many(served: "Served", images: int) -> None:
    """Memory while ever more photos come, each with an object of ten clicks."""
    from backend.stress.clients import Client, Photo, Tally
    from backend.stress.plays import SIZES, segment

    tally = Tally()
    client = Client(served.url, 0, tally)
    shown = {max(round(images * share), 1) for share in (0.1, 0.25, 0.5, 0.75, 1)}
    for number in range(1, images + 1):
        photo = Photo(MANY_FROM + number, *SIZES[number % len(SIZES)])
        segment(client, photo, 0.5, MANY_CLICKS, tally)
        if number in shown:
            _memory(f"after {number} images, {MANY_CLICKS * number} clicks", served)
    client.close()
    if tally.failures:
        print(f"{len(tally.failures)} clicks failed, the first: {tally.failures[0]}")


def _at_once(served: "Served", annotators: int, pause: float, seconds: float) -> None:
    """Annotators at the page, each on objects of its own; half of the photos have 0.3, half 2 megapixels."""
    from backend.stress.clients import Client, Photo, Tally
    from backend.stress.plays import SIZES, segmenting

    clicks = seconds * min(1 / (pause + 0.02), MOST_A_SECOND / annotators)
    each = 2 + round(clicks / 12)  # more than anybody gets through
    photos = [
        [Photo(1000 * annotators + each * who + turn, *SIZES[turn % len(SIZES)]) for turn in range(each)]
        for who in range(annotators)
    ]
    for photo in chain.from_iterable(photos):
        photo.file()  # made before the clock runs, and kept
    tally = Tally()
    clients = [Client(served.url, number, tally) for number in range(annotators)]
    with segmenting(clients, photos, tally, pause):
        time.sleep(seconds)
    answers = sum(map(len, tally.milliseconds.values()))
    who = f"{annotators} annotators" if annotators > 1 else "1 annotator"
    for kind, what in (("select", "selection click"), ("boundary", "boundary click")):
        if taken := tally.milliseconds.get(kind):
            _row(f"{who}, {what}", taken)
    _row(f"{who}, all", [each for taken in tally.milliseconds.values() for each in taken])
    print(f"{f'{who}, answers a second':46} {answers / seconds:7.1f}, {len(tally.failures)} failed")


def _memory(when: str, served: "Served") -> None:
    from backend.served import resident_megabytes

    megabytes = resident_megabytes(served.pid)
    shown = "not known on this system" if megabytes is None else f"{megabytes:.0f} MB"
    print(f"{f'resident memory {when}':46} {shown}", flush=True)


def _row(what: str, milliseconds: Sequence[float]) -> None:
    import numpy as np

    if not milliseconds:
        print(f"{what:46} no answer in the time given", flush=True)
        return
    p50, p95 = np.percentile(milliseconds, [50, 95])
    print(f"{what:46} p50 {p50:7.1f} ms   p95 {p95:7.1f} ms   n {len(milliseconds)}", flush=True)
