"""Fetches the images of tasks from Label Studio, with the right token and to the right host only."""

import base64
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import requests
from cachetools import LRUCache

from model.corrections import ImageReference
from model.errors import AccessRefused, ImageRejected, ImageTooLarge, SettingsError
from plugins.labelstudio.addresses import absolute_url, local_file, origin, same_server, shown, takes_token
from plugins.labelstudio.messages import Identifier, shortened
from plugins.ports import Downloader

logger = logging.getLogger(__name__)

ACCESS_SECONDS = 240.0
"""How long an access token is used; Label Studio makes them for 300 seconds."""
REFUSED_SECONDS = 5.0
"""How long an exchange that failed is not tried again: each try may take as long as `REFRESH_TIMEOUT`."""
REFRESH_TIMEOUT = (3.0, 10.0)
MOST_PROJECTS = 256

_PERSONAL_TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+")


@dataclass(frozen=True)
class Connection:
    """How Label Studio is reached.

    Args:
        url: as reached from here; None: each project's server is the one that /setup names.
        token: personal access token or legacy token; sent to `url` and nowhere else. None: as /setup says.
        local_files_root: folder that /data/local-files/ stands for, where it is mounted here.
        largest_file: bytes of a file below `local_files_root` that are read at most.

    Raises:
        SettingsError: a token without a URL, or one that is no token; something else than an http(s) URL.
    """

    url: str | None = None
    token: str | None = field(default=None, repr=False)
    local_files_root: Path | None = None
    largest_file: int = 1 << 26

    def __post_init__(self) -> None:
        if self.url is not None and not _is_server(self.url):
            raise SettingsError(
                f"Label Studio URL: expected http(s)://host[:port][/path], got {shown(self.url)}"
            )
        if self.token is not None and self.url is None:
            raise SettingsError(
                "Label Studio token: expected a URL with it, since it is sent to that server only"
            )
        if self.token is not None and not re.fullmatch(r"[\x21-\x7e]+", self.token):
            raise SettingsError(
                "Label Studio token: expected one word of printable characters; copy it again"
            )


@dataclass(frozen=True)
class Claim:
    """Server and legacy token that a /setup request named for its project."""

    url: str
    token: str | None = field(repr=False)


@dataclass(frozen=True)
class Credentials:
    """Basic authentication for images outside Label Studio, from the project's settings."""

    login: str
    password: str = field(repr=False)


class LabelStudioClient:
    """Turns the reference in a task into bytes.

    What /setup says is remembered for this process only and by project. Anybody may send a /setup: the
    configured token goes to the configured server alone, whatever host a request names.

    Args:
        download: gets bytes from an absolute URL.
        connection: the settings.
        clock: seconds, for the age of access tokens and of failures to get one.
    """

    def __init__(
        self, download: Downloader, connection: Connection, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._download = download
        self._connection = connection
        self._clock = clock
        self._claims: LRUCache[str, Claim] = LRUCache(MOST_PROJECTS)
        self._strangers: LRUCache[str, bool] = LRUCache(MOST_PROJECTS)
        self._claims_lock = Lock()
        self._access = ""
        self._access_until = 0.0
        self._refusal = ""
        self._refusal_until = 0.0
        self._access_lock = Lock()

    def remember(self, project: Identifier | None, hostname: str | None, token: str | None) -> None:
        """Keep what /setup says about the project's server, as far as the settings leave it open."""
        configured = self._connection.url
        if not hostname or (configured and self._connection.token):
            return
        if not _is_server(hostname):
            logger.warning("setup: expected an http(s) hostname, got %s; it is not used", shown(hostname))
            return
        if configured and not same_server(configured, hostname):
            self._say_once(hostname, configured)
            return
        usable = token if token and re.fullmatch(r"[\x21-\x7e]+", token) else None
        with self._claims_lock:
            self._claims[str(project)] = Claim(configured or hostname.rstrip("/"), usable)

    def locate(self, reference: object, project: Identifier | None, task: Identifier | None) -> str:
        """Absolute URL of an image reference, which also identifies the image.

        Raises:
            ImageRejected: no reference to an image, or its server is not known.
        """
        return absolute_url(reference, self._server(project), task)

    def fetch(self, url: str, project: Identifier | None, credentials: Credentials | None = None) -> bytes:
        """Bytes of the image at a URL from `locate`.

        Raises:
            ImageRejected: it cannot be had.
        """
        server = self._server(project)
        if server is None or not takes_token(url, server):
            return self._download(url, _basic(credentials) if url.startswith("http") else {})
        name = local_file(url, server)
        if self._connection.local_files_root is not None and name is not None:
            return _read_below(self._connection.local_files_root, name, self._connection.largest_file)
        headers = self._authorization(project, server)
        try:
            return self._download(url, headers)
        except AccessRefused:
            self._forget_access(headers)
            raise

    def api(self, path: str) -> bytes:
        """Answer of the configured Label Studio to GET `path`.

        Raises:
            SettingsError: no Label Studio or no token is configured.
            ImageRejected: it does not answer, or not as expected.
        """
        server = self._connection.url
        if server is None or self._connection.token is None:
            raise SettingsError(
                "Label Studio: expected its URL and a token, got none; "
                "set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY"
            )
        headers = {**self._authorization(None, server), "Accept": "application/json"}
        return self._download(server + path, headers)

    def _say_once(self, hostname: str, configured: str) -> None:
        """Label Studio repeats /setup at every opened task; one line about it is enough."""
        with self._claims_lock:
            told = hostname in self._strangers
            self._strangers[hostname] = True
        if not told:
            logger.warning(
                "setup: a Label Studio calls itself %s, the setting is %s; its token is not used, "
                "set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY",
                shown(hostname),
                configured,
            )

    def _claim(self, project: Identifier | None) -> Claim | None:
        with self._claims_lock:
            return self._claims.get(str(project))

    def _server(self, project: Identifier | None) -> str | None:
        claim = self._claim(project)
        return self._connection.url or (claim.url if claim else None)

    def _authorization(self, project: Identifier | None, server: str) -> Mapping[str, str]:
        token = self._connection.token
        if token is None:
            claim = self._claim(project)
            return {"Authorization": f"Token {claim.token}"} if claim and claim.token else {}
        if _PERSONAL_TOKEN.fullmatch(token):
            return {"Authorization": f"Bearer {self._access_token(server, token)}"}
        return {"Authorization": f"Token {token}"}

    def _access_token(self, server: str, token: str) -> str:
        """Short-lived token for a personal access token, which Label Studio does not take itself."""
        with self._access_lock:
            now = self._clock()
            if self._access and now < self._access_until:
                return self._access
            # Those who waited for a try that failed must not each make their own, one after the other.
            if self._refusal and now < self._refusal_until:
                raise ImageRejected(self._refusal)
            try:
                self._access = _refresh(server, token)
            except ImageRejected as error:
                self._refusal, self._refusal_until = str(error), self._clock() + REFUSED_SECONDS
                raise
            self._access_until = self._clock() + ACCESS_SECONDS
            return self._access

    def _forget_access(self, headers: Mapping[str, str]) -> None:
        """Exchange the personal access token again next time, unless that has happened in the meantime."""
        with self._access_lock:
            if headers.get("Authorization") == f"Bearer {self._access}":
                self._access = ""


def fetcher(client: LabelStudioClient) -> Callable[[ImageReference], bytes]:
    """Gets the file of a task's image, long after the task was open."""

    def fetch(image: ImageReference) -> bytes:
        return client.fetch(client.locate(image.reference, image.project, image.task), image.project)

    return fetch


def _refresh(server: str, token: str) -> str:
    url = server.rstrip("/") + "/api/token/refresh/"
    try:
        response = requests.post(url, json={"refresh": token}, timeout=REFRESH_TIMEOUT, allow_redirects=False)
        access = response.json().get("access") if response.status_code == 200 else None
    except (requests.RequestException, AttributeError) as error:
        raise ImageRejected(
            f"Label Studio at {server}: expected an access token, got {type(error).__name__}; is it running?"
        ) from None
    if not isinstance(access, str) or not re.fullmatch(r"[\x21-\x7e]+", access):
        raise ImageRejected(
            f"Label Studio at {server}: expected to exchange the personal access token, "
            f"got HTTP {response.status_code}; make a new one under Account & Settings"
        )
    return access


def _basic(credentials: Credentials | None) -> Mapping[str, str]:
    if credentials is None:
        return {}
    pair = f"{credentials.login}:{credentials.password}".encode()
    return {"Authorization": "Basic " + base64.b64encode(pair).decode()}


def _read_below(root: Path, name: str, largest: int) -> bytes:
    """A file of the local storage, read from disk."""
    try:
        path = (root / name.lstrip("/")).resolve()
        inside = path.is_relative_to(root.resolve()) and path.is_file()
        size = path.stat().st_size if inside else 0
        data = path.read_bytes() if inside and size <= largest else b""
    except (OSError, ValueError):
        inside, size, data = False, 0, b""
    if not inside:
        raise ImageRejected(
            f"image: expected a file below the local storage's document root, got {shortened(name)}"
        )
    if size > largest:
        raise ImageTooLarge(
            f"image: expected a file of {largest} bytes at most, got {size}: {shortened(name)}"
        )
    return data


def _is_server(url: str) -> bool:
    try:
        scheme, host, _ = origin(url)
    except ImageRejected:
        return False
    return scheme in ("http", "https") and bool(host) and "?" not in url and "#" not in url
