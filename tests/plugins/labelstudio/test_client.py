"""Fetching images: which token goes where."""

from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Thread
from unittest.mock import Mock

import pytest
import requests

from backend.addresses import HostPolicy, Origin
from backend.fetching import Downloader
from model.errors import ImageRejected, ImageTooLarge, SettingsError
from plugins.labelstudio.client import (
    ACCESS_SECONDS,
    REFUSED_SECONDS,
    Connection,
    Credentials,
    LabelStudioClient,
)
from tests.plugins.labelstudio.doubles import Downloads, refusal
from tests.plugins.labelstudio.label_studio_double import LEGACY, PERSONAL, TokenServer, token_server

PATH = "/data/upload/1/a.png"
STUDIO = "http://studio.example:8080"


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server() -> Iterator[TokenServer]:
    with token_server(b"the image") as running:
        yield running


def client_of(server: TokenServer, token: str | None, clock: Clock | None = None) -> LabelStudioClient:
    policy = HostPolicy(trusted=(Origin.of(server.url),))
    download = Downloader(policy, 1 << 20, 10.0).get
    return LabelStudioClient(download, Connection(server.url, token), clock or Clock())


def fetched(client: LabelStudioClient, reference: str = PATH, project: str = "1.5") -> bytes:
    return client.fetch(client.locate(reference, project, 1), project)


def test_a_legacy_token_is_sent_as_it_is(server: TokenServer) -> None:
    assert fetched(client_of(server, LEGACY)) == b"the image"
    assert server.refreshes == 0


def test_a_personal_token_is_exchanged_and_the_short_one_kept_for_a_while(server: TokenServer) -> None:
    clock = Clock()
    client = client_of(server, PERSONAL, clock)
    assert [fetched(client) for _ in range(3)] == [b"the image"] * 3
    assert server.refreshes == 1
    clock.now += ACCESS_SECONDS + 1
    assert fetched(client) == b"the image"
    assert server.refreshes == 2
    assert PERSONAL not in str(server.headers_seen)


def test_many_at_once_exchange_it_once(server: TokenServer) -> None:
    client, together = client_of(server, PERSONAL), Barrier(6)
    found: list[bytes] = []

    def fetch() -> None:
        together.wait()
        found.append(fetched(client))

    threads = [Thread(target=fetch) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [b"the image"] * 6
    assert server.refreshes == 1


@pytest.mark.parametrize("token", [None, "f" * 40])
def test_without_the_right_token_the_status_is_told(server: TokenServer, token: str | None) -> None:
    with pytest.raises(ImageRejected, match="401"):
        fetched(client_of(server, token))


def test_a_refused_personal_token_is_told_but_not_shown(server: TokenServer) -> None:
    with pytest.raises(ImageRejected, match=r"got HTTP 401; make a new one") as caught:
        fetched(client_of(server, "dead.dead.dead"))
    assert "dead" not in str(caught.value)


def test_an_exchange_that_failed_is_not_tried_again_for_a_while(server: TokenServer) -> None:
    clock = Clock()
    client = client_of(server, "dead.dead.dead", clock)
    first = refusal(lambda: fetched(client))
    assert "got HTTP 401; make a new one" in first
    clock.now += REFUSED_SECONDS - 1
    assert [refusal(lambda: fetched(client)) for _ in range(5)] == [first] * 5
    assert server.tries == 1
    clock.now += 1
    assert refusal(lambda: fetched(client)) == first
    assert server.tries == 2


def test_a_failure_is_forgotten_when_label_studio_is_back(
    server: TokenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    client = client_of(server, PERSONAL, clock)
    with monkeypatch.context() as patch:
        patch.setattr(requests, "post", Mock(side_effect=requests.ConnectionError))
        assert "is it running?" in refusal(lambda: fetched(client))
    clock.now += REFUSED_SECONDS
    assert fetched(client) == b"the image"


def test_an_access_token_that_is_refused_is_exchanged_again(server: TokenServer) -> None:
    client = client_of(server, PERSONAL)
    assert fetched(client) == b"the image"
    # The server takes the newest only: as if it had been started anew with another secret.
    server.refreshes += 1
    assert "got 401" in refusal(lambda: fetched(client))
    assert fetched(client) == b"the image"
    assert server.tries == 2


def test_label_studio_that_is_not_there_is_told() -> None:
    client = LabelStudioClient(Downloads(), Connection("http://127.0.0.1:1", PERSONAL))
    with pytest.raises(ImageRejected, match="expected an access token, got ConnectionError; is it running"):
        fetched(client)


def test_the_token_named_by_setup_serves_where_none_is_set(server: TokenServer) -> None:
    client = client_of(server, None)
    client.remember("1.5", server.url.replace("127.0.0.1", "localhost"), LEGACY)
    assert fetched(client) == b"the image"
    with pytest.raises(ImageRejected, match="401"):
        fetched(client, project="2.5")


def test_the_configured_token_goes_to_the_configured_server_alone() -> None:
    downloads = Downloads()
    client = LabelStudioClient(downloads, Connection(STUDIO, LEGACY))
    client.remember("1.5", "http://evil.example", "f" * 40)
    for reference in (
        PATH,
        "http://evil.example" + PATH,
        STUDIO + PATH,
        STUDIO + "/api/users",
        "s3://bucket/a.png",
    ):
        fetched(client, reference)
    with_token = [url for url, headers in downloads.seen if headers]
    assert with_token == [
        STUDIO + PATH,
        STUDIO + PATH,
        STUDIO + "/tasks/1/presign/?fileuri=czM6Ly9idWNrZXQvYS5wbmc=",
    ]
    assert {str(headers) for _, headers in downloads.seen if headers} == {
        str({"Authorization": "Token " + LEGACY})
    }


def test_a_stranger_who_names_himself_in_setup_gets_nothing(caplog: pytest.LogCaptureFixture) -> None:
    downloads = Downloads()
    client = LabelStudioClient(downloads, Connection(STUDIO))
    for _ in range(3):
        client.remember("1.5", "http://evil.example", LEGACY)
    fetched(client)
    assert downloads.seen == [(STUDIO + PATH, {})]
    assert caplog.text.count("calls itself 'http://evil.example'") == 1
    assert LEGACY not in caplog.text


def test_without_settings_each_project_has_the_server_that_it_named() -> None:
    downloads = Downloads()
    client = LabelStudioClient(downloads, Connection())
    with pytest.raises(ImageRejected, match="whose URL is unknown; set LABEL_STUDIO_URL"):
        fetched(client)
    client.remember("1.5", "http://one.example", "a" * 40)
    client.remember("2.5", "http://two.example:81/ls/", "b" * 40)
    client.remember("3.5", "gopher://three.example", "c" * 40)
    fetched(client)
    fetched(client, project="2.5")
    assert downloads.seen == [
        ("http://one.example" + PATH, {"Authorization": "Token " + "a" * 40}),
        ("http://two.example:81/ls" + PATH, {"Authorization": "Token " + "b" * 40}),
    ]
    with pytest.raises(ImageRejected, match="unknown"):
        fetched(client, project="3.5")


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "", None])
def test_a_token_from_setup_that_is_none_is_not_sent(token: str | None) -> None:
    downloads = Downloads()
    client = LabelStudioClient(downloads, Connection())
    client.remember(1, "http://one.example", token)
    client.fetch(client.locate(PATH, 1, 1), 1)
    assert downloads.seen == [("http://one.example" + PATH, {})]


def test_credentials_of_the_project_go_to_images_elsewhere_only() -> None:
    downloads = Downloads()
    client = LabelStudioClient(downloads, Connection(STUDIO, LEGACY))
    credentials = Credentials("me", "secret")
    for url in ("https://images.example/a.png", STUDIO + PATH, "data:image/png;base64,AAAA"):
        client.fetch(url, "1.5", credentials)
    assert [headers for _, headers in downloads.seen] == [
        {"Authorization": "Basic bWU6c2VjcmV0"},
        {"Authorization": "Token " + LEGACY},
        {},
    ]
    assert "secret" not in repr(credentials)


def test_mounted_local_files_are_read_from_disk(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "photos").mkdir(parents=True)
    (root / "photos" / "a b.png").write_bytes(b"on disk")
    (root / "large.png").write_bytes(b"x" * 101)
    (root / "link.png").symlink_to(tmp_path / "secret")
    (tmp_path / "secret").write_bytes(b"secret")
    downloads = Downloads()
    client = LabelStudioClient(downloads, Connection(STUDIO, LEGACY, root, largest_file=100))
    assert fetched(client, "/data/local-files/?d=photos/a%20b.png") == b"on disk"
    assert fetched(client, "/data/local-files/?d=/photos/a b.png") == b"on disk"
    for name in ("../secret", "link.png", "photos", "no.png", "a%00b", "x" * 5000):
        with pytest.raises(ImageRejected, match="below the local storage's document root"):
            fetched(client, f"/data/local-files/?d={name}")
    with pytest.raises(ImageTooLarge, match="expected a file of 100 bytes at most, got 101"):
        fetched(client, "/data/local-files/?d=large.png")
    assert downloads.seen == []


@pytest.mark.parametrize(
    ("url", "token", "message"),
    [
        (None, LEGACY, "expected a URL with it"),
        ("localhost:8080", None, r"expected http\(s\)://host"),
        ("http://", None, r"expected http\(s\)://host"),
        ("http://me:secret@studio.example", None, r"expected http\(s\)://host"),
        (STUDIO, "two words", "expected one word"),
        (STUDIO, "", "expected one word"),
    ],
)
def test_settings_that_do_not_fit_are_refused(url: str | None, token: str | None, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Connection(url, token)


def test_a_connection_does_not_show_its_token() -> None:
    assert LEGACY not in repr(Connection(STUDIO, LEGACY))
