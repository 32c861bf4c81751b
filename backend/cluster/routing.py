"""Where a request goes: to the process that holds its image, to any, or to every one."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Request

from backend.bodies import NAMES

KeyOf = Callable[[str, bytes], str | None]
"""Content type and body to what names the request's image, the same for all requests about it; None: nothing does."""

_DIGEST = re.compile(rb'"image"\s*:\s*"([0-9a-f]{64})"')


@dataclass(frozen=True)
class Destination:
    """Who is to answer.

    Attributes:
        every: all processes, since each has to know, or has something to tell.
        key: of one process the one that it falls to; None: any.
    """

    every: bool = False
    key: str | None = None


@dataclass(frozen=True)
class Routes:
    """Destinations by path, and what a front has to know of them to refuse what would be refused there.

    Attributes:
        keys: of POST requests; the others go to any process.
        every: paths that go to all.
        most: bytes of the bodies of POST requests that may be larger than names; None: as many as the settings allow.
        without_login: whether callers of a method and a path know no way to log in.
    """

    keys: Mapping[str, KeyOf]
    every: frozenset[str]
    most: Mapping[str, int | None]
    without_login: Callable[[str, str], bool]

    def most_of(self, method: str, path: str) -> int | None:
        """Bytes of a body that are of use; None: as many as the settings allow."""
        return self.most.get(path, NAMES) if method == "POST" else NAMES

    def of(self, method: str, path: str, content_type: str, body: bytes) -> Destination:
        """Where a request goes; one that names no image goes to any process, if only to be refused there."""
        if path in self.every:
            return Destination(every=True)
        key_of = self.keys.get(path) if method == "POST" else None
        return Destination(key=key_of(content_type, body) if key_of else None)


def image_of_page(_content_type: str, body: bytes) -> str | None:
    """Of `/api/segment`: the digest of an image that was uploaded before."""
    found = _DIGEST.search(body)
    return found[1].decode() if found else None


def upload_of_page(content_type: str, body: bytes) -> str | None:
    """Of `/api/images`: the digest that the image is going to have."""
    if content_type.startswith("multipart/form-data"):
        environ = {
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": content_type,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": BytesIO(body),
        }
        try:
            files = Request(environ).files
        except RequestEntityTooLarge:  # more parts than the service takes either
            return None
        file = files.get("image")
        body = file.read() if file else b""
        for _, each in files.items(multi=True):
            each.close()
    return hashlib.sha256(body).hexdigest() if body else None
