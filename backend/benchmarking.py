"""How fast a click is, in the model and over HTTP, and how much memory the service takes."""

import platform
import re
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import requests
from numpy.typing import NDArray

from backend.machine import usable_cores
from backend.served import Served
from model import __version__
from model.clicks import Click
from model.errors import BoundaryClickError
from model.evaluation.measuring import measured
from model.predictor import Predictor

SAMPLES = Path(__file__).parent / "web" / "samples"
SIZES = {"0.3 MP": (640, 480), "2 MP": (1632, 1224), "12 MP": (4000, 3000)}
BOUNDARY_CLICKS = 5
BESIDE = 0.04
"""How far a boundary click lies from the contour, in square roots of the mask's area."""

_LABELLING = """<View><Image name="image" value="$image"/><Labels name="label" toName="image">
<Label value="Object"/></Labels><KeyPoint name="click" toName="image" smartOnly="true"/>
<BrushLabels name="mask" toName="image" smart="false"><Label value="Object"/></BrushLabels></View>"""


def make_photo(number: int, width: int, height: int) -> NDArray[np.uint8]:
    """A (height, width, 3) uint8 BGR photo; each number gives another cutout of the sample photos."""
    random = np.random.default_rng(number)
    paths = sorted(SAMPLES.glob("*.jpg"))
    photo = cv2.imread(str(paths[number % len(paths)]))
    if photo is None:
        raise BoundaryClickError(
            f"{paths[number % len(paths)]}: expected a photo, cannot be read; install again"
        )
    rows, columns = (round(side * random.uniform(0.7, 1.0)) for side in photo.shape[:2])
    top = int(random.integers(0, photo.shape[0] - rows + 1))
    left = int(random.integers(0, photo.shape[1] - columns + 1))
    cutout = photo[top : top + rows, left : left + columns]
    resized: NDArray[np.uint8] = cv2.resize(cutout, (width, height), interpolation=cv2.INTER_CUBIC).astype(
        np.uint8
    )
    return resized


@lru_cache(1024)
def photo_file(number: int, width: int, height: int) -> bytes:
    """The same photo as a JPEG file."""
    return cv2.imencode(".jpg", make_photo(number, width, height))[1].tobytes()


def clicks_on(width: int, height: int, count: int = BOUNDARY_CLICKS) -> list[Click]:
    """A selection click in the middle and boundary clicks on an ellipse around it."""
    clicks = [Click(width / 2, height / 2, "select")]
    for angle in np.linspace(0, 2 * np.pi, count, endpoint=False):
        x, y = width / 2 + width * 0.2 * np.cos(angle), height / 2 + height * 0.2 * np.sin(angle)
        clicks.append(Click(float(x), float(y), "boundary"))
    return clicks


def click_beside(mask: NDArray[np.bool_], number: int) -> Click:
    """A boundary click where an annotator finds the outline a little wrong: outside, in another direction each time.

    Args:
        mask: (H, W); the middle of the image is clicked on where it is empty.
        number: says which direction.
    """
    rows, columns = np.nonzero(mask)
    height, width = mask.shape
    if not len(rows):
        return Click(width / 2, height / 2, "boundary")
    angle, reach = number * 2.4, BESIDE * np.sqrt(len(rows))  # no direction comes twice
    along = (columns - columns.mean()) * np.cos(angle) + (rows - rows.mean()) * np.sin(angle)
    farthest = int(along.argmax())
    x, y = columns[farthest] + reach * np.cos(angle), rows[farthest] + reach * np.sin(angle)
    return Click(float(np.clip(x, 0, width - 1)), float(np.clip(y, 0, height - 1)), "boundary")


@dataclass
class ModelTimes:
    """Milliseconds in the model.

    Attributes:
        encodes: of every look at a window of the photo; a selection takes one, after a look at the whole photo.
        selections, boundaries: of clicks, with the mask at the photo's size.
        clicks: on each photo.
    """

    encodes: list[float] = field(default_factory=list)
    selections: list[float] = field(default_factory=list)
    boundaries: list[float] = field(default_factory=list)
    clicks: list[list[Click]] = field(default_factory=list)


def time_model(predictor: Predictor, size: tuple[int, int], photos: int) -> ModelTimes:
    """A selection and some boundary clicks on each of so many photos."""
    predictor, passes = measured(predictor)
    times = ModelTimes()
    for number in range(-1, photos):  # the first only warms up
        passes.forget()
        image = np.ascontiguousarray(make_photo(max(number, 0), *size)[:, :, ::-1])
        session = predictor.start(image)
        click = clicks_on(*size, 0)[0]
        for count in range(BOUNDARY_CLICKS + 1):
            started = time.perf_counter()
            mask = session.click(click)
            taken = (time.perf_counter() - started) * 1000
            if number >= 0:
                (times.boundaries if count else times.selections).append(taken)
            click = click_beside(mask, count)
        if number >= 0:
            times.encodes += passes.encode_milliseconds
            times.clicks.append(list(session.clicks))
    return times


def time_http(
    served: Served, size: tuple[int, int], numbers: Sequence[int], clicks_of: Sequence[Sequence[Click]]
) -> tuple[list[float], list[float]]:
    """Milliseconds of /predict, for selections (fetching the image included) and for boundary clicks.

    Args:
        numbers: of the photos.
        clicks_of: each photo's.
    """
    selections: list[float] = []
    boundaries: list[float] = []
    with requests.Session() as session:
        session.trust_env = False  # the service runs here, where no proxy can reach it
        for number, clicks in zip(numbers, clicks_of, strict=True):
            photo_file(number, *size)  # made beforehand: it is the service that is timed
            for count in range(1, len(clicks) + 1):
                body = predict_body(number, size, clicks[:count])
                started = time.perf_counter()
                answer = session.post(f"{served.url}/predict", json=body, timeout=120)
                taken = (time.perf_counter() - started) * 1000
                if answer.status_code != 200 or not answer.json().get("results"):
                    raise BoundaryClickError(f"/predict: expected a result, got {answer.text[:200]}")
                (selections if count == 1 else boundaries).append(taken)
    return selections, boundaries


def predict_body(number: int, size: tuple[int, int], clicks: Sequence[Click]) -> dict[str, Any]:
    """Label Studio's body for an interactive prediction."""
    width, height = size
    points = [
        {
            "id": f"click-{number}-{index}",
            "from_name": "click",
            "to_name": "image",
            "type": "keypoint",
            "origin": "manual",
            "is_positive": True,
            "original_width": width,
            "original_height": height,
            "image_rotation": 0,
            "value": {
                "x": (click.x + 0.5) / width * 100,
                "y": (click.y + 0.5) / height * 100,
                "width": 0.5,
                "labels": ["Object"],
            },
        }
        for index, click in enumerate(clicks)
    ]
    return {
        "tasks": [{"id": number, "data": {"image": f"/data/upload/1/{number}-{width}x{height}.jpg"}}],
        "project": "1.1",
        "label_config": _LABELLING,
        "params": {"context": {"result": points}},
    }


class _Photos(BaseHTTPRequestHandler):
    """Stands in for Label Studio: serves the photo that a path names."""

    def do_GET(self) -> None:
        match = re.search(r"/(\d+)-(\d+)x(\d+)\.jpg$", self.path)
        if match is None:
            self.send_error(404)
            return
        data = photo_file(int(match[1]), int(match[2]), int(match[3]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


@contextmanager
def photo_server() -> Iterator[str]:
    """Base URL of a server of photos on a free port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Photos)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def hardware() -> str:
    """Processor, cores and Python in one line."""
    name = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists() and (match := re.search(r"model name\s*:\s*(.+)", information.read_text())):
        name = match[1]
    return f"{name}, {usable_cores()} cores, Python {platform.python_version()}"


def commit() -> str:
    """Which sources are running: the commit of a checkout, with a + if it has been changed since; else the release."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=8"],  # noqa: S607 - whichever git there is
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return f"release {__version__}"
    return described.stdout.strip()
