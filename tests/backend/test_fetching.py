import base64
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from backend.addresses import HostPolicy, Origin
from backend.fetching import MAX_REDIRECTS, Downloader
from model.errors import ImageRejected, ImageTooLarge

BODY = b"bytes of an image" * 10


class Site(ThreadingHTTPServer):
    """A server that notes the headers of each request; `elsewhere` is where /away redirects to."""

    daemon_threads = True
    elsewhere = ""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, str]]] = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.seen.append((self.path, dict(self.headers)))
        path = self.path.partition("?")[0]
        redirects = {
            "/away": self.server.elsewhere,
            "/here": "/image",
            "/loop": "/loop",
            "/bad": "http://[",
            "/file": "file:///etc/passwd",
        }
        if path in redirects:
            self.send_response(302)
            self.send_header("Location", redirects[path])
            self.end_headers()
        elif path == "/drip":
            self.drip()
        elif path == "/short":
            self.answer(BODY, length=len(BODY) + 5)
        elif path == "/endless":
            self.send_response(200)
            self.end_headers()
            for _ in range(1000):
                self.wfile.write(bytes(1000))
        elif path == "/zipped":
            self.answer(BODY, encoding="gzip")
        elif path.startswith("/status/"):
            self.send_error(int(path.rpartition("/")[2]))
        else:
            self.answer(BODY)

    def answer(self, body: bytes, length: int | None = None, encoding: str | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        if encoding:
            self.send_header("Content-Encoding", encoding)
        self.end_headers()
        self.wfile.write(body)

    def drip(self) -> None:
        self.send_response(200)
        self.end_headers()
        for _ in range(200):
            try:
                self.wfile.write(b"x")
                self.wfile.flush()
            except OSError:
                return
            time.sleep(0.1)

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True  # the client has had enough, which is what some tests are about

    def log_message(self, *args: object) -> None:
        pass


def running() -> Iterator[Site]:
    site = Site()
    thread = threading.Thread(target=site.serve_forever)
    thread.start()
    yield site
    site.shutdown()
    thread.join()
    site.server_close()


site = pytest.fixture(running)
other = pytest.fixture(running)


def downloader(*sites: Site, max_bytes: int = 10_000, timeout: float = 20) -> Downloader:
    return Downloader(HostPolicy(trusted=[Origin.of(site.url) for site in sites]), max_bytes, timeout)


def test_the_body_of_an_allowed_host(site):
    assert downloader(site).get(f"{site.url}/image?signature=1", {"Authorization": "Token t"}) == BODY
    path, headers = site.seen[0]
    assert path == "/image?signature=1"
    assert headers["Authorization"] == "Token t"
    assert headers["Host"] == site.url.removeprefix("http://")


def test_a_host_that_is_not_named_is_not_even_asked(site):
    with pytest.raises(ImageRejected, match="allowed host"):
        downloader().get(f"{site.url}/image")
    assert site.seen == []


def test_a_redirect_on_the_same_host_keeps_the_token(site):
    assert downloader(site).get(f"{site.url}/here", {"Authorization": "Token t"}) == BODY
    assert [headers.get("Authorization") for _, headers in site.seen] == ["Token t", "Token t"]


def test_a_redirect_to_another_allowed_host_loses_the_token(site, other):
    site.elsewhere = f"{other.url}/image"
    assert downloader(site, other).get(f"{site.url}/away", {"Authorization": "Token t"}) == BODY
    assert "Authorization" not in other.seen[0][1]


def test_the_token_does_not_come_back_with_a_redirect_back(site, other):
    site.elsewhere, other.elsewhere = f"{other.url}/away", f"{site.url}/image"
    assert downloader(site, other).get(f"{site.url}/away", {"Authorization": "Token t"}) == BODY
    assert [headers.get("Authorization") for _, headers in site.seen] == ["Token t", None]


def test_a_redirect_to_a_host_that_is_not_allowed_is_not_followed(site, other):
    site.elsewhere = f"{other.url}/image"
    with pytest.raises(ImageRejected, match="allowed host"):
        downloader(site).get(f"{site.url}/away")
    assert other.seen == []


@pytest.mark.parametrize(
    ("path", "named"), [("file", "got 'file'"), ("bad", "redirect"), ("loop", "at most")]
)
def test_redirects_that_lead_nowhere(site, path, named):
    with pytest.raises(ImageRejected, match=named):
        downloader(site).get(f"{site.url}/{path}")
    assert len(site.seen) <= MAX_REDIRECTS + 1


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_an_error_status_is_named_without_the_query(site, status):
    with pytest.raises(ImageRejected, match=f"got {status}") as caught:
        downloader(site).get(f"{site.url}/status/{status}?signature=secret")
    assert "secret" not in str(caught.value)
    assert ("token" in str(caught.value)) == (status in (401, 403))


@pytest.mark.parametrize("path", ["image", "endless"])
def test_bytes_are_bounded_with_and_without_a_length(site, path):
    with pytest.raises(ImageTooLarge, match="at most 50 bytes"):
        downloader(site, max_bytes=50).get(f"{site.url}/{path}")


def test_a_server_that_drips_is_given_up(site):
    with pytest.raises(ImageRejected, match="in time"):
        downloader(site, timeout=0.5).get(f"{site.url}/drip")


def test_a_body_that_breaks_off(site):
    with pytest.raises(ImageRejected, match="broken connection"):
        downloader(site).get(f"{site.url}/short")


def test_compression_is_refused(site):
    with pytest.raises(ImageRejected, match="compressed"):
        downloader(site).get(f"{site.url}/zipped")


def test_nobody_listening(site):
    policy = HostPolicy(trusted=[Origin("http", "127.0.0.1", 1)])
    with pytest.raises(ImageRejected, match="no connection"):
        Downloader(policy, 100, 5).get("http://127.0.0.1:1/image")


def test_tls_is_asked_of_the_name_and_not_believed_without_a_certificate(site):
    origin = Origin("https", "127.0.0.1", site.server_address[1])
    with pytest.raises(ImageRejected, match=r"127\.0\.0\.1"):
        Downloader(HostPolicy(trusted=[origin]), 100, 5).get(f"https://127.0.0.1:{origin.port}/image")
    assert site.seen == []


@pytest.mark.parametrize(
    "uri",
    ["data:image/png;base64," + base64.b64encode(BODY).decode(), "DATA:;base64," + base64.b64encode(BODY).decode(),
     "data:,bytes%20of%20an%20image" + "bytes%20of%20an%20image" * 9],
)  # fmt: skip
def test_data_uris(uri):
    assert downloader().get(uri) == BODY


@pytest.mark.parametrize("uri", ["data:image/png;base64", "data:image/png;base64,@@@"])
def test_damaged_data_uris(uri):
    with pytest.raises(ImageRejected, match="data:"):
        downloader().get(uri)


def test_long_data_uris():
    with pytest.raises(ImageTooLarge):
        downloader(max_bytes=10).get("data:," + "x" * 100)
