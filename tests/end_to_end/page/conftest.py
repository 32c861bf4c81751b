"""One browser and one server for all tests of the page."""

import pytest

from tests.end_to_end.chromium import chromium
from tests.end_to_end.page.driver import Page
from tests.end_to_end.serving import serving


@pytest.fixture(scope="package")
def downloads(tmp_path_factory):
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="package")
def browser(downloads):
    with chromium(downloads) as chrome:
        yield chrome


@pytest.fixture(scope="package")
def server():
    with serving() as url:
        yield url


@pytest.fixture
def page(browser, server):
    return Page(browser, server)
