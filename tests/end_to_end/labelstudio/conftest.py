"""One Label Studio, one service and one browser for all of these tests; each test makes a project of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.chromium import chromium
from tests.end_to_end.labelstudio.editor import Editor
from tests.end_to_end.labelstudio.server import LabelStudio, find_executable, label_studio
from tests.end_to_end.serving import serving


@pytest.fixture(scope="session")
def executable() -> Path:
    """Label Studio's program."""
    return find_executable()


@pytest.fixture(scope="session")
def studio_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Label Studio keeps its database; can be copied, so that another one need not begin anew."""
    return tmp_path_factory.mktemp("label-studio")


@pytest.fixture(scope="session")
def studio(executable: Path, studio_data: Path) -> Iterator[LabelStudio]:
    with label_studio(executable, studio_data) as running:
        yield running


@pytest.fixture(scope="session")
def personal_token(studio: LabelStudio) -> str:
    return studio.personal_token()


@pytest.fixture(scope="session")
def backend(studio: LabelStudio, personal_token: str) -> Iterator[str]:
    """Address of the service, which fetches its images from `studio`."""
    with serving({"LABEL_STUDIO_URL": studio.url, "LABEL_STUDIO_API_KEY": personal_token}) as url:
        yield url


@pytest.fixture(scope="session")
def editor(studio: LabelStudio, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    """The labelling page in a browser, logged in."""
    with chromium(tmp_path_factory.mktemp("downloads"), (1500, 1000)) as browser:
        page = Editor(browser, studio)
        page.log_in()
        yield page
