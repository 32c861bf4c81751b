"""What strangers have tried, each once, and what comes of it."""

import io
import logging
import socket
import threading
from pathlib import Path

import numpy as np
import pytest
from flask import Flask
from PIL import Image

from backend import connections
from backend.addresses import HostPolicy, Origin
from backend.connections import PatientSocket
from backend.decoding import MAX_SCANS, ImageLimits, decode_image
from backend.fetching import Downloader
from backend.logs import configure
from model.datasets.files import inside, read_image
from model.errors import BoundaryClickError, DatasetError, ImageRejected, InvalidImage, RequestInvalid
from model.polygons import LONGEST, draw_polygon
from plugins.labelstudio.addresses import absolute_url
from plugins.labelstudio.client import _read_below
from plugins.labelstudio.labelling import read_labelling
from plugins.labelstudio.messages import MOST_VALUES, PredictRequest, parse
from tests.safety.conftest import SECRETS

LIMITS = ImageLimits(1 << 20, 1 << 20)


def progressive(scans: int) -> bytes:
    """A JPEG whose last scan comes again and again."""
    buffer = io.BytesIO()
    Image.new("L", (64, 64), 128).save(buffer, "JPEG", progressive=True)
    data = buffer.getvalue()
    last = data[data.rfind(b"\xff\xda") : -2]
    return data[:-2] + last * (scans - data.count(b"\xff\xda")) + b"\xff\xd9"


def test_a_jpeg_of_many_scans_is_refused_before_it_is_decoded() -> None:
    assert decode_image(progressive(MAX_SCANS), LIMITS).pixels.shape == (64, 64, 3)
    with pytest.raises(ImageRejected, match="scans"):
        decode_image(progressive(MAX_SCANS + 1), LIMITS)


@pytest.mark.parametrize("filling", [b"\xff", b"\xff\xd0", b"\xff\xe0\0\2", b"\xff\0"])
@pytest.mark.parametrize("before", [b"\xff\xc2", b"\xff\xda"])
def test_a_jpeg_full_of_nothing_is_refused_in_one_pass(filling: bytes, before: bytes) -> None:
    """Which took time without end: each byte was looked at again from every byte before it."""
    data = progressive(3).replace(before, filling * (900_000 // len(filling)) + before, 1)
    with pytest.raises(ImageRejected, match="segments"):
        decode_image(data, LIMITS)


def test_what_follows_the_end_of_a_jpeg_does_not_count() -> None:
    """Phones append films to photos."""
    assert decode_image(progressive(10) + b"\xff\xda\0\2" * 1000, LIMITS).height == 64


@pytest.mark.parametrize(
    "address",
    ["::127.0.0.1", "fec0::1", "64:ff9b:1::7f00:1", "::ffff:0:127.0.0.1", "64:ff9b::a9fe:a9fe",
     "2002:a00:1::", "255.255.255.255"],
)  # fmt: skip
def test_every_way_to_write_an_address_within(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", (address, 80))])
    with pytest.raises(ImageRejected, match="private network"):
        HostPolicy(allowed=("*",)).resolve(Origin("http", "rebound.example", 80))


@pytest.mark.parametrize("host", ["0x7f.1", "2130706433", "017700000001", "0", "127.1", "[::ffff:7f00:1]"])
def test_every_way_to_write_this_machine(host: str) -> None:
    with pytest.raises(ImageRejected, match="private network"):
        HostPolicy(allowed=("*",)).resolve(Origin.of(f"http://{host}/"))


def test_a_host_that_is_called_like_a_pattern_is_not_named_in_full() -> None:
    policy = HostPolicy(allowed=("*.example.org",))
    assert policy.require(Origin.of("http://*.example.org/")) is False


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;",
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx: ", b"HTTP/1.1 200 OK\r\n\r\na"],
    ids=["head", "chunk", "trailer", "body"],
)  # fmt: skip
def test_a_server_that_drips_is_left_in_time(answer: bytes) -> None:
    """Each byte in time, the whole never: without an end to all of it this would go on for as long as it likes."""
    listener, stop = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def drip() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            try:
                connection.sendall(answer)
                while not stop.wait(0.05):
                    connection.sendall(b"a")
            except OSError:
                return

    thread = threading.Thread(target=drip)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        with pytest.raises(ImageRejected, match="in time"):
            Downloader(HostPolicy([Origin.of(url)]), 1 << 30, 0.5).get(url)
    finally:
        stop.set()
        thread.join()
        listener.close()


def test_who_sends_slowly_is_hung_up_on_and_who_sends_much_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "PATIENCE", 0.3)
    here, there = socket.socketpair()
    with there, PatientSocket.of(here) as patient:
        patient.begin()
        there.send(b"a")
        assert patient.recv(10) == b"a"
        with pytest.raises(ConnectionResetError):
            patient.recv(10)
        patient.begin()
        there.send(b"b" * 10_000)
        assert sum(len(patient.recv(100)) for _ in range(100)) == 10_000


@pytest.mark.parametrize(
    "given", ["Basic YW5uO\xff\xfe", "Basic", "Bearer", "Bearer \xff", "Basic Og==", "Digest x"]
)
def test_broken_logins_are_wrong_ones(guarded: Flask, given: str) -> None:
    answer = guarded.test_client().get("/versions", environ_overrides={"HTTP_AUTHORIZATION": given})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "path", ["/api/learning/promote", "/predict", "/setup", "/webhook", "/api/segment", "/"]
)
@pytest.mark.parametrize(
    "body", [b"[" * 60_000, b'{"a":' * 10_000, b"[[]," * 600_000, b"9" * 5000, b"\xff\0", b""]
)
def test_json_that_means_harm_is_refused(
    guarded: Flask, known: dict[str, str], path: str, body: bytes
) -> None:
    answer = guarded.test_client().post(path, data=body, headers=known, content_type="application/json")
    assert answer.status_code in (400, 413)
    assert len(answer.get_data()) < 1000


def test_a_job_of_a_number_that_no_database_knows(guarded: Flask, known: dict[str, str]) -> None:
    answer = guarded.test_client().post(f"/api/learning/jobs/{10**30}/cancel", json={}, headers=known)
    assert answer.status_code == 404


def test_values_are_counted_before_they_are_read() -> None:
    with pytest.raises(RequestInvalid, match="values"):
        parse(PredictRequest, b'{"tasks":[' + b"[]," * MOST_VALUES + b"[]]}")


def test_a_body_without_a_length_is_limited(guarded: Flask, known: dict[str, str]) -> None:
    """As gunicorn hands on chunks."""
    answer = guarded.test_client().post(
        "/api/images", input_stream=io.BytesIO(bytes(5_000_000)), headers=known, content_type="image/png",
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
    )  # fmt: skip
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "configuration",
    ['<!DOCTYPE a [<!ENTITY b "c">]><View>&b;</View>', '<!DOCTYPE a SYSTEM "file:///etc/passwd"><View/>',
     '<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1/">%p;]><View/>'],
)  # fmt: skip
def test_xml_with_a_document_type_is_refused(configuration: str) -> None:
    with pytest.raises(RequestInvalid, match="well-formed XML"):
        read_labelling(configuration)


def test_nothing_outside_the_folder_is_read(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "secret.png"
    root.mkdir()
    outside.write_bytes(b"secret")
    (root / "link").symlink_to(outside)
    (root / "inner").write_bytes(b"mine")
    assert _read_below(root, "/inner", 100) == b"mine"
    for name in (
        "../secret.png",
        "/../secret.png",
        str(outside),
        "link",
        "a\0b",
        "inner/../../secret.png",
        "x" * 5000,
        ".",
    ):
        with pytest.raises(ImageRejected):
            _read_below(root, name, 100)
    for name in ("../secret.png", str(outside), "a/../../secret.png", "a\0b"):
        with pytest.raises(DatasetError):
            inside(root, name)


def test_a_data_set_starts_no_other_program(tmp_path: Path) -> None:
    """Pillow hands PostScript to Ghostscript, whatever the file is called."""
    path = tmp_path / "a.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n")
    with pytest.raises(DatasetError, match="cannot identify"):
        read_image(path, (10, 10))


def test_polygons_are_measured_before_they_are_drawn() -> None:
    assert draw_polygon(np.array([[0.0, 0], [4, 0], [4, 4]]), 5, 5).sum() > 5
    zigzag = np.stack([np.arange(2000) % 2 * 9999.0, np.arange(2000.0)], axis=1)
    for corners in (zigzag, np.array([[0, 0], [1e300, 0], [0, 5]]), np.array([[0, 0], [np.nan, 0], [0, 5]])):
        with pytest.raises(InvalidImage, match="polygon"):
            draw_polygon(corners, 5, 5)
    assert zigzag.shape[0] * 9999 > LONGEST


JSON = "application/json"
CONFIGURATION = (
    '<View><Image name="image" value="$image"/><KeyPoint name="k" toName="image"/>'
    '<BrushLabels name="m" toName="image"><Label value="a"/></BrushLabels></View>'
)
CLICK = {"id": "a", "type": "keypoint", "from_name": "k", "to_name": "image", "value": {"x": 1, "y": 1}}
PREDICT = {
    "label_config": CONFIGURATION,
    "params": {"context": {"result": [CLICK]}, "login": "l", "password": "s3cret"},
}
SETUP = {"project": "1", "schema": "", "hostname": "http://a:s3cret@b", "access_token": "s3cret"}
URLS = (
    "http://ann:s3cret@host/a.png",
    "ftp://host/a?token=s3cret",
    "/data/\\a?token=s3cret",
    "http://h/a b\\?x=s3cret#s3cret",
)


@pytest.mark.parametrize("reference", URLS)
def test_a_refused_reference_is_told_without_its_secrets(reference: str) -> None:
    with pytest.raises(BoundaryClickError) as caught:
        absolute_url(reference, "http://labels.example", 1)
    assert "s3cret" not in str(caught.value)


def test_a_session_leaves_no_secret_in_the_log(
    guarded: Flask, known: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    """At level debug, with right and wrong logins, tokens in bodies and in URLs."""
    root, before = logging.getLogger(), logging.getLogger().handlers[:]
    level = root.level
    configure("debug", "text")
    try:
        client = guarded.test_client()
        for headers in (known, {"Authorization": "Bearer s3cret"}, {"Authorization": "Basic s3cret"}):
            client.post("/setup?token=s3cret", json=SETUP, headers=headers)
            client.post("/setup", data=b'{"access_token": "s3cret', headers=headers, content_type=JSON)
            for url in (*URLS, "http://127.0.0.1:1/a.png?sig=s3cret"):
                body = {**PREDICT, "tasks": [{"id": 1, "data": {"image": url}}]}
                client.post("/predict", json=body, headers=headers)
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    logged = capfd.readouterr().err
    assert "/predict" in logged
    for secret in ("s3cret", *SECRETS):
        assert secret not in logged


def test_every_answer_tells_browsers_what_they_may(guarded: Flask, known: dict[str, str]) -> None:
    client = guarded.test_client()
    for path in (
        "/",
        "/learning",
        "/assets/page.css",
        "/openapi.json",
        "/nowhere",
        "/assets/../x",
        "/api/segment",
    ):
        for headers in ({}, known):
            with client.get(path, headers=headers) as answer:
                for name in (
                    "Content-Security-Policy",
                    "X-Content-Type-Options",
                    "X-Frame-Options",
                    "Cross-Origin-Resource-Policy",
                ):
                    assert name in answer.headers, (path, name)
