"""How long CVAT waits for a click on a large image: asks a running service as CVAT does, and prints the times.

python -m plugins.cvat.speed http://localhost:9090
"""

import argparse
import base64
import io
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import requests
from PIL import Image

WIDTH, HEIGHT = 4000, 3000
CLICKS = 20
SECONDS = 600


def synthetic_photo() -> bytes:
    """JPEG of 12 megapixels: a bright disc on coarse, noisy ground."""
    random = np.random.default_rng(1)
    coarse = Image.fromarray(random.integers(20, 90, (30, 40, 3), dtype=np.uint8))
    pixels = np.asarray(coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)).astype(np.int16)
    rows, columns = np.ogrid[:HEIGHT, :WIDTH]
    pixels[(rows - HEIGHT / 2) ** 2 + (columns - WIDTH / 2) ** 2 < (HEIGHT / 4) ** 2] = (230, 120, 60)
    noisy = pixels + random.integers(-12, 13, pixels.shape, dtype=np.int16)
    buffer = io.BytesIO()
    Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def main(arguments: Sequence[str] | None = None) -> None:
    """One selection click, then boundary clicks one by one; CVAT sends the image and all clicks each time."""
    parser = argparse.ArgumentParser(prog="python -m plugins.cvat.speed", description=__doc__)
    parser.add_argument("url", help="of the service")
    parser.add_argument("--image", type=Path, help="a photo of your own; the object is in its middle")
    parser.add_argument("--clicks", type=int, default=CLICKS, help=f"boundary clicks (default: {CLICKS})")
    args = parser.parse_args(arguments)
    try:
        file = args.image.read_bytes() if args.image else synthetic_photo()
        with Image.open(io.BytesIO(file)) as picture:
            width, height = picture.size
        taken = _ask(args.url, file, _clicks(width, height, max(args.clicks, 1)))
    except OSError as error:  # requests' own are, too
        parser.error(" ".join(str(error).split()))
    boundary = taken[1:]
    print(
        f"{width} x {height}, {len(file) / 1e6:.1f} MB: selection click {taken[0]:.0f} ms; {len(boundary)} boundary "
        f"clicks: median {np.median(boundary):.0f} ms, 95 % within {np.percentile(boundary, 95):.0f} ms"
    )


def _clicks(width: int, height: int, boundary: int) -> list[tuple[float, float]]:
    """The middle of the image, then so many places around it."""
    angles = np.linspace(0, 2 * np.pi, boundary, endpoint=False)
    radius = min(width, height) / 4
    outline = [(width / 2 + radius * np.cos(a), height / 2 + radius * np.sin(a)) for a in angles]
    return [(width / 2, height / 2), *((float(x), float(y)) for x, y in outline)]


def _ask(url: str, file: bytes, clicks: list[tuple[float, float]]) -> list[float]:
    """Milliseconds of each request, with one click more than the one before."""
    image = base64.b64encode(file).decode()
    taken = []
    with requests.Session() as session:
        session.headers["User-Agent"] = "CVAT/2.73.0 python-requests"
        for count in range(1, len(clicks) + 1):
            body = {"image": image, "pos_points": clicks[:count], "neg_points": [], "obj_bbox": []}
            start = time.perf_counter()
            session.post(url, json=body, timeout=SECONDS).raise_for_status()
            taken.append(1000 * (time.perf_counter() - start))
    return taken


if __name__ == "__main__":
    main()
