"""Files of a data set: lists of them, images and masks read with Pillow, one line for what cannot be read.

The frame of an image is that of its mask. Annotation tools show a photo upright, so its EXIF orientation is
applied; where the mask has the size of the pixels as they are stored and not that of the upright photo, it was
drawn on the stored pixels, and the orientation is left out. Masks are taken as they are stored.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageChops, ImageOps

from model.errors import DatasetError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF")
"""By contents: whatever a file is called, Pillow would also read formats for which it starts other programs."""
MASK_SUFFIXES = (".png", ".bmp", ".tif", ".tiff")
"""Lossless ones: a JPEG changes ids along every contour."""

LONGEST_NAME = 255
"""Bytes of a file's name."""

Shape = tuple[int, int]
"""Height and width."""


def by_stem(folder: Path, suffixes: Sequence[str] = IMAGE_SUFFIXES) -> dict[str, Path]:
    """Files of a folder by their names without suffix, in the order of the names; hidden files are left out.

    Raises:
        DatasetError: no such folder, no such file in it, or two files of one name.
    """
    if not folder.is_dir():
        raise DatasetError(f"data set: expected a folder {folder}, found none")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir(), key=lambda path: (path.stem, path.suffix)):
        if path.suffix.lower() not in suffixes or path.name.startswith("."):
            continue
        if path.stem in found:
            raise DatasetError(
                f"data set: expected one file {path.stem} in {folder}, found {found[path.stem].name} and {path.name}"
            )
        found[path.stem] = path
    if not found:
        raise DatasetError(f"data set: expected files {', '.join(suffixes)} in {folder}, found none")
    return found


def read_split(folder: Path, split: str) -> list[str]:
    """The first word of each line of `SPLIT.txt`.

    Raises:
        DatasetError: no such list, or an empty one.
    """
    path = folder / f"{split}.txt"
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        there = ", ".join(sorted(file.stem for file in folder.glob("*.txt"))) or "none"
        raise DatasetError(
            f"data set: expected a list of names {path}, could not read it; splits there: {there}"
        ) from None
    names = [line.split()[0].lstrip("/") for line in lines if line.strip()]  # DAVIS 2016 begins them with one
    for name in names:
        inside(folder, name)
    if not names:
        raise DatasetError(f"{path}: expected a name on each line, got an empty list")
    return names


def inside(folder: Path, name: str) -> Path:
    """`name` below the folder; a data set of somebody else's may name any file of this machine.

    Raises:
        DatasetError: it leads out of the folder.
    """
    parts = Path(name).parts
    longest = max((len(part.encode("utf-8", "replace")) for part in parts), default=0)
    if Path(name).is_absolute() or ".." in parts or "\0" in name or longest > LONGEST_NAME:
        raise DatasetError(f"data set: expected the name of a file in {folder}, got {name[:200]!r}")
    return folder / name


def read_image(path: Path, shape: Shape) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB in the frame of a mask of `shape`; transparency is laid on white; read-only.

    Raises:
        DatasetError: not readable, of more than 8 bits, or of another size than `shape`.
    """
    with _opened(path) as image:
        upright = _is_upright(image, path, shape)
        image.load()
        pixels = _to_rgb(
            ImageOps.exif_transpose(image) if upright and _orientation(image) != 1 else image, path
        )
    pixels.setflags(write=False)
    return pixels


def check_size(path: Path, shape: Shape) -> None:
    """Read an image's header and compare its size with that of its mask.

    Raises:
        DatasetError: not an image, or of another size than `shape`.
    """
    with _opened(path) as image:
        _is_upright(image, path, shape)


def read_ids(path: Path) -> NDArray[np.int32]:
    """(H, W) int32: the numbers that stand in a mask file, of a palette file the indices and not the colours.

    Raises:
        DatasetError: not readable, or a file of colours.
    """
    with _opened(path) as image:
        if image.mode not in ("1", "L", "P") and not image.mode.startswith("I"):
            raise DatasetError(
                f"{path}: expected a mask of ids (palette or grey), got colours ({image.mode}); export it with ids"
            )
        return np.array(image).astype(np.int32)


def read_brightness(path: Path) -> NDArray[np.uint8]:
    """(H, W) uint8: the largest colour channel of a mask file, of a palette file that of the colours.

    Raises:
        DatasetError: not readable.
    """
    with _opened(path) as image:
        red, green, blue, _ = image.convert("RGBA").split()
        return np.array(ImageChops.lighter(ImageChops.lighter(red, green), blue))


def read_palette(path: Path) -> list[tuple[int, ...]] | None:
    """(R, G, B) of each index of a palette file; None: the file has no palette.

    Raises:
        DatasetError: not readable.
    """
    with _opened(path) as image:
        flat = image.getpalette() if image.mode == "P" else None
    return None if flat is None else [tuple(flat[i : i + 3]) for i in range(0, len(flat), 3)]


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """A Pillow image; whatever goes wrong with it in the body becomes a DatasetError."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            yield image
    except DatasetError:
        raise
    except FileNotFoundError:
        raise DatasetError(f"{path}: expected an image there, found no such file") from None
    except (
        Exception
    ) as error:  # Pillow's readers raise anything from struct.error to SyntaxError on damaged files
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise DatasetError(f"{path}: expected an image, could not read it ({reason})") from error


def _is_upright(image: Image.Image, path: Path, shape: Shape) -> bool:
    """Whether a mask of `shape` is in the upright frame; False: in that of the stored pixels."""
    stored = (image.height, image.width)
    upright = stored[::-1] if _orientation(image) >= 5 else stored  # 5 to 8 swap rows and columns
    if shape not in (stored, upright):
        raise DatasetError(
            f"{path}: expected a mask of the image's size {upright}, got {shape} (height, width)"
        )
    return shape == upright


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8; 1 is upright."""
    if image.format == "TIFF":  # Pillow turns these while it decodes them
        return 1
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # damaged EXIF beside sound pixels: the photo is shown as it is stored, as browsers do
        return 1


def _to_rgb(image: Image.Image, path: Path) -> NDArray[np.uint8]:
    if image.mode == "F" or image.mode.startswith("I"):
        raise DatasetError(f"{path}: expected an image of 8 bits per channel, got {image.mode}; convert it")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        image = Image.new("RGBA", rgba.size, "white")
        image.alpha_composite(rgba)
    return np.array(image.convert("RGB"))
