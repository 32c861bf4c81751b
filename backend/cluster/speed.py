"""How many clicks a second a service answers: `python -m backend.cluster.speed URL`, against one that runs already.

Annotators who do not pause click on photos of their own, on three objects of each: a selection click and five boundary
clicks. Run it once for each number of replicas. The service's token, if it has one: BOUNDARYCLICK_ACCESS_TOKEN.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Sequence

import numpy as np

from backend.stress.clients import Client, Photo, Tally
from backend.stress.plays import segmenting
from model.errors import BoundaryClickError

PHOTOS, MOST_PHOTOS = 40, 800
"""Of each annotator, who begins anew after them, and of all together: so many are kept in memory, made beforehand."""

LOOK_SECONDS = 0.2


def clicks_answered(url: str, annotators: int, seconds: float, size: tuple[int, int]) -> list[float]:
    """Milliseconds of each click that was answered within so many seconds.

    Args:
        size: of the photos: width, height.

    Raises:
        BoundaryClickError: a click was not answered, or none in time.
    """
    first, tally = int(time.time() * 1000) % 1_000_000, Tally()
    count = max(min(PHOTOS, MOST_PHOTOS // annotators), 1)
    photos = [
        [Photo(first + count * number + each, *size) for each in range(count)] for number in range(annotators)
    ]
    for own in photos:
        for photo in own:
            photo.file()  # made beforehand: it is the service that is timed
    clients = [Client(url.rstrip("/"), number, tally) for number in range(annotators)]
    with segmenting(clients, photos, tally, pause=0):
        until = time.monotonic() + seconds
        while not tally.failures and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, LOOK_SECONDS))
        with tally.guard:
            answered = [taken for each in tally.milliseconds.values() for taken in each]
    if tally.failures or not answered:
        raise BoundaryClickError("; ".join(tally.failures[:3]) or "expected answers, got none in that time")
    return answered


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print one line."""
    parser = argparse.ArgumentParser(
        prog="python -m backend.cluster.speed", description=__doc__.splitlines()[0]
    )
    parser.add_argument("url", metavar="URL")
    parser.add_argument("--annotators", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--size", type=int, nargs=2, default=(640, 480), metavar=("WIDTH", "HEIGHT"))
    args = parser.parse_args(arguments)
    width, height = args.size
    if args.annotators < 1 or args.seconds <= 0 or min(width, height) < 1:
        parser.error("expected --annotators and both of --size of at least 1, --seconds above 0")
    try:
        times = clicks_answered(args.url, args.annotators, args.seconds, (width, height))
    except BoundaryClickError as error:
        print(f"speed: {error}", file=sys.stderr)
        return 2
    print(
        f"{len(times) / args.seconds:.2f} clicks a second; {args.annotators} annotators, {width} x {height}; "
        f"p50 {statistics.median(times):.0f} ms, p95 {np.percentile(times, 95):.0f} ms"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
