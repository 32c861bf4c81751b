"""Label Studio's HTTP interface, as far as setting up a project needs it."""

import re
import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from pydantic import TypeAdapter, ValidationError
from requests.auth import AuthBase

from model.errors import SettingsError
from model.validation import first_problem
from plugins.labelstudio.messages import shortened

ACCESS_SECONDS = 240.0
"""How long an access token is used; Label Studio makes them for 300 seconds."""
TIMEOUT = (10.0, 150.0)
"""Seconds to connect and to wait; Label Studio itself waits up to 100 for a prediction."""

_PERSONAL_TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+")
_THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}
_LEGACY_DISABLED = "legacy token authentication has been disabled"

T = TypeVar("T")


class Refused(SettingsError):
    """Label Studio answered a request with an error.

    Args:
        words: what it said.
    """

    def __init__(self, request: str, status: int, words: str) -> None:
        super().__init__(f"{request}: expected success, got {status}: {shortened(words, 300)}")
        self.status = status
        self.words = words


class Server:
    """A Label Studio that is spoken to as the owner of a token.

    Args:
        url: where it is reached from here.
        token: personal access token or legacy token.

    Raises:
        SettingsError: no URL, or no token.
    """

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise SettingsError(f"--url: expected http(s)://host[:port][/path], got {shortened(url)}")
        if not re.fullmatch(r"[\x21-\x7e]+", token):
            raise SettingsError("--token: expected one word of printable characters; copy it again")
        self.url = url.rstrip("/")
        self._session = requests.Session()
        # A proxy that is set for the world outside does not know what this machine calls itself.
        self._session.trust_env = parts.hostname not in _THIS_MACHINE
        self._auth: AuthBase = (
            _PersonalToken(self._refresh, token) if _PERSONAL_TOKEN.fullmatch(token) else _LegacyToken(token)
        )

    def release(self) -> str:
        """Label Studio's version.

        Raises:
            SettingsError: nothing answers, or something else than Label Studio does.
        """
        answer = self._answer("GET", "/api/version")
        try:
            return str(answer.json()["release"])
        except (ValueError, KeyError, TypeError):
            raise SettingsError(
                f"{self.url}: expected Label Studio, got another answer ({answer.status_code}); check --url"
            ) from None

    def read(self, kind: type[T], path: str, **parameters: Any) -> T:
        """Answer to GET `path`, checked. Raises SettingsError."""
        return self._read(kind, "GET", path, params=parameters)

    def send(self, kind: type[T], method: str, path: str, **options: Any) -> T:
        """Answer to a request that changes something, checked.

        Args:
            options: of `requests`: json, files.

        Raises:
            Refused: with Label Studio's own words.
            SettingsError: it does not answer, or not as expected.
        """
        return self._read(kind, method, path, **options)

    def delete(self, path: str) -> None:
        """DELETE `path`; raises SettingsError."""
        self._checked("DELETE", path)

    def _read(self, kind: type[T], method: str, path: str, **options: Any) -> T:
        answer = self._checked(method, path, **options)
        try:
            return TypeAdapter(kind).validate_json(answer.content)
        except ValidationError as error:
            first = first_problem(error, "body")
            raise SettingsError(
                f"{method} {self.url}{path}: expected what Label Studio 1.23 answers, "
                f"got {first.where}: {first.what}"
            ) from None

    def _checked(self, method: str, path: str, **options: Any) -> requests.Response:
        answer = self._answer(method, path, auth=self._auth, **options)
        if answer.status_code == 401:
            raise SettingsError(_unauthorised(self.url, _words(answer)))
        if not answer.ok:
            raise Refused(f"{method} {self.url}{path}", answer.status_code, _words(answer))
        return answer

    def _answer(self, method: str, path: str, **options: Any) -> requests.Response:
        try:
            answer = self._session.request(
                method, self.url + path, timeout=TIMEOUT, allow_redirects=False, **options
            )
        except requests.RequestException as error:
            raise SettingsError(
                f"Label Studio at {self.url}: expected an answer, got {type(error).__name__}; "
                "is it running, and is --url its address?"
            ) from None
        if answer.is_redirect:
            raise SettingsError(
                f"Label Studio at {self.url}: expected an answer, "
                f"got a redirect to {shortened(answer.headers['Location'])}; check --url"
            )
        return answer

    def _refresh(self, token: str) -> str:
        """Short-lived token for a personal access token, which Label Studio does not take itself."""
        answer = self._answer("POST", "/api/token/refresh/", json={"refresh": token})
        try:
            return str(answer.json()["access"])
        except (ValueError, KeyError, TypeError):
            raise SettingsError(
                f"--token: expected a valid personal access token, Label Studio at {self.url} "
                f"answered {answer.status_code}: {shortened(_words(answer))}; it may be revoked, or belong "
                "to another server: make a new one under Account & Settings > Personal Access Token"
            ) from None


class _LegacyToken(AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Token {self._token}"
        return request


class _PersonalToken(AuthBase):
    """Exchanges the token again when the last exchange is some minutes old."""

    def __init__(self, refresh: Callable[[str], str], token: str) -> None:
        self._refresh, self._token = refresh, token
        self._access, self._until = "", 0.0

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if time.monotonic() >= self._until:
            self._access = self._refresh(self._token)
            self._until = time.monotonic() + ACCESS_SECONDS
        request.headers["Authorization"] = f"Bearer {self._access}"
        return request


def _words(answer: requests.Response) -> str:
    """What an error says: the details of each field if there are any."""
    try:
        body = answer.json()
    except ValueError:
        return answer.reason or "no words"
    if not isinstance(body, dict):
        return str(body)
    fields = body.get("validation_errors")
    if isinstance(fields, dict) and fields:
        return "; ".join(_flat(name, value) for name, value in fields.items())
    return str(body.get("detail") or body)


def _flat(name: str, value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if name == "non_field_errors" else f"{name}: {text}"


def _unauthorised(url: str, words: str) -> str:
    if _LEGACY_DISABLED in words:
        return (
            "--token: expected a token that Label Studio takes, got a legacy token, which it has switched off; "
            "use a personal access token (Account & Settings > Personal Access Token), or allow legacy tokens: "
            "Organization > API Tokens Settings, or LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN=true before its first start"
        )
    return (
        f"--token: expected a token of Label Studio at {url}, it answered 401: {shortened(words)}; "
        "copy it again from Account & Settings"
    )
