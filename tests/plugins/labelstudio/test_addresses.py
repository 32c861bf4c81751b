"""Where images are, and which addresses may see a token."""

import base64
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import ImageRejected
from plugins.labelstudio.addresses import absolute_url, local_file, origin, same_server, takes_token

BASE = "http://studio.example:8080"


@pytest.mark.parametrize(
    ("reference", "base", "url"),
    [
        ("/data/upload/1/a.png", BASE, BASE + "/data/upload/1/a.png"),
        ("/data/upload/1/a.png", BASE + "/", BASE + "/data/upload/1/a.png"),
        ("/data/upload/1/a.png", BASE + "/ls", BASE + "/ls/data/upload/1/a.png"),
        ("/ls/data/upload/1/a.png", BASE + "/ls", BASE + "/ls/data/upload/1/a.png"),
        ("/data/local-files/?d=my photos/a.png", BASE, BASE + "/data/local-files/?d=my%20photos/a.png"),
        ("https://images.example/a b.png?x=1", None, "https://images.example/a%20b.png?x=1"),
        ("data:image/png;base64,AAAA", None, "data:image/png;base64,AAAA"),
    ],
)
def test_references_become_urls(reference: str, base: str | None, url: str) -> None:
    assert absolute_url(reference, base, 1) == url


@pytest.mark.parametrize("uri", ["s3://bucket/a b.png", "gs://bucket/ä.png", "azure-blob://box/c/d.png"])
def test_cloud_uris_are_asked_for_by_way_of_the_task(uri: str) -> None:
    url = absolute_url(uri, BASE, 17)
    assert url.startswith(BASE + "/tasks/17/presign/?fileuri=")
    (encoded,) = parse_qs(urlsplit(url).query)["fileuri"]
    assert base64.urlsafe_b64decode(encoded).decode() == uri
    assert takes_token(url, BASE)


@pytest.mark.parametrize(
    ("reference", "base", "task"),
    [
        (None, BASE, 1),
        (12, BASE, 1),
        ("", BASE, 1),
        (["a.png"], BASE, 1),
        ("a.png", BASE, 1),
        ("file:///etc/passwd", BASE, 1),
        ("ftp://images.example/a.png", BASE, 1),
        ("//evil.example/data/a.png", BASE, 1),
        ("/data/%2e%2e/api/users", BASE, 1),
        ("/data/upload/1/a.png", None, 1),
        ("/data\\upload", BASE, 1),
        ("http://studio.example:8080\\@evil.example/a.png", BASE, 1),
        ("http://studio.example:8080@evil.example/a.png", BASE, 1),
        ("http://studio.example:port/a.png", BASE, 1),
        ("http://studio.example/a\n.png", BASE, 1),
        ("s3://bucket/a.png", BASE, None),
        ("s3://bucket/a.png", BASE, "../1"),
        ("s3://bucket/a.png", None, 1),
    ],
)
def test_what_is_no_image_is_refused(reference: object, base: str | None, task: int | str | None) -> None:
    with pytest.raises(ImageRejected) as caught:
        absolute_url(reference, base, task)
    assert "\n" not in str(caught.value)


def test_dots_lead_out_of_what_a_token_is_sent_to() -> None:
    assert not takes_token(absolute_url("/data/../api/users", BASE, 1), BASE)


@pytest.mark.parametrize(
    ("url", "takes"),
    [
        (BASE + "/data/upload/1/a.png", True),
        (BASE + "/storage-data/uploaded/?filepath=upload/1/a.png", True),
        (BASE.upper().replace("HTTP", "http") + "/data/upload/1/a.png", True),
        (BASE + "/api/users", False),
        (BASE + "/database", False),
        ("http://studio.example/data/upload/1/a.png", False),
        ("https://studio.example:8080/data/upload/1/a.png", False),
        ("http://studio.example.evil.example:8080/data/a.png", False),
        ("http://evil.example:8080/data/upload/1/a.png", False),
        ("data:image/png;base64,/data/", False),
    ],
)
def test_a_token_belongs_to_images_on_one_server(url: str, takes: bool) -> None:
    assert takes_token(url, BASE) is takes


def test_below_a_path_of_its_own_label_studio_keeps_its_token() -> None:
    assert takes_token(BASE + "/ls/data/a.png", BASE + "/ls/")
    assert not takes_token(BASE + "/data/a.png", BASE + "/ls")


@given(text=st.text(max_size=40))
def test_no_path_leads_to_another_server(text: str) -> None:
    try:
        url = absolute_url("/" + text, BASE, 1)
    except ImageRejected:
        return
    assert origin(url) == origin(BASE)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("http://127.0.0.1:8080/", True),
        ("http://[::1]:8080", True),
        ("http://localhost:8081", False),
        ("https://localhost:8080", False),
        ("http://localhost.example:8080", False),
    ],
)
def test_names_of_this_machine_are_one_server(other: str, same: bool) -> None:
    assert same_server("http://localhost:8080", other) is same


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/data/local-files/?d=photos/a%20b.png", "photos/a b.png"),
        ("/data/local-files/?x=1&d=a.png", "a.png"),
        ("/data/local-files/", None),
        ("/data/upload/local-files/?d=a.png", None),
    ],
)
def test_local_files_are_known_by_their_path(path: str, name: str | None) -> None:
    assert local_file(BASE + path, BASE) == name
    assert local_file("http://evil.example" + path, BASE) is None
