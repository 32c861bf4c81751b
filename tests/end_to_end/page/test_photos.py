"""How photos come to the page, in a real browser against a real server."""

import hashlib
import io

import numpy as np
import pytest
import requests
from PIL import Image
from selenium.webdriver.common.by import By

from backend.web.routes import SAMPLES
from tests.end_to_end.page.driver import CUP, RIM_OF_SAUCER, Page, select
from tests.end_to_end.serving import serving


def choose(page, path):
    page.find("chooser").send_keys(str(path))


def test_each_sample_can_be_chosen(page):
    for button in page.browser.find_elements(By.CSS_SELECTOR, "#samples button"):
        name = button.find_element(By.TAG_NAME, "img").get_attribute("src").split("/")[-1]
        digest = hashlib.sha256((SAMPLES / name).read_bytes()).hexdigest()
        button.click()
        page.until(lambda digest=digest: page.state["image"] == digest)
        assert button.get_attribute("aria-pressed") == "true"


def test_a_file_that_is_no_image_is_refused_and_the_photo_stays(page):
    before = page.state["image"]
    page.drop("holiday.jpg", "image/jpeg", b"dear diary, this is not a photo")
    page.until(lambda: page.text("problem"))
    page.wait("ready")
    assert page.find("problem").get_attribute("role") == "alert"
    assert page.state["image"] == before
    select(page, CUP)
    assert page.area > 0
    assert page.text("problem") == ""


def test_a_dropped_photo_is_opened(page):
    data = io.BytesIO()
    with Image.open(SAMPLES / "cat.jpg") as photo:
        size = photo.size
        photo.save(data, "PNG")
    page.drop("pet.png", "image/png", data.getvalue())
    page.until(lambda: page.state["image"] == hashlib.sha256(data.getvalue()).hexdigest())
    page.wait("ready")
    _, _, width, height = page.photo_box()
    assert width / height == pytest.approx(size[0] / size[1], rel=0.02)


def test_a_photo_taken_upright_is_shown_upright(page, tmp_path):
    lying = np.zeros((40, 60, 3), np.uint8)
    lying[:, :30] = (220, 30, 30)
    orientation = Image.Exif()
    orientation[0x0112] = 6
    path = tmp_path / "upright.jpg"
    Image.fromarray(lying).save(path, exif=orientation, quality=95)
    choose(page, path)
    page.until(lambda: page.state["image"] == hashlib.sha256(path.read_bytes()).hexdigest())
    page.wait("ready")
    left, top, width, height = page.photo_box()
    assert width / height == pytest.approx(40 / 60, rel=0.02)
    picture = page.picture()
    middle = int(left + width / 2)
    assert picture[int(top + 0.2 * height), middle, 0] > 150
    assert picture[int(top + 0.8 * height), middle, 0] < 60


def test_large_photo_with_fine_mask_survives_the_way_back(page):
    noise = np.random.default_rng(0).integers(0, 256, (2400, 3200, 3), dtype=np.uint8)
    data = io.BytesIO()
    Image.fromarray(noise).save(data, "JPEG", quality=60)
    page.drop("noise.jpg", "image/jpeg", data.getvalue())
    page.until(lambda: page.state["image"] == hashlib.sha256(data.getvalue()).hexdigest())
    page.wait("ready")
    page.click(1600, 1200, (3200, 2400))
    page.wait("ready")
    assert page.state["clicks"] == "1"
    assert page.text("problem") == ""


def test_an_image_that_the_server_has_let_go_is_sent_again(browser):
    # With room for a single image the next upload, whoever sends it, drives it out.
    room = {"BOUNDARYCLICK_IMAGE_CACHE_BYTES": "1", "BOUNDARYCLICK_UPLOAD_CACHE_BYTES": "1"}
    with serving(room) as url:
        page = Page(browser, url)
        select(page, CUP)
        requests.post(
            f"{url}/api/images", data=(SAMPLES / "cat.jpg").read_bytes(), timeout=600
        ).raise_for_status()
        select(page, RIM_OF_SAUCER)
        assert [answer for answer in page.statuses() if answer[0].startswith("/api/")] == [
            ("/api/images", 200),
            ("/api/segment", 200),
            ("/api/segment", 404),
            ("/api/images", 200),
            ("/api/segment", 200),
        ]
        assert page.state["clicks"] == "2"
        assert page.area > 0
        assert page.text("problem") == ""
