"""A person's way through the page, in a real browser against a real server."""

import hashlib
import io

import numpy as np
import pytest
import requests
from PIL import Image
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from backend.web.routes import SAMPLES
from tests.end_to_end.chromium import chromium
from tests.end_to_end.page import Page
from tests.end_to_end.serving import serving

COFFEE = (600, 400)
CUP, RIM_OF_SAUCER, HANDLE = (290, 130), (82, 215), (205, 300)


@pytest.fixture(scope="module")
def downloads(tmp_path_factory):
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def browser(downloads):
    with chromium(downloads) as chrome:
        yield chrome


@pytest.fixture(scope="module")
def server():
    with serving() as url:
        yield url


@pytest.fixture
def page(browser, server):
    return Page(browser, server)


def select(page, *points):
    for x, y in points:
        page.click(x, y, COFFEE)
        page.wait("ready")


def choose(page, path):
    page.find("chooser").send_keys(str(path))


def test_opens_with_a_photo_and_says_what_to_do(page):
    assert page.state["image"] == hashlib.sha256((SAMPLES / "coffee.jpg").read_bytes()).hexdigest()
    assert "middle of an object" in page.text("hint")
    assert page.text("problem") == ""
    for name in ("undo", "clear", "hide", "save"):
        assert not page.find(name).is_enabled()


def test_each_sample_can_be_chosen(page):
    for button in page.browser.find_elements(By.CSS_SELECTOR, "#samples button"):
        name = button.find_element(By.TAG_NAME, "img").get_attribute("src").split("/")[-1]
        digest = hashlib.sha256((SAMPLES / name).read_bytes()).hexdigest()
        button.click()
        page.until(lambda digest=digest: page.state["image"] == digest)
        assert button.get_attribute("aria-pressed") == "true"


def test_click_shows_a_mask_and_its_figures(page):
    before = page.picture()
    select(page, CUP)
    assert 0 < page.area <= COFFEE[0] * COFFEE[1]
    changed = np.any(page.picture() != before, axis=2)
    scale = page.photo_box()[2] / COFFEE[0]
    assert changed.sum() >= 0.9 * page.area * scale**2
    for figure in ("figure-model", "figure-round-trip"):
        assert page.text(figure).endswith(" ms")
    assert 0 <= float(page.text("figure-score")) <= 1


def test_click_on_the_outline_changes_the_mask_and_undo_brings_it_back(page):
    views = [page.picture()]
    areas = [page.area]
    for point in (CUP, RIM_OF_SAUCER, HANDLE):
        select(page, point)
        views.append(page.picture())
        areas.append(page.area)
    assert len(set(areas)) >= 3
    assert [click["role"] for click in page.asked()[-1]] == ["select", "boundary", "boundary"]
    questions = len(page.asked())
    for view, area in zip(views[-2::-1], areas[-2::-1], strict=True):
        page.find("undo").click()
        page.wait("ready")
        assert page.area == area
        assert np.array_equal(page.picture(), view)
    assert len(page.asked()) == questions
    assert not page.find("undo").is_enabled()


def test_clear_takes_all_away_and_undo_brings_all_back(page):
    fresh = page.picture()
    select(page, CUP, RIM_OF_SAUCER)
    clicked, area = page.picture(), page.area
    page.press("c")
    page.wait("ready")
    assert page.area == 0
    assert np.array_equal(page.picture(), fresh)
    page.press("z")
    page.wait("ready")
    assert page.area == area
    assert np.array_equal(page.picture(), clicked)


def test_saved_mask_is_a_grey_png_of_the_photo_s_size(page, downloads):
    select(page, CUP)
    page.find("save").click()
    saved = downloads / "coffee-mask.png"
    page.until(saved.exists)
    with Image.open(saved) as mask:
        assert (mask.format, mask.mode, mask.size) == ("PNG", "L", COFFEE)
        values = np.asarray(mask)
    assert set(np.unique(values)) <= {0, 255}
    assert np.count_nonzero(values) == page.area
    saved.unlink()


def test_screen_positions_become_image_pixels_exactly(page):
    left, top, width, height = page.photo_box()
    spots = [(0.1, 0.2), (0.5, 0.5), (0.73, 0.91)]
    for across, down in spots:
        page.click_stage(left + across * width, top + down * height)
    page.wait("ready")
    # The box is measured in whole screen pixels, of which there are about 1.5 to an image pixel here.
    for (across, down), click in zip(spots, page.asked()[-1], strict=True):
        assert click["x"] == pytest.approx(across * COFFEE[0] - 0.5, abs=0.7)
        assert click["y"] == pytest.approx(down * COFFEE[1] - 0.5, abs=0.7)


def test_zoom_keeps_the_pixel_under_the_mouse(page):
    left, top, width, height = page.photo_box()
    spot = (left + 0.3 * width, top + 0.6 * height)
    page.mouse("mouseMoved", *spot)
    page.mouse("mouseWheel", *spot, deltaX=0, deltaY=-1200)
    page.until(lambda: "zoomed" in page.find("stage").get_attribute("class"))
    page.click_stage(*spot)
    page.wait("ready")
    [click] = page.asked()[-1]
    assert click["x"] == pytest.approx(0.3 * COFFEE[0] - 0.5, abs=0.7)
    assert click["y"] == pytest.approx(0.6 * COFFEE[1] - 0.5, abs=0.7)


def test_dragging_a_zoomed_photo_moves_it_and_sets_no_click(page):
    page.press("+", "+", "+")
    before = page.picture()
    page.mouse("mouseMoved", 300, 300)
    page.mouse("mousePressed", 300, 300)
    for step in range(1, 5):
        page.mouse("mouseMoved", 300 + 10 * step, 300 + 5 * step, button="left", buttons=1)
    page.mouse("mouseReleased", 340, 320)
    page.wait("ready")
    after = page.picture()
    assert page.state["clicks"] == "0"
    assert np.array_equal(after[120:400, 140:500], before[100:380, 100:460])


def test_space_hides_the_mask_as_long_as_it_is_held(page):
    select(page, CUP)
    masked = page.picture()
    for kind, expected in (("keyDown", True), ("keyUp", False)):
        page.browser.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": kind, "key": " ", "code": "Space"})
        page.wait("ready")
        changed = np.any(page.picture() != masked, axis=2)
        assert (int(changed.sum()) > page.area / 2) is expected


def test_works_without_a_mouse(page):
    page.browser.execute_script("document.getElementById('stage').focus()")
    page.press(Keys.ENTER, Keys.ARROW_RIGHT, Keys.ARROW_LEFT, Keys.ENTER)
    page.wait("ready")
    [click] = page.asked()[-1]
    assert (click["x"], click["y"]) == pytest.approx(((COFFEE[0] - 1) / 2, (COFFEE[1] - 1) / 2))
    assert page.state["clicks"] == "1"


def test_clicks_made_while_waiting_all_count(page):
    points = [CUP, RIM_OF_SAUCER, HANDLE, (120, 320), (330, 378)]
    left, top, width, height = page.photo_box()
    for x, y in points:
        page.click_stage(left + (x + 0.5) * width / COFFEE[0], top + (y + 0.5) * height / COFFEE[1])
    page.wait("ready")
    assert page.state["clicks"] == str(len(points))
    quick = page.area
    asked = page.asked()
    assert len(asked[-1]) == len(points)
    assert all(clicks == asked[-1][: len(clicks)] for clicks in asked)
    page.press("z")
    page.wait("ready")
    page.click(*points[-1], COFFEE)
    page.wait("ready")
    assert page.area == pytest.approx(quick, rel=0.01)


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


def test_without_a_server_it_says_so_and_goes_on_afterwards(page):
    page.offline(True)
    try:
        page.click(*CUP, COFFEE)
        page.until(lambda: "does not answer" in page.text("problem"))
        page.wait("failed")
        assert page.state["clicks"] == "1"
    finally:
        page.offline(False)
    page.find("retry").click()
    page.wait("ready")
    assert page.area > 0
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


def test_nothing_is_asked_of_any_other_host_and_nothing_is_logged(page):
    page.browser.get_log("browser")
    select(page, CUP, RIM_OF_SAUCER)
    page.press("s")
    addresses = [request["url"] for request in page.requests()]
    assert len(addresses) > 10
    assert all(address.startswith((f"{page.url}/", "blob:", "data:")) for address in addresses)
    assert page.browser.get_log("browser") == []


@pytest.fixture
def phone(page):
    def emulate(command, **options):
        page.browser.execute_cdp_cmd(f"Emulation.{command}", options)

    emulate("setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=2, mobile=True)
    emulate("setTouchEmulationEnabled", enabled=True, maxTouchPoints=2)
    page.browser.refresh()
    page.wait("ready")
    yield page
    emulate("setTouchEmulationEnabled", enabled=False)
    emulate("clearDeviceMetricsOverride")


def test_a_phone_shows_all_of_it_and_a_tap_is_a_click(phone):
    assert phone.browser.execute_script("return document.documentElement.scrollWidth") <= 390
    left, top, width, height = phone.photo_box()
    spot = (left + width * (CUP[0] + 0.5) / COFFEE[0], top + height * (CUP[1] + 0.5) / COFFEE[1])
    phone.touch("touchStart", spot)
    phone.touch("touchEnd")
    phone.until(lambda: phone.state["clicks"] == "1")
    phone.wait("ready")
    assert phone.area > 0
    [click] = phone.asked()[-1]
    assert click["x"] == pytest.approx(CUP[0], abs=1.5)
    assert click["y"] == pytest.approx(CUP[1], abs=1.5)


def test_two_fingers_zoom_and_set_no_click(phone):
    phone.touch("touchStart", (170, 170))
    for spread in range(0, 100, 20):
        kind = "touchMove" if spread else "touchStart"
        phone.touch(kind, (170 - spread, 170), (190 + spread, 170))
    phone.touch("touchEnd")
    phone.until(lambda: "zoomed" in phone.find("stage").get_attribute("class"))
    assert phone.state["clicks"] == "0"


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
