"""Images and masks as data sets have them on disk, small."""

from pathlib import Path

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 30, 40


def palette() -> list[int]:
    """The colours of Pascal VOC and DAVIS: bits of the index, spread over the channels from the highest on."""
    colours = []
    for index in range(256):
        for channel in range(3):
            bits = [(index >> (3 * level + channel)) & 1 for level in range(3)]
            colours.append(sum(bit << (7 - level) for level, bit in enumerate(bits)))
    return colours


def write_photo(
    path: Path, seed: int = 0, height: int = HEIGHT, width: int = WIDTH, **options: object
) -> np.ndarray:
    """Write noise, and give what it decodes to."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, **options)
    return np.array(Image.open(path))


def write_grey(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values.astype(np.uint16 if values.max() > 255 else np.uint8)).save(path)


def write_palette(path: Path, ids: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(ids.astype(np.uint8))
    image.putpalette(palette())
    assert image.mode == "P"
    image.save(path)


def blank() -> np.ndarray:
    return np.zeros((HEIGHT, WIDTH), int)


def boxes(**ids: tuple[int, int, int, int]) -> np.ndarray:
    """Ids in boxes of (top, left, bottom, right): `boxes(_3=(0, 0, 5, 5))`."""
    values = blank()
    for name, (top, left, bottom, right) in ids.items():
        values[top:bottom, left:right] = int(name[1:])
    return values
