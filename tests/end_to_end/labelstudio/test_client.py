"""The real service, spoken to as Label Studio speaks to it: real image, real model, recorded request."""

import io
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from numpy.typing import NDArray
from PIL import Image

from plugins.labelstudio.rle import decode
from tests.end_to_end.serving import serving
from tests.plugins.labelstudio.doubles import golden
from tests.plugins.labelstudio.label_studio_double import PERSONAL, TokenServer, token_server

PHOTO = Path(__file__).parents[3] / "backend" / "web" / "samples" / "coffee.jpg"
UPRIGHT = 1
QUARTER_TURN = 6
ORIENTATION = 0x0112


def stored(orientation: int) -> bytes:
    """The photo as a file that `orientation` brings upright."""
    picture = Image.open(PHOTO)
    turned = picture.rotate(90, expand=True) if orientation == QUARTER_TURN else picture
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    buffer = io.BytesIO()
    turned.save(buffer, "PNG", exif=exif)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def studio() -> Iterator[TokenServer]:
    with token_server(stored(UPRIGHT)) as running:
        yield running


@pytest.fixture(scope="module")
def backend(studio: TokenServer) -> Iterator[str]:
    with serving({"LABEL_STUDIO_URL": studio.url, "LABEL_STUDIO_API_KEY": PERSONAL}) as url:
        yield url


def request_of(count: int, image: str = "/data/upload/1/cup.jpg") -> dict[str, Any]:
    """Recorded request with `count` clicks on the cup."""
    body: dict[str, Any] = golden(f"request-clicks-{count}")
    body["tasks"][0]["data"]["image"] = image
    return body


def answer(backend: str, body: dict[str, Any]) -> dict[str, Any]:
    """The one region of the answer."""
    response = requests.post(backend + "/predict", json=body, timeout=600)
    assert response.status_code == 200, response.text
    (prediction,) = response.json()["results"]
    (item,) = prediction["result"]
    assert isinstance(item, dict)
    return item


def mask_of(item: dict[str, Any]) -> NDArray[np.bool_]:
    """(H, W) of an answered region."""
    return decode(item["value"]["rle"], item["original_width"], item["original_height"]) > 0


def test_setup_and_versions_name_the_model(backend: str) -> None:
    setup = requests.post(backend + "/setup", json=golden("request-setup"), timeout=600).json()
    assert requests.get(backend + "/versions", timeout=600).json() == {"versions": [setup["model_version"]]}


def test_one_two_three_clicks_give_one_region(backend: str, studio: TokenServer) -> None:
    fetched, refreshed = len(studio.headers_seen), studio.refreshes
    regions = [answer(backend, request_of(count, "/data/upload/1/three.jpg")) for count in (1, 2, 3)]
    first = golden("request-clicks-1")["params"]["context"]["result"][0]
    assert {region["id"] for region in regions} == {"tor-" + first["id"]}
    for region in regions:
        assert (region["original_width"], region["original_height"]) == (600, 400)
        assert region["value"]["brushlabels"] == ["Other"]
        assert 0 < mask_of(region).mean() < 1
    masks = [mask_of(region) for region in regions]
    assert any((before != after).any() for before, after in itertools.pairwise(masks))
    assert len(studio.headers_seen) == fetched + 1
    assert studio.refreshes - refreshed <= 1 <= studio.refreshes


def test_the_answer_depends_on_where_the_click_is(backend: str) -> None:
    here, there = request_of(1), request_of(1)
    for item in there["params"]["context"]["result"]:
        item["value"].update(x=61.0, y=71.0)
    assert (mask_of(answer(backend, here)) != mask_of(answer(backend, there))).any()


def test_a_turned_photo_is_answered_upright(backend: str, studio: TokenServer) -> None:
    upright = mask_of(answer(backend, request_of(1)))
    studio.body = stored(QUARTER_TURN)
    try:
        turned = mask_of(answer(backend, request_of(1, "/data/upload/1/turned.jpg")))
    finally:
        studio.body = stored(UPRIGHT)
    np.testing.assert_array_equal(turned, upright)


@pytest.mark.parametrize(
    ("body", "message"),
    [(b"not an image", "image"), (b"", "image"), (stored(UPRIGHT)[:2000], "image")],
    ids=["text", "nothing", "cut"],
)
def test_a_file_that_is_no_image_is_told_in_one_line(
    backend: str, studio: TokenServer, body: bytes, message: str
) -> None:
    studio.body = body
    try:
        sent = request_of(1, f"/data/upload/1/{len(body)}.jpg")
        response = requests.post(backend + "/predict", json=sent, timeout=600)
    finally:
        studio.body = stored(UPRIGHT)
    assert response.status_code == 400
    assert message in response.json()["error"]
    assert "\n" not in response.json()["error"]
    assert answer(backend, request_of(1))["type"] == "brushlabels"


def test_no_other_server_is_asked(backend: str) -> None:
    with token_server(stored(UPRIGHT)) as stranger:
        setup = {**golden("request-setup"), "hostname": stranger.url}
        assert requests.post(backend + "/setup", json=setup, timeout=600).status_code == 200
        answer(backend, request_of(1))
        direct = requests.post(
            backend + "/predict", json=request_of(1, stranger.url + "/data/a.jpg"), timeout=600
        )
        assert direct.status_code == 400
        assert stranger.headers_seen == []


def test_opening_a_task_is_answered_with_nothing(backend: str) -> None:
    response = requests.post(backend + "/predict", json=golden("request-opened"), timeout=600)
    assert (response.status_code, response.json()) == (200, {"results": []})


def test_a_webhook_is_accepted(backend: str) -> None:
    response = requests.post(backend + "/webhook", json=golden("request-annotation-created"), timeout=600)
    assert (response.status_code, response.json()["action"]) == (201, "ANNOTATION_CREATED")
