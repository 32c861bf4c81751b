import io
import logging

import numpy as np
import pytest
from PIL import Image

from backend.app import create_app
from backend.settings import load_settings
from model import WeightsError
from model.inference import Passes
from tests.backend.test_decoding import encoded, png_header

FLAT = Image.new("RGB", (12, 8), (200, 30, 30))


def upload(client, data: bytes):
    return client.post("/api/images", data={"image": (io.BytesIO(data), "photo.jpg")})


def one_line(answer) -> str:
    assert answer.mimetype == "application/json"
    message = answer.get_json()["error"]
    assert message
    assert "\n" not in message
    assert "Traceback" not in message
    return message


def test_alive_and_ready(client, predictor):
    health = client.get("/health")
    assert (health.status_code, health.get_json()["status"]) == (200, "UP")
    assert health.get_json()["model_version"] == predictor.version
    assert client.get("/ready").status_code == 200


def test_alive_but_not_ready_when_the_first_prediction_fails(settings, predictor, monkeypatch):
    def fail(*_):
        raise RuntimeError("no kernel image\nis available")

    monkeypatch.setattr(Passes, "encode", fail)
    client = create_app(settings, predictor).test_client()
    assert client.get("/health").status_code == 200
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert "no kernel image is available" in one_line(answer)


def test_the_page_and_label_studio_are_both_there(client):
    with client.get("/") as page:
        assert page.status_code == 200
    assert client.get("/versions").status_code == 200


@pytest.mark.parametrize(
    ("name", "content"), [("missing", None), ("empty", b""), ("short", b"\1\0\0"), ("text", b"hello" * 99)]
)
def test_weights_that_cannot_be_used(tmp_path, name, content):
    path = tmp_path / f"{name}.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        create_app(load_settings(weights=str(path), threads=1))
    assert "\n" not in str(caught.value)


GOOD = {
    "rgb": encoded(FLAT),
    "jpeg": encoded(FLAT, "JPEG"),
    "grey": encoded(FLAT.convert("L")),
    "one bit": encoded(FLAT.convert("1")),
    "palette": encoded(FLAT.convert("P")),
    "rgba": encoded(FLAT.convert("RGBA")),
    "cmyk": encoded(FLAT.convert("CMYK"), "JPEG"),
    "16 bit": encoded(Image.fromarray(np.full((8, 12), 4000, np.uint16))),
    "1 x 1": encoded(FLAT.resize((1, 1))),
    "thin": encoded(FLAT.resize((900, 1))),
}


@pytest.mark.parametrize("name", GOOD)
def test_every_kind_of_image_is_taken_and_clicked(client, name):
    image = upload(client, GOOD[name]).get_json()
    click = {"x": (image["width"] - 1) / 2, "y": (image["height"] - 1) / 2, "role": "select"}
    answer = client.post("/api/segment", json={"image": image["image"], "clicks": [click]})
    assert answer.status_code == 200
    assert sum(answer.get_json()["runs"]) == image["width"] * image["height"]


def test_a_turned_photo_is_upright(client):
    exif = Image.Exif()
    exif[0x0112] = 6
    image = upload(client, encoded(FLAT, "JPEG", exif=exif)).get_json()
    assert (image["width"], image["height"]) == (8, 12)


BAD = {
    "no bytes": (b"", 400),
    "text": (b"this is text", 400),
    "truncated": (encoded(FLAT.resize((200, 200)))[:60], 400),
    "corrupt": (encoded(FLAT, "JPEG")[:100] + b"\0" * 50, 400),
    "12000 x 9000": (png_header(12_000, 9_000), 413),
}


@pytest.mark.parametrize("name", BAD)
def test_every_bad_image_is_one_line(client, name):
    data, status = BAD[name]
    answer = upload(client, data)
    assert answer.status_code == status
    one_line(answer)


def test_the_pixel_limit_is_a_setting(predictor):
    client = create_app(load_settings(max_image_pixels=50, threads=1), predictor).test_client()
    assert upload(client, GOOD["rgb"]).status_code == 413
    assert upload(client, GOOD["1 x 1"]).status_code == 200


@pytest.mark.parametrize(
    "clicks",
    [
        [],
        [{"x": 12, "y": 3, "role": "select"}],
        [{"x": float("nan"), "y": 3, "role": "select"}],
        [{"x": float("inf"), "y": 3, "role": "select"}],
        [{"x": 3, "y": 3, "role": "boundary"}],
        [{"x": 3, "y": 3, "role": "middle"}],
        [{"x": 3, "y": 3, "role": "select"}] * 2,
        [{"x": "three", "y": 3, "role": "select"}],
    ],
)
def test_every_bad_click_is_one_line(client, clicks):
    image = upload(client, GOOD["rgb"]).get_json()["image"]
    answer = client.post("/api/segment", json={"image": image, "clicks": clicks})
    assert answer.status_code == 400
    one_line(answer)


def test_paths_methods_and_bodies_that_do_not_exist(client):
    for answer, status in (
        (client.get("/nowhere"), 404),
        (client.delete("/health"), 405),
        (client.post("/api/segment", data=b"{", content_type="application/json"), 400),
    ):
        assert answer.status_code == status
        one_line(answer)


def test_a_body_beyond_the_limit(predictor):
    client = create_app(load_settings(max_request_bytes=1000, threads=1), predictor).test_client()
    answer = upload(client, bytes(2000))
    assert answer.status_code == 413
    assert "BOUNDARYCLICK_MAX_REQUEST_BYTES" in one_line(answer)


def test_the_unexpected_is_logged_under_a_number_and_not_told(client, monkeypatch, caplog):
    image = upload(client, GOOD["rgb"]).get_json()["image"]

    def fail(*_):
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(Passes, "encode", fail)
    body = {"image": image, "clicks": [{"x": 3, "y": 3, "role": "select"}]}
    with caplog.at_level(logging.ERROR):
        answer = client.post("/api/segment", json=body)
    assert answer.status_code == 500
    assert "secret" not in one_line(answer)
    assert answer.get_json()["request"] in caplog.text
    assert "a secret of the inside" in caplog.text
    monkeypatch.undo()
    assert client.post("/api/segment", json=body).status_code == 200
