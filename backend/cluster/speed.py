"""How many clicks a second a service answers: `python -m backend.cluster.speed URL`, against one that runs already.

Annotators who do not pause click on photos of their own: a selection click and five boundary clicks about its middle,
then the next photo. Run it once for each number of replicas.
"""

import argparse
import io
import itertools
import statistics
import threading
import time
from pathlib import Path

import numpy as np
import requests
from PIL import Image

SAMPLES = Path(__file__).parents[1] / "web" / "samples"
BOUNDARY_CLICKS = 5
PATIENCE = 120


def photo(number: int, width: int, height: int) -> bytes:
    """JPEG of another cutout of the sample photos for each number."""
    random = np.random.default_rng(number)
    paths = sorted(SAMPLES.glob("*.jpg"))
    with Image.open(paths[number % len(paths)]) as image:
        columns, rows = (round(side * random.uniform(0.7, 1.0)) for side in image.size)
        left, top = (
            int(random.integers(0, whole - part + 1))
            for whole, part in zip(image.size, (columns, rows), strict=True)
        )
        buffer = io.BytesIO()
        image.crop((left, top, left + columns, top + rows)).resize((width, height)).save(buffer, "JPEG")
    return buffer.getvalue()


def clicks_on(width: int, height: int) -> list[dict[str, object]]:
    """The clicks on one photo."""
    clicks: list[dict[str, object]] = [{"x": width / 2, "y": height / 2, "role": "select"}]
    for angle in np.linspace(0, 2 * np.pi, BOUNDARY_CLICKS, endpoint=False):
        x, y = width / 2 + width * 0.2 * np.cos(angle), height / 2 + height * 0.2 * np.sin(angle)
        clicks.append({"x": float(x), "y": float(y), "role": "boundary"})
    return clicks


class Annotators:
    """Several, each in a thread with a connection of its own.

    Attributes:
        seconds: of each click that was answered within the time.
    """

    def __init__(self, url: str, token: str, size: tuple[int, int]) -> None:
        self._url, self._size = url, size
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._numbers = itertools.count(int(time.time() * 1000) % 1_000_000)
        self._end = 0.0
        self.seconds: list[float] = []

    def work(self, count: int, seconds: float) -> None:
        """Click for so long."""
        photos = [[photo(next(self._numbers), *self._size) for _ in range(40)] for _ in range(count)]
        self._end = time.perf_counter() + seconds
        threads = [threading.Thread(target=self._annotate, args=(own,)) for own in photos]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _annotate(self, photos: list[bytes]) -> None:
        with requests.Session() as session:
            session.headers.update(self._headers)
            for data in itertools.cycle(photos):
                answer = session.post(
                    f"{self._url}/api/images",
                    data=data,
                    headers={"Content-Type": "image/jpeg"},
                    timeout=PATIENCE,
                )
                answer.raise_for_status()
                clicks = clicks_on(*self._size)
                for number in range(1, len(clicks) + 1):
                    began = time.perf_counter()
                    body = {"image": answer.json()["image"], "clicks": clicks[:number]}
                    session.post(f"{self._url}/api/segment", json=body, timeout=PATIENCE).raise_for_status()
                    if time.perf_counter() > self._end:
                        return
                    self.seconds.append(time.perf_counter() - began)


def main() -> None:
    """Measure, and print one line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url", metavar="URL")
    parser.add_argument("--annotators", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--size", type=int, nargs=2, default=(640, 480), metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--token", default="", help="BOUNDARYCLICK_ACCESS_TOKEN, if one is set")
    args = parser.parse_args()
    annotators = Annotators(args.url.rstrip("/"), args.token, tuple(args.size))
    annotators.work(args.annotators, args.seconds)
    times = sorted(annotators.seconds)
    print(
        f"{len(times) / args.seconds:.2f} clicks a second; {args.annotators} annotators, "
        f"{args.size[0]} x {args.size[1]}; p50 {statistics.median(times) * 1000:.0f} ms, "
        f"p95 {times[int(len(times) * 0.95)] * 1000:.0f} ms"
    )


if __name__ == "__main__":
    main()
