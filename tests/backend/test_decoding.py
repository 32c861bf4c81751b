import hashlib
import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from backend.decoding import DecodedImage, ImageLimits, decode_image, decode_mask
from model.errors import ImageRejected, ImageTooLarge

LIMITS = ImageLimits(max_bytes=1 << 20, max_pixels=64_000_000)
WHITE, RED = (255, 255, 255), (255, 0, 0)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def decode(image: Image.Image, kind: str = "PNG", **options: object) -> np.ndarray:
    return decode_image(encoded(image, kind, **options), LIMITS).pixels


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def rgb() -> Image.Image:
    values = np.linspace(0, 255, 20 * 30 * 3).reshape(20, 30, 3).astype(np.uint8)
    return Image.fromarray(values)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_lossless_formats_come_back_as_they_were(rgb, kind):
    data = encoded(rgb, kind)
    image = decode_image(data, LIMITS)
    np.testing.assert_array_equal(image.pixels, np.asarray(rgb))
    assert (image.width, image.height) == (30, 20)
    assert image.digest == hashlib.sha256(data).hexdigest()
    assert not image.pixels.flags.writeable


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "GIF"])
def test_lossy_formats_come_back_nearly(rgb, kind):
    pixels = decode(rgb, kind)
    assert np.abs(pixels.astype(int) - np.asarray(rgb)).mean() < 12


def test_animations_give_their_first_frame(rgb):
    frames = [Image.new("RGB", (4, 3), RED), Image.new("RGB", (4, 3), "blue")]
    assert (decode(frames[0], "GIF", save_all=True, append_images=frames[1:]) == RED).all()


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_deep_greys_are_scaled_not_clipped(bits):
    top = (1 << bits) - 1
    ramp = np.linspace(0, top, 256).astype(np.uint16).reshape(16, 16)
    pixels = decode(Image.fromarray(ramp))
    expected = np.rint(ramp * (255 / top))
    np.testing.assert_allclose(pixels[:, :, 0], expected, atol=1)
    assert pixels.shape == (16, 16, 3)
    assert pixels.max() == 255


def test_a_16_bit_image_of_one_value_divides_by_nothing():
    assert (decode(Image.fromarray(np.zeros((2, 2), np.uint16))) == 0).all()


@pytest.mark.parametrize(
    "values", [np.linspace(0, 1, 16), np.linspace(-3, 900, 16), np.r_[np.nan, np.inf, np.linspace(0, 1, 14)]]
)
def test_floats_are_scaled_to_their_range(values):
    pixels = decode(Image.fromarray(values.astype(np.float32).reshape(4, 4)), "TIFF")
    assert pixels.max() == 255
    assert pixels.min() == 0


def test_grey_one_bit_and_palette():
    grey = Image.fromarray(np.arange(16, dtype=np.uint8).reshape(4, 4) * 17)
    assert (decode(grey) == np.asarray(grey)[:, :, None]).all()
    assert (
        decode(grey.point(lambda v: 255 * (v > 99), "1")) == (np.asarray(grey) > 99)[:, :, None] * 255
    ).all()
    assert (decode(Image.new("RGB", (3, 2), RED).convert("P")) == RED).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "P"])
def test_transparency_is_laid_on_white(mode):
    if mode == "P":
        image = Image.new("P", (2, 1), 0)
        image.putpalette([9, 9, 9])
        data = encoded(image, transparency=0)
    else:
        kind = "TIFF" if mode == "PA" else "PNG"
        data = encoded(Image.new(mode, (2, 1), (0,) * Image.getmodebands(mode)), kind)
    assert (decode_image(data, LIMITS).pixels == WHITE).all()


def test_half_transparent_red_is_pink():
    pixels = decode(Image.new("RGBA", (1, 1), (255, 0, 0, 128)))
    np.testing.assert_allclose(pixels[0, 0], (255, 127, 127), atol=1)


def test_transparent_colour_of_an_rgb_png_is_white():
    assert (decode(Image.new("RGB", (2, 2), RED), transparency=RED) == WHITE).all()


def test_cmyk():
    pixels = decode(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95)
    np.testing.assert_allclose(pixels.reshape(-1, 3).mean(axis=0), RED, atol=6)


@pytest.mark.parametrize(("orientation", "turn"), [(1, 0), (3, 2), (6, 3), (8, 1)])
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_exif_orientation_is_applied(rgb, orientation, turn, kind):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {}
    np.testing.assert_array_equal(decode(rgb, kind, exif=exif, **options), np.rot90(np.asarray(rgb), turn))


def test_damaged_exif_leaves_the_pixels_alone(rgb):
    pixels = decode(rgb, "JPEG", exif=b"Exif\0\0MM\0\x2a\0\0\0\x08\xff\xff" + b"\x01\x12" * 9)
    assert pixels.shape == (20, 30, 3)


def test_one_pixel():
    assert (decode(Image.new("RGB", (1, 1), RED)) == RED).all()


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"", "0 bytes"),
        (b"this is only called .jpg\n", "text of 25 bytes"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"<?xml version='1.0'?><svg/>", "SVG"),
        (b"\0\0\0\x20ftypheic....", "HEIC"),
        (b"%PDF-1.7 ....", "PDF"),
        (b"\x01\x02\x03\x04" * 9, "36 bytes of something else"),
    ],
)
def test_what_is_no_image_is_named(data, named):
    with pytest.raises(ImageRejected, match=named):
        decode_image(data, LIMITS)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF"])
def test_truncated_files_are_refused_in_one_line(rgb, kind):
    data = encoded(rgb.resize((300, 200)), kind)
    for share in (0.1, 0.6):
        with pytest.raises(ImageRejected) as caught:
            decode_image(data[: int(len(data) * share)], LIMITS)
        assert "\n" not in str(caught.value)


def test_formats_off_the_list_are_refused(rgb):
    for kind in ("PPM", "TGA", "ICO", "PDF", "EPS"):
        with pytest.raises(ImageRejected, match="expected JPEG"):
            decode_image(encoded(rgb, kind), LIMITS)


def test_size_is_refused_by_the_header_alone():
    with pytest.raises(ImageTooLarge, match="12000 x 9000"):
        decode_image(png_header(12_000, 9_000), LIMITS)


def test_the_limit_can_be_raised_beyond_pillows_own():
    data = png_header(30_000, 20_000)
    with pytest.raises(ImageRejected, match="damaged") as caught:
        decode_image(data, ImageLimits(1 << 20, 10**9))
    assert not isinstance(caught.value, ImageTooLarge)


def test_long_sides_and_many_bytes_are_too_large():
    with pytest.raises(ImageTooLarge, match="sides"):
        decode_image(png_header(40_000, 1), LIMITS)
    with pytest.raises(ImageTooLarge, match="MAX_IMAGE_BYTES"):
        decode_image(b"x" * 11, ImageLimits(10, 100))


def test_pillows_globals_are_put_back(rgb):
    before = (Image.MAX_IMAGE_PIXELS, list(warnings.filters))
    decode(rgb)
    with pytest.raises(ImageRejected):
        decode_image(b"text", LIMITS)
    assert (Image.MAX_IMAGE_PIXELS, list(warnings.filters)) == before


def attempt(data: bytes) -> None:
    refusal = ""
    try:
        image = decode_image(data, ImageLimits(1 << 20, 100_000))
    except ImageRejected as error:
        refusal = str(error)
    if refusal:
        assert "\n" not in refusal
        assert refusal.startswith("image: expected ")
    else:
        assert isinstance(image, DecodedImage)
        assert image.pixels.shape[2] == 3


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=400))
@example(b"GIF89a")
@example(b"II*\0\x08\0\0\0")
def test_random_bytes_never_do_worse_than_be_refused(data):
    attempt(data)


@settings(deadline=None, max_examples=100)
@given(
    kind=st.sampled_from(["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF"]),
    where=st.floats(0, 1),
    patch=st.binary(min_size=1, max_size=8),
)
def test_damaged_images_never_do_worse_than_be_refused(kind, where, patch):
    data = bytearray(encoded(Image.linear_gradient("L").resize((40, 30)).convert("RGB"), kind))
    at = int(where * (len(data) - len(patch)))
    data[at : at + len(patch)] = patch
    attempt(bytes(data))


def test_masks_are_what_is_not_black():
    expected = np.array([[True, False], [False, True]])
    grey = Image.fromarray(expected.astype(np.uint8))
    palette = grey.copy()
    palette.putpalette([0, 0, 0, 255, 0, 0])
    # The colour counts, not its number: 0 stands for white here.
    turned = grey.point(lambda v: 1 - v)
    turned.putpalette([255, 255, 255, 0, 0, 0])
    colour = Image.fromarray(np.where(expected[:, :, None], RED, 0).astype(np.uint8))
    for image in (grey, grey.point(lambda v: v * 255), grey.point(bool, "1"), palette, turned, colour):
        np.testing.assert_array_equal(decode_mask(encoded(image), LIMITS), expected)


def test_transparent_parts_of_a_mask_are_off():
    values = np.full((1, 2, 4), 255, np.uint8)
    values[0, 1, 3] = 0
    assert decode_mask(encoded(Image.fromarray(values)), LIMITS).tolist() == [[True, False]]
