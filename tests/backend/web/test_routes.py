"""Routes of the page, against the application with the shipped weights."""

import hashlib
import io
import re

import numpy as np
import pytest
from PIL import Image

from backend.web.routes import SAMPLES

UNKNOWN = "f" * 64


def upload(client, data, **options):
    return client.post("/api/images", data=data, content_type="image/png", **options)


def segment(client, digest, clicks):
    return client.post("/api/segment", json={"image": digest, "clicks": clicks})


def mask_of(answer):
    values = np.arange(len(answer["runs"])) % 2 == 1
    return np.repeat(values, answer["runs"]).reshape(answer["height"], answer["width"])


@pytest.fixture
def select(photo_click):
    return {"x": photo_click.x, "y": photo_click.y, "role": "select"}


def test_page_and_everything_it_names_is_served_from_here(client):
    page = client.get("/")
    assert page.status_code == 200
    assert page.mimetype == "text/html"
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(addresses) >= 8
    for address in addresses:
        answer = client.get(f"/{address}")
        assert answer.status_code == 200, address
        answer.close()
    page.close()


def test_page_may_load_and_run_nothing_from_outside(client):
    with client.get("/") as page:
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert not re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=|https?://", page.text)


def test_sample_photos_are_small_and_their_terms_are_stated():
    photos = sorted(SAMPLES.glob("*.jpg"))
    terms = (SAMPLES / "README.md").read_text(encoding="utf-8")
    assert len(photos) >= 4
    for path in photos:
        assert f"`{path.name}`" in terms
        assert path.stat().st_size <= 150_000
        with Image.open(path) as photo:
            assert max(photo.size) <= 800


def test_sample_route_serves_photos_only(client):
    assert client.get("/samples/README.md").status_code == 404
    assert client.get("/samples/../routes.jpg").status_code == 404
    assert client.get("/samples/none.jpg").status_code == 404


def test_upload_answers_digest_and_size(client, photo, photo_png):
    answer = upload(client, photo_png).get_json()
    height, width = photo.shape[:2]
    assert answer == {"image": hashlib.sha256(photo_png).hexdigest(), "width": width, "height": height}


def test_upload_takes_a_form_too(client, photo_png):
    form = {"image": (io.BytesIO(photo_png), "photo.png")}
    answer = client.post("/api/images", data=form, content_type="multipart/form-data")
    assert answer.get_json() == upload(client, photo_png).get_json()


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None]
)
@pytest.mark.parametrize(
    "header",
    [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
    ids=str,
)
def test_upload_refuses_what_a_foreign_page_can_send_unasked(client, photo_png, content_type, header):
    form = {"image": (io.BytesIO(photo_png), "photo.png")}
    data = form if content_type == "multipart/form-data" else photo_png
    answer = client.post("/api/images", data=data, content_type=content_type, headers=header)
    assert answer.status_code == 400
    assert "from a web page" in answer.get_json()["error"]


@pytest.mark.parametrize("content_type", ["image/png", "application/octet-stream"])
def test_upload_takes_what_its_own_page_sends(client, photo_png, content_type):
    headers = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    answer = client.post("/api/images", data=photo_png, content_type=content_type, headers=headers)
    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_upload_takes_a_body_without_type_from_a_program(client, photo_png):
    assert client.post("/api/images", data=photo_png).status_code == 200


@pytest.mark.parametrize("data", [b"", b"this is no image, whatever its name says"])
def test_upload_refuses_what_is_no_image(client, data):
    answer = upload(client, data)
    assert answer.status_code == 400
    assert answer.get_json()["error"].count("\n") == 0


def test_upload_refuses_a_form_without_the_field(client):
    answer = client.post("/api/images", data={"other": "x"}, content_type="multipart/form-data")
    assert answer.status_code == 400
    assert "'image'" in answer.get_json()["error"]


def test_segment_gives_the_mask_of_the_service(app, client, photo, photo_png, predictor, photo_click, select):
    digest = upload(client, photo_png).get_json()["image"]
    answer = segment(client, digest, [select]).get_json()
    expected = predictor.predict(photo, [photo_click])
    assert np.array_equal(mask_of(answer), expected.mask)
    assert answer["score"] == pytest.approx(expected.score, abs=1e-4)
    assert answer["model"] == predictor.version
    assert 0 <= answer["ms"]["model"] <= answer["ms"]["server"]


def test_segment_says_when_an_image_must_be_uploaded_again(client, select):
    answer = segment(client, UNKNOWN, [select])
    assert answer.status_code == 404
    assert answer.get_json()["code"] == "image_unknown"


@pytest.mark.parametrize(
    "clicks",
    [
        [{"x": -40, "y": 3, "role": "select"}],
        [{"x": 3, "y": 1e9, "role": "select"}],
        [{"x": float("nan"), "y": 3, "role": "select"}],
        [{"x": 3, "y": 3, "role": "boundary"}],
        [{"x": 3, "y": 3, "role": "select"}, {"x": 4, "y": 4, "role": "select"}],
    ],
    ids=["outside", "far outside", "not a number", "no selection", "two selections"],
)
def test_segment_refuses_clicks_that_make_no_sense(client, photo_png, clicks):
    digest = upload(client, photo_png).get_json()["image"]
    answer = segment(client, digest, clicks)
    assert answer.status_code == 400
    assert "click" in answer.get_json()["error"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[" * 200_000, b"\xff" * 200_000], ids=["empty", "cut", "deep", "no text"]
)
def test_segment_refuses_a_body_that_is_no_json(client, body):
    answer = client.post("/api/segment", data=body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.get_json()["error"].startswith("body: ")
    assert len(answer.get_json()["error"]) < 300


def test_segment_refuses_the_content_types_of_foreign_pages(client):
    answer = client.post("/api/segment", data=b"{}", content_type="text/plain")
    assert answer.status_code == 400
    assert "application/json" in answer.get_json()["error"]


@pytest.mark.parametrize("x", [True, "3", None])
def test_segment_refuses_coordinates_that_are_no_numbers(client, photo_png, select, x):
    digest = upload(client, photo_png).get_json()["image"]
    answer = segment(client, digest, [select | {"x": x}])
    assert answer.status_code == 400
    assert answer.get_json()["error"].startswith("clicks.0.x: ")
