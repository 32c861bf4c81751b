"""A person's way through the page, in a real browser against a real server."""

import hashlib

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver.common.keys import Keys

from backend.web.routes import SAMPLES
from tests.end_to_end.page.driver import COFFEE, CUP, HANDLE, RIM_OF_SAUCER, select


def test_opens_with_a_photo_and_says_what_to_do(page):
    assert page.state["image"] == hashlib.sha256((SAMPLES / "coffee.jpg").read_bytes()).hexdigest()
    assert "middle of an object" in page.text("hint")
    assert page.text("problem") == ""
    for name in ("undo", "clear", "hide", "save"):
        assert not page.find(name).is_enabled()


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
    page.wait("ready")  # and drawn, zoomed
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


def test_nothing_is_asked_of_any_other_host_and_nothing_is_logged(page):
    page.browser.get_log("browser")
    select(page, CUP, RIM_OF_SAUCER)
    page.press("s")
    addresses = [request["url"] for request in page.requests()]
    assert len(addresses) > 10
    assert all(address.startswith((f"{page.url}/", "blob:", "data:")) for address in addresses)
    assert page.browser.get_log("browser") == []
