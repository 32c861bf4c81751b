"""The page on a small screen, by touch."""

import pytest

from tests.end_to_end.page.driver import COFFEE, CUP


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
