"""The real Label Studio in a real browser, with the real service behind it.

Needs a Label Studio in an environment of its own (its pins are exact): TEST_LABEL_STUDIO is the path of its
`label-studio` executable. Starting it takes about a minute.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from numpy.typing import NDArray
from PIL import Image

from backend.addresses import HostPolicy, Origin
from backend.fetching import Downloader
from model.errors import ImageRejected
from plugins.labelstudio import Connection
from plugins.labelstudio.client import LabelStudioClient
from plugins.labelstudio.rle import decode
from tests.end_to_end.chromium import chromium
from tests.end_to_end.labelstudio.editor import Editor
from tests.end_to_end.labelstudio.server import TOKEN, LabelStudio, label_studio
from tests.end_to_end.serving import ROOT, serving

EXECUTABLE = os.environ.get("TEST_LABEL_STUDIO")
CONFIGURATION = (ROOT / "plugins" / "labelstudio" / "configurations" / "brush.xml").read_text()
PHOTO = ROOT / "backend" / "web" / "samples" / "coffee.jpg"
CUP = ((46.0, 40.0), (29.0, 27.0), (68.0, 22.0))
SPOON = (61.0, 71.0)
QUARTER_TURN = 6
ORIENTATION = 0x0112

pytestmark = pytest.mark.skipif(
    not EXECUTABLE,
    reason="needs Label Studio: set TEST_LABEL_STUDIO to the path of a label-studio executable",
)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudio]:
    with label_studio(Path(str(EXECUTABLE)), tmp_path_factory.mktemp("label-studio")) as running:
        yield running


@pytest.fixture(scope="module")
def personal_token(studio: LabelStudio) -> str:
    return studio.personal_token()


@pytest.fixture(scope="module")
def backend(studio: LabelStudio, personal_token: str) -> Iterator[str]:
    with serving({"LABEL_STUDIO_URL": studio.url, "LABEL_STUDIO_API_KEY": personal_token}) as url:
        yield url


@pytest.fixture(scope="module")
def editor(studio: LabelStudio, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    with chromium(tmp_path_factory.mktemp("downloads"), (1500, 1000)) as browser:
        page = Editor(browser, studio)
        page.log_in()
        yield page


def mask_of(item: dict[str, Any]) -> NDArray[np.bool_]:
    """(H, W) of a stored or suggested region."""
    return decode(item["value"]["rle"], item["original_width"], item["original_height"]) > 0


def count_of(backend: str, action: str) -> int:
    """How many webhooks with the action have come, this one included."""
    answer = requests.post(backend + "/webhook", json={"action": action}, timeout=600).json()
    assert answer["action"] == action
    return int(answer["count"])


def test_three_clicks_accepted_and_stored(studio: LabelStudio, backend: str, editor: Editor) -> None:
    project, task = studio.project("three clicks", CONFIGURATION, PHOTO, backend)
    editor.open(project, task)
    editor.choose_label("2")
    editor.choose_tool("m", "click")
    bare = editor.picture()
    suggestions = []
    for number, (x, y) in enumerate(CUP, start=1):
        editor.click(x, y)
        suggestions.append(editor.suggestion_after(number))
    assert len({suggestion["id"] for suggestion in suggestions}) == 1
    assert (editor.picture() != bare).mean() > 0.01
    editor.accept()
    region = editor.region("brushlabels")
    assert region["id"] == suggestions[-1]["id"]
    # Compared as masks: Label Studio encodes an accepted region anew and pads its last byte in another way.
    np.testing.assert_array_equal(mask_of(region), decode(suggestions[-1]["rle"], 600, 400) > 0)
    created = count_of(backend, "ANNOTATION_CREATED")
    editor.submit()

    (annotation,) = editor.wait(lambda: studio.api("GET", f"/api/tasks/{task}")["annotations"])
    (stored,) = [item for item in annotation["result"] if item["type"] == "brushlabels"]
    assert stored["id"] == region["id"]
    assert stored["value"]["brushlabels"] == ["Other"]
    assert (stored["original_width"], stored["original_height"]) == (600, 400)
    mask = mask_of(stored)
    np.testing.assert_array_equal(mask, mask_of(region))
    assert mask[160, 276]
    assert 0.01 < mask.mean() < 0.9
    editor.wait(lambda: count_of(backend, "ANNOTATION_CREATED") > created + 1)


def test_after_the_tick_the_next_click_begins_another_object(
    studio: LabelStudio, backend: str, editor: Editor
) -> None:
    project, task = studio.project("two objects", CONFIGURATION, PHOTO, backend)
    editor.open(project, task)
    editor.choose_label("1")
    editor.choose_tool("m", "click")
    editor.click(*SPOON)
    first = editor.suggestion_after(1)
    editor.accept()
    editor.region("brushlabels")
    # Outside the first mask: a click inside an accepted region selects it instead.
    outside = np.argwhere(~mask_of(editor.region("brushlabels")))
    row, column = outside[np.abs(outside - (170, 400)).sum(axis=1).argmin()]
    editor.click((column + 0.5) / 6, (row + 0.5) / 4)
    second = editor.suggestion_after(1)
    assert second["id"] != first["id"]


def test_a_turned_photo_is_seen_as_the_annotator_sees_it(
    studio: LabelStudio, backend: str, editor: Editor, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = QUARTER_TURN
    turned = tmp_path / "turned.jpg"
    Image.open(PHOTO).rotate(90, expand=True).save(turned, exif=exif)
    project, task = studio.project("turned photo", CONFIGURATION, turned, backend)
    editor.open(project, task)
    editor.choose_label("1")
    editor.choose_tool("m", "click")
    editor.click(*CUP[0])
    editor.suggestion_after(1)
    editor.accept()
    region = editor.region("brushlabels")
    assert (region["original_width"], region["original_height"]) == (600, 400)
    assert mask_of(region)[160, 276]


@pytest.mark.parametrize("kind", ["personal", "legacy", "wrong"])
def test_images_are_fetched_with_either_token(
    studio: LabelStudio, kind: str, backend: str, personal_token: str
) -> None:
    _, task = studio.project(f"token {kind}", CONFIGURATION, PHOTO, backend)
    reference = studio.api("GET", f"/api/tasks/{task}")["data"]["image"]
    token = {"personal": personal_token, "legacy": TOKEN, "wrong": "f" * 40}[kind]
    download = Downloader(HostPolicy(trusted=(Origin.of(studio.url),)), 1 << 24, 20.0).get
    client = LabelStudioClient(download, Connection(studio.url, token))
    url = client.locate(reference, None, task)
    if kind == "wrong":
        with pytest.raises(ImageRejected, match="401"):
            client.fetch(url, None)
    else:
        assert client.fetch(url, None) == PHOTO.read_bytes()
