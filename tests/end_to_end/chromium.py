"""A headless Chromium for tests that look at pages as people do."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

PATIENCE = 600
"""Seconds until a test gives up; nothing is measured by it."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def _find(*names: str) -> str | None:
    return next((path for path in map(shutil.which, names) if path), None)


@contextmanager
def chromium(downloads: Path, size: tuple[int, int] = (1280, 800)) -> Iterator[Chrome]:
    """A browser that saves into `downloads`; its performance log holds every request.

    Skips the test where Chromium or its driver is not installed, except in CI, where that is a failure.
    """
    browser, driver = _find(*BROWSERS), _find("chromedriver", "chromium.chromedriver")
    if browser is None or driver is None:
        message = "needs Chromium: install the packages chromium and chromium-driver"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    options = ChromeOptions()
    options.binary_location = browser
    for argument in (
        "--headless=new",
        # Containers have neither user namespaces for the sandbox nor much shared memory.
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--no-first-run",
        f"--window-size={size[0]},{size[1]}",
    ):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    chrome = Chrome(options=options, service=Service(driver))
    try:
        chrome.set_script_timeout(PATIENCE)
        chrome.set_page_load_timeout(PATIENCE)
        yield chrome
    finally:
        chrome.quit()
