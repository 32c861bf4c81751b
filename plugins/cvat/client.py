"""A CVAT server, asked through cvat-sdk, which is an optional dependency."""

# mypy: disable-error-code="import-untyped, import-not-found"

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from urllib3.exceptions import HTTPError

from model.errors import AccessRefused, ImageRejected, ImageTooLarge, RequestInvalid, SettingsError
from plugins.cvat.messages import read
from plugins.cvat.records import Page, Record, RecordT

AnswerT = TypeVar("AnswerT", bound=Record)
Query = Mapping[str, str | int]

PAGE = 100
"""Items of a list in one answer."""

TIMEOUT = (10.0, 300.0)
"""Seconds to connect, and between two pieces of an answer: CVAT puts a large job's annotations together first."""

INSTALL = "cvat-sdk: expected it to be installed, got none; pip install 'boundaryclick[cvat]' (Python 3.11 or newer)"


class NotThere(ImageRejected):
    """CVAT has no such thing, or not any more."""


@dataclass(frozen=True)
class Connection:
    """How CVAT is reached: by a personal access token, or by user name and password.

    Args:
        organization: its short name; None: whatever the user can see.

    Raises:
        SettingsError: no server, no way to log in, or two of them.
    """

    url: str
    token: str | None = field(default=None, repr=False)
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    organization: str | None = None

    def __post_init__(self) -> None:
        if not _server(self.url):
            raise SettingsError(
                "CVAT's URL: expected http(s)://host[:port] without user name, got something else or nothing; "
                "give --url or set CVAT_URL"
            )
        if (self.token is None) == (self.user is None or self.password is None):
            raise SettingsError(
                "CVAT: expected a personal access token, or else user name and password; "
                "set CVAT_ACCESS_TOKEN, or CVAT_USER and CVAT_PASSWORD"
            )
        if self.token is not None and not (self.token.isascii() and self.token.isprintable()):
            raise SettingsError("CVAT_ACCESS_TOKEN: expected one word of printable characters; copy it again")


class Api(Protocol):
    """What is asked of a CVAT server; every method raises ImageRejected, NotThere and AccessRefused."""

    @property
    def server(self) -> str:
        """Identifies the server."""

    def get(self, path: str, query: Query | None = None, most: int | None = None) -> bytes:
        """Answer to GET; ImageTooLarge beyond `most` bytes."""


class CvatClient:
    """Speaks to one server; logs in when it is made.

    Raises:
        SettingsError: cvat-sdk is not installed.
        ImageRejected: the server does not answer.
        AccessRefused: user name or password are wrong.
    """

    def __init__(self, connection: Connection) -> None:
        try:
            from cvat_sdk import Client  # noqa: PLC0415 - optional, and slow to import
            from cvat_sdk.core.client import (  # noqa: PLC0415
                AccessTokenCredentials,
                PasswordCredentials,
            )
        except ImportError:
            raise SettingsError(INSTALL) from None
        logging.getLogger("urllib3").setLevel(logging.ERROR)  # what it tries again is not for the user
        self.server = _server(connection.url)
        self.sdk: Client = Client(connection.url.strip(), check_server_version=False)
        if connection.organization is not None:
            self.sdk.organization_slug = connection.organization
        with self.asking("login"):
            if connection.token is not None:
                self.sdk.login(AccessTokenCredentials(connection.token))
            else:
                self.sdk.login(PasswordCredentials(connection.user, connection.password))

    def get(self, path: str, query: Query | None = None, most: int | None = None) -> bytes:
        """Answer to GET.

        Args:
            most: bytes.

        Raises:
            NotThere, AccessRefused, ImageTooLarge, ImageRejected: there is none.
        """
        with self.asking(path):
            _, response = self.sdk.api_client.call_api(
                path,
                "GET",
                query_params=list((query or {}).items()),
                # cvat-sdk's typed models are not used: they know one version of CVAT, and check each number of a mask.
                _parse_response=False,
                _request_timeout=TIMEOUT,
            )
            data: bytes = response.read(None if most is None else most + 1)
            if most is not None and len(data) > most:
                response.close()
                raise ImageTooLarge(f"CVAT: expected at most {most} bytes from {path}, got more")
            return data

    @contextmanager
    def asking(self, what: str) -> Iterator[None]:
        """Turns whatever goes wrong between here and CVAT into one line."""
        from cvat_sdk import exceptions  # noqa: PLC0415

        try:
            yield
        except exceptions.ApiException as error:
            status, said = error.status, _said(error.body)
            kind = {404: NotThere, 401: AccessRefused, 403: AccessRefused}.get(status, ImageRejected)
            if what == "login" and status == 400:
                kind = AccessRefused
            hint = "; check token, user name, password and rights" if kind is AccessRefused else ""
            raise kind(
                f"CVAT at {self.server}: {what}: expected an answer, got HTTP {status}{said}{hint}"
            ) from None
        except (exceptions.OpenApiException, exceptions.CvatSdkException, HTTPError, OSError) as error:
            reason = " ".join(str(error).split())[:200]
            raise ImageRejected(f"CVAT at {self.server}: {what}: {type(error).__name__}: {reason}") from None
        except (AssertionError, AttributeError, TypeError, ValueError):
            # What cvat-sdk makes of answers that are not CVAT's, or not those of its own version.
            raise ImageRejected(
                f"CVAT at {self.server}: {what}: expected CVAT's answer, got something else; check the URL, "
                "and that cvat-sdk has about CVAT's version"
            ) from None


def ask(api: Api, path: str, kind: type[AnswerT], query: Query | None = None) -> AnswerT:
    """CVAT's answer to GET as what it should be.

    Raises:
        ImageRejected: CVAT does not answer.
        RequestInvalid: it answers something else.
    """
    try:
        return read(kind, api.get(path, query))
    except RequestInvalid as error:
        raise RequestInvalid(f"CVAT at {api.server}: {path}: {error}") from None


def pages(api: Api, path: str, kind: type[RecordT], query: Query) -> Iterator[RecordT]:
    """Every item of a list.

    Raises:
        ImageRejected: CVAT does not answer.
        RequestInvalid: it answers something else than such a list.
    """
    number = 1
    while True:
        try:
            page = ask(api, path, Page[kind], {**query, "page": number, "page_size": PAGE})  # type: ignore[valid-type]
        except NotThere:
            if number == 1:
                raise
            return  # what the page before promised has been deleted meanwhile
        yield from page.results
        # An empty page ends it too: a server that always names a next one must not make this run for ever.
        if page.next is None or not page.results:
            return
        number += 1


def _server(url: str) -> str:
    """Host, port and path in lower case; empty if it is no URL of a server. Without a scheme https is meant."""
    url = url.strip()
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        wrong = parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc
        _ = parts.port
    except ValueError:
        return ""
    return "" if wrong or parts.query or parts.fragment else (parts.netloc + parts.path.rstrip("/")).lower()


def _said(body: object) -> str:
    """CVAT's own words on an error, in brackets; some errors come as a page, which nobody wants to read."""
    try:
        words = json.loads(body) if isinstance(body, (str, bytes)) else None
    except ValueError:
        return ""
    while isinstance(words, (dict, list)) and words:
        words = next(iter(words.values())) if isinstance(words, dict) else words[0]
    return f" ({' '.join(words.split())[:200]})" if isinstance(words, str) else ""
