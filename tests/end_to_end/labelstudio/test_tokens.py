"""Images are fetched from the real Label Studio with either kind of token."""

import pytest

from backend.addresses import HostPolicy, Origin
from backend.fetching import Downloader
from model.errors import ImageRejected
from plugins.labelstudio import Connection
from plugins.labelstudio.client import LabelStudioClient
from tests.end_to_end.labelstudio.masks import PHOTO, configuration
from tests.end_to_end.labelstudio.server import TOKEN, LabelStudio


def test_images_are_fetched_with_either_token(studio: LabelStudio, backend: str, personal_token: str) -> None:
    _, task = studio.project("tokens", configuration("brush"), PHOTO, backend)
    reference = studio.api("GET", f"/api/tasks/{task}")["data"]["image"]
    download = Downloader(HostPolicy(trusted=(Origin.of(studio.url),)), 1 << 24, 20.0).get
    for token in (personal_token, TOKEN):
        client = LabelStudioClient(download, Connection(studio.url, token))
        assert client.fetch(client.locate(reference, None, task), None) == PHOTO.read_bytes()
    stranger = LabelStudioClient(download, Connection(studio.url, "f" * 40))
    with pytest.raises(ImageRejected, match="401"):
        stranger.fetch(stranger.locate(reference, None, task), None)
