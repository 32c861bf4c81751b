"""User name and password for those routes whose callers can be told them."""

import hmac
from collections.abc import Collection
from dataclasses import dataclass, field

from flask import Flask, Response, jsonify, request

OPEN_ROUTES = ("/health", "/ready")
"""Asked by those who watch over the service; what only an administrator should see is left out of their answers."""


@dataclass(frozen=True)
class Login:
    """What callers have to know."""

    user: str
    password: str = field(repr=False)

    def is_told(self) -> bool:
        """Whether the request at hand names both."""
        given = request.authorization
        if given is None or given.type != "basic":
            return False
        # As one, in the same time, right or wrong; a user name holds no colon.
        told = f"{given.username}:{given.password}"
        return hmac.compare_digest(told.encode(), f"{self.user}:{self.password}".encode())


def require_login(app: Flask, login: Login, exempt: Collection[str]) -> None:
    """From now on, answer 401 to requests without `login`.

    Args:
        exempt: blueprints whose callers know no way to log in.
    """

    @app.before_request
    def check() -> Response | None:
        if request.path in OPEN_ROUTES or request.blueprint in exempt or login.is_told():
            return None
        answer = jsonify(
            error="user name and password: expected those of BASIC_AUTH_USER and BASIC_AUTH_PASS"
        )
        answer.status_code = 401
        answer.headers["WWW-Authenticate"] = 'Basic realm="boundaryclick", charset="UTF-8"'
        return answer
