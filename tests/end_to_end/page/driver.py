"""The page as tests use it: real mouse, real keys, and what can be seen on the canvas."""

import base64
import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from tests.end_to_end.chromium import PATIENCE

COFFEE = (600, 400)
"""Width and height of the photo that the page opens with; on it:"""
CUP, RIM_OF_SAUCER, HANDLE = (290, 130), (82, 215), (205, 300)


class Page:
    """The page in a browser. Positions are image pixels, pixel centres, unless said otherwise."""

    def __init__(self, browser: Chrome, url: str) -> None:
        self.browser, self.url = browser, url.rstrip("/")
        self.log: list[dict[str, Any]] = []
        browser.get_log("performance")
        browser.get(f"{self.url}/")
        self.wait("ready")

    # What it says

    @property
    def state(self) -> dict[str, str]:
        """The data attributes that the page keeps for programs."""
        return dict(self.browser.execute_script("return {...document.documentElement.dataset}"))

    @property
    def area(self) -> int:
        """Pixels of the mask."""
        return int(self.state["area"])

    def text(self, name: str) -> str:
        """Visible text of the element with this id."""
        return self.find(name).text

    def find(self, name: str) -> WebElement:
        """The element with this id."""
        return self.browser.find_element(By.ID, name)

    def wait(self, state: str) -> None:
        """Until the page is in this state and the frame that shows it is drawn."""
        self.until(lambda: self.state.get("state") == state)
        self.browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")

    def until(self, condition: Callable[[], object]) -> None:
        """Until the condition holds; fails with the page's state if it never does."""
        WebDriverWait(self.browser, PATIENCE, poll_frequency=0.05).until(
            lambda _: condition(), message=f"page: {self.state}, {self.text('problem')!r}"
        )

    # What can be seen

    def picture(self) -> NDArray[np.uint8]:
        """(H, W, 4) pixels of the canvas; transparent where there is no photo."""
        url = self.browser.execute_script("return document.getElementById('stage').toDataURL('image/png')")
        return np.asarray(Image.open(BytesIO(base64.b64decode(url.split(",")[1]))).convert("RGBA"))

    def photo_box(self) -> tuple[float, float, float, float]:
        """Left, top, width, height of the photo on the canvas in CSS pixels, measured from what is drawn."""
        opaque = self.picture()[..., 3] > 127
        columns, rows = np.flatnonzero(opaque.any(axis=0)), np.flatnonzero(opaque.any(axis=1))
        ratio = float(self.browser.execute_script("return devicePixelRatio"))
        return (
            columns[0] / ratio,
            rows[0] / ratio,
            (columns[-1] + 1 - columns[0]) / ratio,
            (rows[-1] + 1 - rows[0]) / ratio,
        )

    def stage_corner(self) -> tuple[float, float]:
        """Where the stage begins in the window, CSS pixels."""
        x, y = self.browser.execute_script(
            "const box = document.getElementById('stage').getBoundingClientRect(); return [box.x, box.y]"
        )
        return x, y

    # What a person does

    def click(self, x: float, y: float, size: tuple[int, int]) -> None:
        """Click on a pixel of a photo of `size` (width, height) that is shown whole."""
        left, top, width, height = self.photo_box()
        self.click_stage(left + (x + 0.5) * width / size[0], top + (y + 0.5) * height / size[1])

    def click_stage(self, x: float, y: float) -> None:
        """Click at CSS pixels from the top left of the stage, fractions included."""
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.mouse(kind, x, y)

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        """One mouse event at CSS pixels from the top left of the stage."""
        box = self.stage_corner()
        event = {"type": kind, "x": box[0] + x, "y": box[1] + y, **more}
        if kind in ("mousePressed", "mouseReleased"):
            event |= {"button": "left", "buttons": 1, "clickCount": 1}
        self.browser.execute_cdp_cmd("Input.dispatchMouseEvent", event)

    def touch(self, kind: str, *points: tuple[float, float]) -> None:
        """One touch event; the fingers that are down at CSS pixels from the top left of the stage."""
        box = self.stage_corner()
        fingers = [{"x": box[0] + x, "y": box[1] + y, "id": finger} for finger, (x, y) in enumerate(points)]
        self.browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})

    def press(self, *keys: str) -> None:
        """Press keys one after the other, wherever the focus is."""
        ActionChains(self.browser).send_keys(*keys).perform()

    def drop(self, name: str, kind: str, data: bytes) -> None:
        """Let a file go over the stage."""
        self.browser.execute_script(
            """
            const [name, type, text] = arguments;
            const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([bytes], name, { type }));
            const stage = document.getElementById("stage");
            for (const kind of ["dragenter", "dragover", "drop"]) {
              stage.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
            }
            """,
            name,
            kind,
            base64.b64encode(data).decode(),
        )

    def offline(self, offline: bool) -> None:
        """Cut the browser from the server, or connect it again."""
        self.browser.execute_cdp_cmd("Network.enable", {})
        self.browser.execute_cdp_cmd(
            "Network.emulateNetworkConditions",
            {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1},
        )

    # What goes over the line

    def requests(self) -> list[dict[str, Any]]:
        """Every request since the page was opened, as the browser's log has it."""
        return [params["request"] for params in self._events("Network.requestWillBeSent")]

    def statuses(self) -> list[tuple[str, int]]:
        """Path and HTTP status of every answer since the page was opened."""
        answers = [params["response"] for params in self._events("Network.responseReceived")]
        return [(answer["url"].removeprefix(self.url), answer["status"]) for answer in answers]

    def asked(self) -> list[list[dict[str, Any]]]:
        """The clicks of every question for a mask so far."""
        questions = [request for request in self.requests() if request["url"].endswith("/api/segment")]
        return [json.loads(question["postData"])["clicks"] for question in questions]

    def _events(self, method: str) -> list[dict[str, Any]]:
        """Parameters of the events of one kind."""
        entries = self.browser.get_log("performance")
        self.log += [json.loads(entry["message"])["message"] for entry in entries]
        return [event["params"] for event in self.log if event["method"] == method]


def select(page: Page, *points: tuple[int, int]) -> None:
    """Click on points of the first sample photo, one answer after the other."""
    for x, y in points:
        page.click(x, y, COFFEE)
        page.wait("ready")
