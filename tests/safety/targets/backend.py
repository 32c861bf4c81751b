"""What the page, strangers and image hosts send, and what an administrator sets."""

import json
from io import BytesIO
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
from flask import Flask
from PIL import Image

from backend import access, fetching
from backend.addresses import HostPolicy, Origin
from backend.cluster.routing import image_of_page, upload_of_page
from backend.decoding import ImageLimits, decode_image, decode_mask
from backend.settings import Settings, load_settings
from backend.store import masks
from backend.web.messages import SegmentRequest, encode_runs, parse
from model.errors import ImageRejected
from tests.safety.targets.target import Target, body, plain

LIMITS = ImageLimits(max_bytes=1 << 20, max_pixels=250_000)
POLICY = HostPolicy(
    trusted=(Origin("http", "labels.example", 8080),), allowed=("images.example", "*.example.org", "*:8443")
)
DOWNLOADER = fetching.Downloader(POLICY, 2000, 5)
LOGIN = access.Login("ann", "a:password", "a-token")
APP = Flask("fuzzed")
PHOTO = Image.fromarray(np.random.default_rng(1).integers(0, 255, (23, 31, 3), dtype=np.uint8))


def _images() -> list[bytes]:
    """Small files of every format and of unusual modes."""
    exif = Image.Exif()
    exif[0x0112] = 6
    kinds = [
        (PHOTO, "JPEG", {"exif": exif}),
        (PHOTO, "JPEG", {"progressive": True}),
        (PHOTO.convert("CMYK"), "JPEG", {}),
        (PHOTO, "PNG", {}),
        (PHOTO.convert("P"), "PNG", {"transparency": 3}),
        (PHOTO.convert("LA"), "PNG", {}),
        (PHOTO.convert("I;16"), "PNG", {}),
        (PHOTO, "WEBP", {}),
        (PHOTO, "WEBP", {"lossless": True}),
        (PHOTO, "BMP", {}),
        (PHOTO, "TIFF", {}),
        (PHOTO, "TIFF", {"compression": "tiff_lzw"}),
        (PHOTO, "TIFF", {"compression": "jpeg"}),
        (PHOTO.convert("F"), "TIFF", {}),
        (PHOTO, "GIF", {}),
        (PHOTO, "WEBP", {"save_all": True, "append_images": [PHOTO]}),
    ]
    found = []
    for image, form, options in kinds:
        buffer = BytesIO()
        image.save(buffer, form, **options)
        found.append(buffer.getvalue())
    return found


def _image(data: bytes) -> None:
    image = decode_image(data, LIMITS)
    assert image.pixels.dtype == np.uint8
    assert image.pixels.shape == (image.height, image.width, 3)
    assert image.height * image.width <= LIMITS.max_pixels


def _mask(data: bytes) -> None:
    mask = decode_mask(data, LIMITS)
    assert mask.dtype == np.bool_
    assert mask.ndim == 2


def _segment(data: bytes) -> None:
    for click in parse(SegmentRequest, data).to_clicks():
        click.require_inside(1 << 30, 1 << 30)


def _clicked(data: bytes) -> None:
    key = image_of_page("application/json", data)
    assert key is None or len(key) == 64


def _upload(data: bytes) -> None:
    """The content type, and in further lines the body."""
    kind, _, rest = data.partition(b"\n")
    key = upload_of_page(kind.decode("latin-1"), rest)
    assert key is None or len(key) == 64


def _runs(data: bytes) -> None:
    mask = np.unpackbits(np.frombuffer(data, np.uint8)).astype(bool)[None]
    if mask.size:
        assert sum(encode_runs(mask)) == mask.size
        assert np.array_equal(masks.decode(masks.encode(mask), mask.shape[1], 1), mask)


def _url(data: bytes) -> None:
    url = data.decode("utf-8", "surrogateescape")
    origin = Origin.of(url)
    fetching._shown(url)
    if POLICY.require(origin):
        assert origin.netloc in ("labels.example:8080", "images.example")


def _redirect(data: bytes) -> None:
    url = fetching._redirected("http://labels.example:8080/data/a.png", data.decode("latin-1"))
    assert Origin.of(url).scheme in ("http", "https")


def _name(data: bytes) -> None:
    """A host by whatever name; nobody is asked but this machine itself."""
    origin = Origin.of("http://" + data.decode("utf-8", "surrogateescape"))

    def nobody(host: str, port: int, **_: object) -> list[object]:
        host.encode("idna")
        return [(2, 1, 6, "", ("10.0.0.1", port))]

    with patch("socket.getaddrinfo", nobody):
        address = POLICY.resolve(origin)
    assert POLICY.require(origin), f"{origin} leads to {address}"


def _data_uri(data: bytes) -> None:
    fetching.decode_data_uri(data.decode("latin-1"), 1000)


def _authorization(data: bytes) -> None:
    header = data.decode("latin-1").replace("\r", "").replace("\n", "")
    with APP.test_request_context(environ_overrides={"HTTP_AUTHORIZATION": header}):
        assert not LOGIN.is_told() or "a-token" in header or header.lower().startswith("basic")


def _address(data: bytes) -> None:
    assert access.client_of(data.decode("latin-1")) is not None


def _settings(data: bytes) -> None:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return
    if isinstance(document, dict):
        values = {
            name: value
            for name, value in document.items()
            if name in Settings.model_fields and isinstance(value, str)
        }
        load_settings(**values)


def _answers(data: bytes) -> None:
    """The body of a file as any server may send it, to its end."""
    pieces = [data[at : at + 700] for at in range(0, len(data), 700)]
    response = SimpleNamespace(
        status=200,
        headers={"Content-Encoding": "identity"},
        read1=lambda *_, **__: pieces.pop(0) if pieces else b"",
    )
    try:
        got = DOWNLOADER._read(response, "http://images.example/a", float("inf"))  # type: ignore[arg-type]
    except ImageRejected:
        assert len(data) > 2000
    else:
        assert got == data


SEGMENT = {
    "image": "0" * 64,
    "clicks": [{"x": 1.5, "y": 2, "role": "select"}, {"x": 3, "y": 2, "role": "boundary"}],
}
SETTINGS = {
    "port": "9090",
    "device": "cuda:0",
    "allowed_hosts": "a.example, *.b.example:8443, *",
    "fetch_timeout": "3",
    "label_studio_url": "http://a:8080/b",
    "label_studio_refine": "drafts",
    "label_studio_polygon_tolerance": "2",
    "learn_after": "3",
    "log_format": "json",
    "access_token": "x",
    "rate_limit": "100",
}
URLS = [
    b"http://labels.example:8080/data/a.png?x=1",
    b"https://images.example/a b",
    b"http://[::1]:80/",
    b"HTTPS://a.example.org./x",
    b"http://labels.example:8080@evil.example/",
    b"data:,",
    b"//other.example/a",
    b"../../a",
    b"file:///etc/passwd",
]
UPLOADS = [
    b"multipart/form-data; boundary=x\n--x\r\nContent-Disposition: form-data; name=image; filename=a.png\r\n"
    b"Content-Type: image/png\r\n\r\nthe photo\r\n--x--\r\n",
    b'multipart/form-data; boundary="a b"\n--a b\r\nContent-Disposition: form-data; name="image"\r\n\r\n\r\n--a b--',
    b"multipart/form-data; charset=x\n",
    b"multipart/form-data; boundary=x\n"
    + b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n" * 1001
    + b"--x--",
    b"image/png\n\x89PNG",
]
TARGETS = (
    plain("image", _image, _images()),
    plain("mask", _mask, _images()),
    Target("page-segment", _segment, [body(SEGMENT)]),
    Target("page-image", _clicked, [body(SEGMENT)]),
    plain("page-upload", _upload, UPLOADS),
    plain("mask-runs", _runs, [bytes(9), b"\x0f\xf0" * 5]),
    plain("url", _url, URLS),
    plain("redirect", _redirect, URLS),
    Target(
        "host-name",
        _name,
        [b"labels.example:8080", b"a.example.org", b"x:8443", b"images.example."],
        documents=False,
    ),
    plain("data-uri", _data_uri, [b"data:image/png;base64,QUJD", b"data:,a%20b"]),
    Target(
        "authorization",
        _authorization,
        [b"Basic YW5uOmE6cGFzc3dvcmQ=", b"Bearer a-token", b"Digest a=b"],
        documents=False,
    ),
    Target(
        "client-address", _address, [b"192.0.2.1", b"2001:db8::1%eth0", b"::ffff:192.0.2.1"], documents=False
    ),
    Target("settings", _settings, [body(SETTINGS)]),
    plain("answer-body", _answers, [b"x" * 1500, b"y" * 2500]),
)
