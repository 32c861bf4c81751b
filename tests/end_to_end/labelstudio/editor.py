"""Label Studio's labelling page, used as an annotator uses it: keys and mouse in a real browser."""

import base64
import io
import json
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.remote_connection import RemoteConnection
from selenium.webdriver.support.ui import WebDriverWait

from tests.end_to_end.chromium import PATIENCE
from tests.end_to_end.labelstudio.server import PASSWORD, USER, LabelStudio

ACCEPT = '[data-testid="bottombar-accept-suggestions-button"]'
AUTO_DETECT = ".lsf-toolbar__group > .lsf-tool_smart"
_STORE = "const store = window.Htx && Htx.annotationStore && Htx.annotationStore.selected; if (!store) return null; "
_IMAGE = _STORE + "const image = [...store.names.values()].find(tag => tag.type === 'image'); "
_LOADED = (
    _IMAGE + "return !!image && image.naturalWidth > 1 && image.stageWidth > 1 "
    "&& !!document.querySelector('.konvajs-content canvas')"
)
_GEOMETRY = (
    _IMAGE + "return [image.stageWidth * image.stageScale, image.stageHeight * image.stageScale, "
    "image.zoomingPositionX, image.zoomingPositionY]"
)
_REACHABLE = (
    "const canvas = document.querySelector('.konvajs-content'); if (!canvas) return false; "  # the page draws it anew
    "const box = canvas.getBoundingClientRect(); "
    "const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2); "
    "return !!top && !!top.closest('.konvajs-content')"
)
_SUGGESTIONS = (
    _STORE + "return JSON.stringify([...store.suggestions.values()]"
    ".map(region => ({id: region.cleanId, type: region.type, rle: Array.from(region.rle || region._rle || [])})))"
)
_CLICKS = _STORE + "return store.regions.filter(region => region.type === 'keypointregion').length"
_SAVED = "return !Htx.annotationStore.selected.isDraftSaving && !!Htx.annotationStore.selected.versions.draft"
_ANSWERED = (
    "return performance.getEntriesByType('resource').filter(entry => entry.name.includes('interactive-annotating'))"
    ".length === arguments[0] && !Htx.awaitingSuggestions"
)
_LABELS = (
    _STORE + "return [...store.names.values()].flatMap(tag => tag.selectedValues ? tag.selectedValues() : [])"
)
_REGIONS = _STORE + "return JSON.stringify(store.serializeAnnotation())"
_TOOL = (
    "for (const tools of ToolManager.allInstances()) { const tool = tools.findSelectedTool(); "
    "if (tool) return [tool.toolName, tool.dynamic, tool.control && tool.control.name.split('@')[0]]; } return null"
)

MOST_TOOLS = 10

T = TypeVar("T")


class Editor:
    """The page of one task, with Auto-Annotation on."""

    def __init__(self, browser: Chrome, server: LabelStudio) -> None:
        self._browser = browser
        self._server = server
        self._asked = 0
        # A page may take longer than the driver's own two minutes where the machine is busy.
        connection = self._browser.command_executor
        assert isinstance(connection, RemoteConnection)
        connection.client_config.timeout = PATIENCE

    def log_in(self) -> None:
        """Through the login page."""
        self._browser.get(self._server.url + "/user/login/")
        self._browser.find_element(By.NAME, "email").send_keys(USER)
        self._browser.find_element(By.NAME, "password").send_keys(PASSWORD + Keys.RETURN)
        self.wait(lambda: "/user/login" not in self._browser.current_url)

    def open(self, project: int, task: int, auto_accept: bool = False) -> None:
        """Show the task, its image loaded."""
        self._browser.execute_script(
            "localStorage.setItem('autoAnnotation', 'true');"
            "localStorage.setItem('autoAcceptSuggestions', arguments[0]);"
            "for (const key of Object.keys(localStorage)) "
            "if (key.startsWith('selected-tool')) localStorage.removeItem(key)",
            str(auto_accept).lower(),
        )
        self._browser.get(f"{self._server.url}/projects/{project}/data?task={task}")
        self.wait(lambda: self._browser.execute_script(_LOADED))
        # While the page is busy, a veil lies over the image and swallows clicks.
        self.wait(lambda: self._browser.execute_script(_REACHABLE))
        self._browser.execute_script("performance.setResourceTimingBufferSize(10000)")
        self._asked = 0

    def choose_label(self, key: str, name: str) -> None:
        """Select a class by its hotkey."""
        self.press(key)
        self.wait(lambda: self._browser.execute_script(_LABELS) == [name])

    def choose_tool(self, key: str, control: str) -> None:
        """Select a smart tool by its hotkey and see that it is the one of `control`."""
        self.press(key)
        self.wait(lambda: self.tool() == ["KeyPointTool", True, control])

    def pick_smart_tool(self, kind: str, control: str) -> None:
        """Click Auto-Detect, which goes through the smart tools, until it is the one of `control`."""
        for _ in range(MOST_TOOLS):
            before = self.tool()
            self._browser.find_element(By.CSS_SELECTOR, AUTO_DETECT).click()
            self._wait_for_other_tool(before)
            if self.tool() == [kind, True, control]:
                return
        raise AssertionError(f"expected a smart {kind} of {control}, got {self.tool()}")

    def tool(self) -> list[Any] | None:
        """Kind of the selected tool, whether it is smart, its control."""
        selected: list[Any] | None = self._browser.execute_script(_TOOL)
        return selected

    def press(self, key: str) -> None:
        """A key, on the page."""
        self._browser.find_element(By.TAG_NAME, "body").send_keys(key)

    def click(self, x: float, y: float, *keys: str, asks: bool = True) -> None:
        """A click on the image, in percent of it, with keys held; `asks`: the backend will be asked."""
        actions = self._at(x, y)
        for key in keys:
            actions.key_down(key)
        actions.click()
        for key in keys:
            actions.key_up(key)
        self._asked += asks
        actions.perform()

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Move what lies at one place to another, or draw from one to the other; the backend will be asked."""
        width, height, _, _ = self._browser.execute_script(_GEOMETRY)
        across, down = round((end[0] - start[0]) * width / 100), round((end[1] - start[1]) * height / 100)
        actions = self._at(*start).click_and_hold().move_by_offset(across // 2, down // 2)
        actions.move_by_offset(across - across // 2, down - down // 2).release().perform()
        self._asked += 1

    def suggestion_after(self, clicks: int) -> dict[str, Any]:
        """The one region that the backend suggests with so many clicks on the image, its answer awaited."""
        self.wait(lambda: self._browser.execute_script(_CLICKS) == clicks)
        self.answered()
        (suggestion,) = self.wait(lambda: self._list(_SUGGESTIONS))
        return suggestion

    def answered(self) -> None:
        """Returns when the backend has answered everything that it was asked."""
        self.wait(lambda: self._browser.execute_script(_ANSWERED, self._asked))

    def saved(self) -> None:
        """Returns when the draft has been saved."""
        self.wait(lambda: self._browser.execute_script(_SAVED))

    def sent(self) -> list[list[dict[str, Any]]]:
        """What the page has asked the backend since this was called last: of each request the clicks and boxes."""
        log = self._browser.get_log("performance")  # type: ignore[no-untyped-call]
        messages = [json.loads(entry["message"])["message"] for entry in log]
        bodies = [
            json.loads(message["params"]["request"]["postData"])
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
            and message["params"]["request"]["url"].endswith("/interactive-annotating")
        ]
        return [[item for item in body["context"]["result"] if item["type"] != "labels"] for body in bodies]

    def clicks(self) -> int:
        """Clicks on the image, leftovers included."""
        return int(self._browser.execute_script(_CLICKS))

    def regions(self, kind: str) -> list[dict[str, Any]]:
        """The regions of a kind, as the page would submit them now."""
        return [item for item in self._list(_REGIONS) if item["type"] == kind]

    def region(self, kind: str) -> dict[str, Any]:
        """The accepted region of a kind, as the page would submit it now."""
        (found,) = self.wait(lambda: self.regions(kind))
        return found

    def accept(self) -> None:
        """The tick in the bar at the bottom."""
        self._browser.find_element(By.CSS_SELECTOR, ACCEPT).click()

    def submit(self, button: str = "Submit") -> None:
        """Save the annotation; one that was there has the button Update."""
        self._browser.find_element(By.XPATH, f"//button[contains(., '{button}')]").click()

    def picture(self) -> NDArray[np.uint8]:
        """(H, W, 3) what the canvas area of the page looks like."""
        data = base64.b64decode(
            self._browser.find_element(By.CSS_SELECTOR, ".konvajs-content").screenshot_as_base64
        )
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))

    def wait(self, condition: Callable[[], T]) -> T:
        """What `condition` returns as soon as it is true."""
        return WebDriverWait(self._browser, PATIENCE, poll_frequency=0.1).until(lambda _: condition())

    def _wait_for_other_tool(self, before: list[Any] | None) -> None:
        self.wait(lambda: self.tool() != before)

    def _at(self, x: float, y: float) -> ActionChains:
        """The mouse moved to a place on the image, in percent of it."""
        stage = self._browser.find_element(By.CSS_SELECTOR, ".konvajs-content")
        width, height, left, top = self._browser.execute_script(_GEOMETRY)
        size = stage.size
        return ActionChains(self._browser).move_to_element_with_offset(
            stage,
            round(left + width * x / 100 - size["width"] / 2),
            round(top + height * y / 100 - size["height"] / 2),
        )

    def _list(self, script: str) -> list[dict[str, Any]]:
        text = self._browser.execute_script(script)
        found: list[dict[str, Any]] = json.loads(text) if text else []
        return found
