"""Many annotators at once for a while: whether each gets an answer, and the very mask that one annotator alone gets.

python -m backend.stress --clients 20 --minutes 10

Half of them ask as Label Studio does, half as the page does. Each makes the clicks on an object one after another: one
that selects it, some near its outline, one far from it, and takes some back. What they have to get is what a single
client got in a first round. Ends with status 1 if a request fails or a mask differs.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from backend.benchmarking import hardware, photo_server
from backend.served import resident_megabytes, serving, settings_apart
from backend.stress.clients import SECONDS, Client, Tally
from backend.stress.plays import playing, plays_alone
from model.errors import BoundaryClickError

SHOWN = 10
"""Failures, of perhaps thousands."""


@contextmanager
def own_service(threads: int) -> Iterator[tuple[str, int]]:
    """URL and process id of a service with a Label Studio's photos and a database of its own."""
    with tempfile.TemporaryDirectory() as folder, photo_server() as studio:
        settings = {**settings_apart(folder), "LABEL_STUDIO_URL": studio}
        with serving(["--threads", str(threads)], settings) as service:
            yield service.url, service.pid


def main(arguments: Sequence[str] | None = None) -> int:
    """Print figures as JSON; 1 if anything was not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m backend.stress", description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=20, help="at once (default: 20)")
    parser.add_argument("--minutes", type=float, default=10.0, help="default: 10")
    parser.add_argument(
        "--pause", type=float, default=3.0, help="seconds between a client's clicks (default: 3)"
    )
    parser.add_argument(
        "--patience",
        type=float,
        default=SECONDS,
        help="seconds until a client gives a request up (default: 100)",
    )
    parser.add_argument("--photos", type=int, default=8, help="default: 8, in turn of 0.3 and 2 megapixels")
    parser.add_argument(
        "--threads", type=int, default=0, help="of the service's networks (default: every core)"
    )
    parser.add_argument(
        "--url",
        help="a service that runs already (its token: BOUNDARYCLICK_ACCESS_TOKEN); default: one is started",
    )
    args = parser.parse_args(arguments)
    if args.clients < 1 or args.photos < 1 or args.minutes <= 0:
        parser.error("expected --clients and --photos of at least 1 and --minutes above 0")
    try:
        return _play(args)
    except BoundaryClickError as error:
        print(f"stress: {error}", file=sys.stderr)
        return 2


def _play(args: argparse.Namespace) -> int:
    with own_service(args.threads) if args.url is None else _given(args.url) as (url, pid):
        embed, tally = args.url is not None, Tally()
        alone = Client(url, 0, tally, embed, seconds=args.patience)
        plays = plays_alone(alone, args.photos)
        alone.close()
        before = resident_megabytes(pid) if pid else None
        clients = [
            Client(url, number, tally, embed, seconds=args.patience) for number in range(1, args.clients + 1)
        ]
        with playing(clients, plays, tally, args.pause):
            time.sleep(args.minutes * 60)
        after = resident_megabytes(pid) if pid else None
    for line in [*tally.failures[:SHOWN], *(f"another mask: {line}" for line in tally.different[:SHOWN])]:
        print(line, file=sys.stderr)
    figures = {
        "clients": args.clients,
        "minutes": args.minutes,
        "pause_s": args.pause,
        "hardware": hardware(),
        "megabytes": {"before": before and round(before), "after": after and round(after)},
        **tally.as_json(),
    }
    print(json.dumps(figures, indent=2))
    return 1 if tally.failures or tally.different or not tally.milliseconds else 0


@contextmanager
def _given(url: str) -> Iterator[tuple[str, int | None]]:
    yield url.rstrip("/"), None


if __name__ == "__main__":
    sys.exit(main())
