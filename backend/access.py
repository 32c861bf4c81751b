"""Who may ask for what, how often, and what browsers may do with the answers."""

import hmac
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address, ip_network

from cachetools import TTLCache
from flask import Flask, Request, Response, jsonify, request
from flask.typing import ResponseReturnValue

from backend.settings import Settings
from model.errors import SettingsError

OPEN_ROUTES = ("/health", "/ready")
"""Asked by those who watch over the service; what only an administrator should see is left out of their answers."""

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_HOME_BITS = 64
"""Of an IPv6 address: what a single customer is given, who may choose the other half as often as he likes."""

_MINUTE = 60.0
_MOST_CLIENTS = 65_536


@dataclass(frozen=True)
class Login:
    """What callers have to know: user name and password, or the token; each may be missing, then it is not taken."""

    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    @property
    def schemes(self) -> tuple[str, ...]:
        """Of HTTP authentication that are taken."""
        return (("basic",) if self.user else ()) + (("bearer",) if self.token else ())

    def is_told(self) -> bool:
        """Whether the request at hand names one of them."""
        try:
            given = request.authorization
        except ValueError:  # Werkzeug's reader stumbles over some that are not in base64
            given = None
        if given is None:
            return False
        if given.type == "bearer":
            return bool(self.token) and _same(given.token or "", self.token)
        # As one, in the same time, right or wrong; a user name holds no colon.
        told = f"{given.username}:{given.password}"
        return given.type == "basic" and bool(self.user) and _same(told, f"{self.user}:{self.password}")


def login_of(settings: Settings) -> Login | None:
    """What callers are asked for; None: nothing. Raises SettingsError for a name without password, or vice versa."""
    user, password, token = (
        "" if value is None else value if isinstance(value, str) else value.get_secret_value()
        for value in (settings.basic_auth_user, settings.basic_auth_pass, settings.access_token)
    )
    if bool(user) != bool(password):
        raise SettingsError(
            "BASIC_AUTH_USER, BASIC_AUTH_PASS: expected both or neither, got one; set the other too"
        )
    return Login(user, password, token) if user or token else None


def require_login(app: Flask, login: Login, exempt: Callable[[Request], bool]) -> None:
    """From now on, answer 401 to requests without `login`.

    Args:
        exempt: whether a request is of a kind whose callers know no way to log in.
    """
    told = {"basic": 'Basic realm="boundaryclick", charset="UTF-8"', "bearer": 'Bearer realm="boundaryclick"'}

    @app.before_request
    def check() -> Response | None:
        if request.path in OPEN_ROUTES or exempt(request) or login.is_told():
            return None
        answer = jsonify(
            error="user name and password: expected those of BASIC_AUTH_USER and BASIC_AUTH_PASS, "
            "or the token of BOUNDARYCLICK_ACCESS_TOKEN"
        )
        answer.status_code = 401
        for scheme in login.schemes:
            answer.headers.add("WWW-Authenticate", told[scheme])
        return answer


def limit_rate(app: Flask, per_minute: int) -> None:
    """From now on, answer 429 to clients that ask more often; a minute's worth may come at once.

    Register it before the login, so that passwords cannot be tried faster either.
    """
    rate = Rate(per_minute)

    @app.before_request
    def slow_down() -> ResponseReturnValue | None:
        if request.path in OPEN_ROUTES:
            return None
        seconds = rate.wait(client_of(request.remote_addr or ""), time.monotonic())
        if seconds <= 0:
            return None
        answer = jsonify(
            error=f"requests: expected at most {per_minute} a minute from one address, got more; "
            f"wait {math.ceil(seconds)} s, or raise BOUNDARYCLICK_RATE_LIMIT"
        )
        return answer, 429, {"Retry-After": str(math.ceil(seconds))}


def client_of(address: str) -> str:
    """Who is behind an address, as far as it tells: an IPv4 address, or a network of IPv6."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    return str(parsed.ipv4_mapped or ip_network((parsed, _HOME_BITS), strict=False))


class Rate:
    """A bucket of tokens for each client, filled at an even pace; thread safe, bounded in memory."""

    def __init__(self, per_minute: int) -> None:
        self._most = float(per_minute)
        # Who has been silent for a minute has a full bucket again and need not be remembered.
        self._buckets: TTLCache[str, tuple[float, float]] = TTLCache(_MOST_CLIENTS, _MINUTE)
        self._guard = threading.Lock()

    def wait(self, client: str, now: float) -> float:
        """Seconds until the client may ask again; 0: now, and this request counts."""
        with self._guard:
            tokens, then = self._buckets.get(client, (self._most, now))
            tokens = min(tokens + (now - then) * self._most / _MINUTE, self._most)
            allowed = tokens >= 1
            self._buckets[client] = (tokens - allowed, now)
        return 0.0 if allowed else (1 - tokens) * _MINUTE / self._most


def secure_answers(app: Flask) -> None:
    """From now on, tell browsers to load nothing foreign for our answers, and to show them in no foreign page."""

    @app.after_request
    def secure(response: Response) -> Response:
        for name, value in SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        if response.is_json:
            response.headers.setdefault(
                "Cache-Control", "no-store"
            )  # images' names, masks, reasons of failures
        return response


def _same(told: str, known: str) -> bool:
    return hmac.compare_digest(told.encode(), known.encode())
