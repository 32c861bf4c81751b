"""Pictures of a kind that no photo shows: a tissue under the microscope, its membranes stained, simulated.

    python -m model.fine_tuning.tissue OUT --images 150

The same seed gives the same pictures, but for single grey levels that hang on the processor, with the outline of each
cell known, so anybody can try what a head learns of a domain that the shipped weights have not seen. Simulated: what is
learnt here says that learning works, not how well it does on a microscope's own pictures.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

HEIGHT, WIDTH = 360, 480
CELL = (38.0, 80.0)
"""Distance between the middles of neighbouring cells, pixels."""

IRREGULAR, BENT = 0.16, 0.06
"""Standard deviation of a cell's middle about its place in the lattice, and of the membranes' bends, in distances."""

MEMBRANE = (3.0, 6.0)
"""Width of the stain about a membrane, pixels."""

FAINTEST = 0.12
"""Share of the stain where there is least of it: there a membrane is hardly to be seen."""

VESICLES = (60, 200)
"""Bright dots in a picture."""

GAIN = 2.5
"""Grey levels for each photon that is counted; what counting leaves to chance is the noise of the picture."""

STAINS = ((1.0, 1.0, 1.0), (0.25, 1.0, 0.35), (1.0, 0.3, 0.35), (0.4, 0.6, 1.0))
"""RGB."""

SMALLEST_CELL = 300
"""Pixels."""

Grey = NDArray[np.float32]


@dataclass(frozen=True)
class Tissue:
    """One picture.

    Attributes:
        image: (H, W, 3) uint8 RGB; cells: (H, W) int32, 1..N, 0 where a cell is cut by the picture's edge.
    """

    image: NDArray[np.uint8]
    cells: NDArray[np.int32]


def tissue(generator: np.random.Generator) -> Tissue:
    """A picture, drawn at random."""
    side = float(generator.uniform(*CELL))
    nearest, gap = _lattice(side, generator)
    stain = np.exp(-np.square(gap / generator.uniform(*MEMBRANE)))
    amount = np.clip(0.75 + 0.5 * _clouds(side * 0.3, generator), FAINTEST, 1.4)
    light = cv2.GaussianBlur(
        0.8 * stain * amount + _inside(side, generator), (0, 0), generator.uniform(0.8, 1.8)
    )
    return Tissue(_photographed(light, generator), _whole_cells(nearest))


def write_tissues(out: Path, images: int, cells: int, seed: int) -> None:
    """Write pictures as a data set of layout `folder`.

    Args:
        cells: that are marked in each picture, at most 254.
    """
    for kind in ("images", "masks"):
        (out / kind).mkdir(parents=True, exist_ok=True)
    for number in range(images):
        generator = np.random.default_rng([seed, number])
        picture = tissue(generator)
        count = int(picture.cells.max())
        chosen = generator.choice(count, min(cells, count), replace=False) + 1
        marked = np.zeros(picture.cells.shape, np.uint8)
        for label, cell in enumerate(chosen, start=1):
            marked[picture.cells == cell] = label
        _write(out / "images" / f"{number:04}.png", picture.image[..., ::-1])
        _write(out / "masks" / f"{number:04}.png", marked)


def _write(path: Path, pixels: NDArray[np.uint8]) -> None:
    data = cv2.imencode(".png", pixels)[1]
    path.write_bytes(data.tobytes())


def _lattice(side: float, generator: np.random.Generator) -> tuple[NDArray[np.int32], Grey]:
    """Of each pixel: whose middle is nearest, and how much nearer than the next one's, (H, W); 0 on a membrane."""
    middles = [
        (x + shift + generator.normal(0, side * IRREGULAR), y + generator.normal(0, side * IRREGULAR))
        for y in np.arange(-side, HEIGHT + side, side * 0.87)
        for shift in [generator.uniform(0, side)]
        for x in np.arange(-2 * side, WIDTH + side, side)
    ]
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    rows, columns = (each + _clouds(side * 0.25, generator) * side * BENT for each in (rows, columns))
    first, second = (np.full((HEIGHT, WIDTH), np.inf, np.float32) for _ in range(2))
    nearest = np.zeros((HEIGHT, WIDTH), np.int32)
    for number, (x, y) in enumerate(middles):
        distance = np.hypot(columns - x, rows - y).astype(np.float32)
        closer = distance < first
        second = np.where(closer, first, np.minimum(second, distance))
        nearest[closer] = number
        first = np.minimum(first, distance)
    return nearest, second - first


def _inside(side: float, generator: np.random.Generator) -> Grey:
    """What is seen between the membranes: clouds, and vesicles."""
    inside = 0.18 + 0.1 * _clouds(side * 0.12, generator) + 0.07 * _clouds(2.5, generator)
    for _ in range(int(generator.integers(*VESICLES))):
        at = (int(generator.integers(0, WIDTH)), int(generator.integers(0, HEIGHT)))
        cv2.circle(inside, at, int(generator.integers(1, 4)), float(generator.uniform(0.4, 0.9)), -1)
    return np.asarray(cv2.GaussianBlur(inside, (0, 0), 0.8), np.float32)


def _photographed(light: Grey, generator: np.random.Generator) -> NDArray[np.uint8]:
    """(H, W, 3): uneven background, counted photons, the camera's own noise, one colour."""
    grey = light * generator.uniform(90, 150) + generator.uniform(5, 25) + 12 * _clouds(120, generator)
    counted = generator.poisson(np.clip(grey, 0, None) / GAIN) * GAIN + generator.normal(0, 3, grey.shape)
    stain = STAINS[int(generator.integers(len(STAINS)))]
    return np.asarray(np.clip(counted[..., None] * np.array(stain), 0, 255), np.uint8)


def _whole_cells(nearest: NDArray[np.int32]) -> NDArray[np.int32]:
    cells = np.zeros(nearest.shape, np.int32)
    edge = np.concatenate([nearest[[0, -1]].ravel(), nearest[:, [0, -1]].ravel()])
    for number in np.setdiff1d(np.unique(nearest), edge):
        # A bent membrane can cut off a sliver of its cell.
        _, labels, sizes, _ = cv2.connectedComponentsWithStats((nearest == number).astype(np.uint8))
        largest = 1 + int(sizes[1:, cv2.CC_STAT_AREA].argmax())
        if sizes[largest, cv2.CC_STAT_AREA] >= SMALLEST_CELL:
            cells[labels == largest] = cells.max() + 1
    return cells


def _clouds(sigma: float, generator: np.random.Generator) -> Grey:
    """(H, W) smooth noise of mean 0 and standard deviation 1."""
    coarser = max(int(sigma / 4), 1)  # nothing finer is left of it, and wide kernels take long
    noise = generator.normal(0, 1, (-(-HEIGHT // coarser), -(-WIDTH // coarser))).astype(np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), sigma / coarser)
    smooth: Grey = np.asarray(cv2.resize(blurred, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.float32)
    return np.asarray((smooth - smooth.mean()) / smooth.std(), np.float32)


def main(arguments: Sequence[str] | None = None) -> int:
    """The program."""
    parser = argparse.ArgumentParser(
        prog="python -m model.fine_tuning.tissue",
        description="Write simulated pictures of a stained tissue as a data set, folder:OUT.",
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--images", type=int, default=150, help="(150)")
    parser.add_argument("--cells", type=int, default=2, help="that are marked in each (2)")
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args(arguments)
    if args.images < 1 or args.seed < 0 or not 1 <= args.cells <= 254:
        parser.error("expected --images from 1 on, --seed from 0 on and --cells from 1 to 254")
    try:
        write_tissues(args.out, args.images, args.cells, args.seed)
    except OSError as error:
        print(f"tissue: {args.out}: expected a folder that can be written to, got: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
