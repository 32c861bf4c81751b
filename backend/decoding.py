"""Image files to pixels: everything that can be refused is refused before a pixel is decoded."""

import hashlib
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from model.errors import ImageRejected, ImageTooLarge

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
# OpenCV's interpolation counts columns and rows in 16-bit integers.
MAX_SIDE = 32_767

MAX_SCANS = 64
"""Of a JPEG. Each passes over all pixels: a file of a few bytes a scan would be decoded for hours."""

_WIDE_MODES = ("I", "F")
MAX_SEGMENTS = 10_000
MAX_FILLING = 65_536
"""Of a JPEG: parts, and bytes between them before the first scan. A large colour profile takes some dozens, and hardly
any program fills; Pillow reads on from each and byte by byte."""
_JPEG = b"\xff\xd8"
_SEGMENT = re.compile(rb"\xff([\x02-\xcf\xd9-\xfe])", re.DOTALL)
"""A JPEG marker, but for those without a segment behind them; found in one pass, whatever the bytes are."""
_SCAN, _END = 0xDA, 0xD9
_pillow_lock = threading.Lock()


@dataclass(frozen=True)
class ImageLimits:
    """What is accepted: size of the file in bytes, size of the image in pixels."""

    max_bytes: int
    max_pixels: int


@dataclass(frozen=True, eq=False)
class DecodedImage:
    """An upright image.

    Args:
        pixels: (H, W, 3) uint8 RGB, EXIF orientation applied; read-only.
        digest: SHA-256 of the file, hexadecimal.
    """

    pixels: NDArray[np.uint8]
    digest: str

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])


def decode_image(data: bytes, limits: ImageLimits) -> DecodedImage:
    """Decode an image file of any colour mode and bit depth.

    Transparency is laid on white, deeper greys are scaled to their range, animations give their first frame.

    Raises:
        ImageRejected: not an image of a known format, or damaged.
        ImageTooLarge: more bytes, or by its header more pixels, than `limits` allow.
    """
    with _opened(data, limits) as image:
        pixels = _to_rgb(_upright(image))
    pixels.setflags(write=False)
    return DecodedImage(pixels, hashlib.sha256(data).hexdigest())


def decode_mask(data: bytes, limits: ImageLimits) -> NDArray[np.bool_]:
    """Decode an image file into a (H, W) mask: every pixel that is neither black nor transparent.

    Raises:
        ImageRejected, ImageTooLarge: as `decode_image`.
    """
    with _opened(data, limits) as image:
        if image.mode in ("1", "L", *_WIDE_MODES) or image.mode.startswith("I;"):
            return np.array(image).astype(bool)
        values: NDArray[np.uint8] = np.asarray(image.convert("RGBA"))
    return np.logical_and(values[..., :3].any(axis=2), values[..., 3] > 0)


@contextmanager
def _opened(data: bytes, limits: ImageLimits) -> Iterator[Image.Image]:
    """A Pillow image within the limits; whatever goes wrong with it in the body becomes ImageRejected."""
    if not data:
        raise ImageRejected("image: expected an image file, got 0 bytes")
    if len(data) > limits.max_bytes:
        raise ImageTooLarge(
            f"image: expected at most {limits.max_bytes} bytes, got {len(data)}; "
            "send a smaller file or raise BOUNDARYCLICK_MAX_IMAGE_BYTES"
        )
    with _pillow_rules():
        try:
            if data.startswith(_JPEG):
                _check_segments(data)
            with Image.open(BytesIO(data), formats=FORMATS) as image:
                _check_size(image.size, limits)
                yield image
        except ImageRejected:
            raise
        except UnidentifiedImageError:
            raise ImageRejected(
                f"image: expected {', '.join(FORMATS[:-1])} or {FORMATS[-1]}, got {_describe(data)}"
            ) from None
        except (
            Exception
        ) as error:  # Pillow's readers raise anything from struct.error to SyntaxError on damaged files
            reason = " ".join(str(error).split())[:160] or type(error).__name__
            raise ImageRejected(
                f"image: expected an undamaged file, got a damaged one ({reason}); export it again"
            ) from error


@contextmanager
def _pillow_rules() -> Iterator[None]:
    """Our limits instead of Pillow's, and no warnings.

    Both are global in Pillow, so one image is decoded at a time; that also bounds the memory it takes.
    """
    with _pillow_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pillows_limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = pillows_limit


def _check_size(size: tuple[int, int], limits: ImageLimits) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise ImageRejected(f"image: expected at least 1 x 1 pixels, got {width} x {height}")
    if width * height > limits.max_pixels:
        raise ImageTooLarge(
            f"image: expected at most {limits.max_pixels / 1e6:g} megapixels, "
            f"got {width} x {height} ({width * height / 1e6:.3g} megapixels); "
            "scale it down or raise BOUNDARYCLICK_MAX_IMAGE_PIXELS"
        )
    if max(width, height) > MAX_SIDE:
        raise ImageTooLarge(
            f"image: expected sides of at most {MAX_SIDE} pixels, got {width} x {height}; cut it into parts"
        )


def _check_segments(data: bytes) -> None:
    """Refuse a JPEG with more scans, or more of anything, than any camera or program writes."""
    scans = segments = filling = 0
    position = len(_JPEG)
    while (found := _SEGMENT.search(data, position)) is not None and found[1][0] != _END:
        filling += 0 if scans else found.start() - position
        position = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
        scans += found[1][0] == _SCAN
        segments += 1
        if scans > MAX_SCANS or segments > MAX_SEGMENTS or filling > MAX_FILLING:
            raise ImageRejected(
                f"image: expected a JPEG of at most {MAX_SCANS} scans, {MAX_SEGMENTS} segments and {MAX_FILLING} "
                "bytes between them, got more; export it again"
            )


def _upright(image: Image.Image) -> Image.Image:
    """Apply the EXIF orientation."""
    image.load()
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # damaged EXIF next to sound pixels: the file is shown as it is stored, as browsers do
        return image


def _to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 from any of Pillow's modes."""
    if image.mode in _WIDE_MODES or image.mode.startswith("I;"):
        grey = _scaled_to_8_bits(np.asarray(image))
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        image = Image.new("RGBA", rgba.size, "white")
        image.alpha_composite(rgba)
    return np.array(image.convert("RGB"))


def _scaled_to_8_bits(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Greys of more than 8 bits, or floats, to 0..255.

    Whole numbers are scaled by the smallest number of bits that holds them (cameras store 10, 12 or 14 bits
    in 16), floats in 0..1 by 1; anything else from its minimum to its maximum.
    """
    numbers = np.nan_to_num(values.astype(np.float32), posinf=0.0, neginf=0.0)
    low, high = float(numbers.min()), float(numbers.max())
    if low >= 0 and np.issubdtype(values.dtype, np.integer):
        low, high = 0.0, float(max((1 << int(high).bit_length()) - 1, 255))
    elif low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    scaled = (numbers - low) * (255.0 / (high - low)) if high > low else numbers * 0
    rounded: NDArray[np.uint8] = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return rounded


def _describe(data: bytes) -> str:
    """What data that is no image seems to be."""
    start = data[:512].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page (a login page? then a token is missing)"
    if start.startswith((b"<?xml", b"<svg")):
        return "XML or SVG; export it as PNG"
    if data[4:8] == b"ftyp":
        return "HEIC, AVIF or a film; export it as JPEG"
    if data.startswith(b"%PDF"):
        return "a PDF; export the page as PNG"
    if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in data[:512]):
        return f"text of {len(data)} bytes"
    return f"{len(data)} bytes of something else"
