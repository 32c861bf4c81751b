"""Nuclio function for CVAT, in two modes.

With BOUNDARYCLICK_URL it hands everything to the backend that runs there, and needs nothing but Python. Without, it
holds the model itself, and needs the package boundaryclick; the settings are those of `boundaryclick serve`.
"""

import json
import os
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Protocol
from urllib.error import HTTPError, URLError

BACKEND_SECONDS = 25.0
"""Less than the function's eventTimeout, after which Nuclio would start the worker anew."""


class Answerer(Protocol):
    """One of the two modes."""

    def __call__(self, body: Any, user_agent: str | None) -> tuple[int, str]:
        """HTTP status and JSON for the body of an event: an object, bytes or text."""


class Backend:
    """A boundaryclick service that runs somewhere else.

    Args:
        url: its http(s) URL.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/") + "/"
        # Never by way of a proxy: images are large, and the service is near.
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

    def __call__(self, body: Any, user_agent: str | None) -> tuple[int, str]:
        """What the service answers."""
        text = json.dumps(body) if isinstance(body, Mapping) else body
        data = text.encode() if isinstance(text, str) else bytes(text)
        headers = {"Content-Type": "application/json", "User-Agent": user_agent or "CVAT"}
        request = urllib.request.Request(self._url, data, headers)  # noqa: S310 - the address is the operator's
        try:
            with self._open(request, timeout=BACKEND_SECONDS) as response:
                return int(response.status), response.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode(errors="replace")
        except (URLError, OSError) as error:
            reason = getattr(error, "reason", error)
            message = f"backend: expected an answer from {self._url}, got {reason}; check BOUNDARYCLICK_URL"
            return HTTPStatus.BAD_GATEWAY, json.dumps({"error": message})


class Inside:
    """The model in this process."""

    def __init__(self) -> None:
        # Not there when the image was built to hand everything on.
        from backend.assembly import create_service  # noqa: PLC0415
        from backend.settings import load_settings  # noqa: PLC0415
        from plugins.cvat.adapter import Adapter  # noqa: PLC0415

        settings = load_settings()
        self._adapter = Adapter(*create_service(settings), settings.cvat_right_click)

    def __call__(self, body: Any, user_agent: str | None) -> tuple[int, str]:
        """What the model answers."""
        from model.errors import BoundaryClickError, ImageTooLarge  # noqa: PLC0415

        try:
            return HTTPStatus.OK, self._adapter.answer(body, user_agent).decode()
        except ImageTooLarge as error:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, json.dumps({"error": str(error)})
        except BoundaryClickError as error:
            return HTTPStatus.BAD_REQUEST, json.dumps({"error": str(error)})


def init_context(context: Any) -> None:
    """Called by Nuclio once for each worker, before the first event."""
    url = os.environ.get("BOUNDARYCLICK_URL")
    answerer: Answerer = Backend(url) if url else Inside()
    context.user_data.model = answerer
    context.logger.info(f"boundaryclick: {f'answers come from {url}' if url else 'the model is loaded'}")


def handler(context: Any, event: Any) -> Any:
    """Called by Nuclio for each event: one click in CVAT, with the whole image and all clicks before."""
    status, text = context.user_data.model(event.body, _user_agent(event))
    if status != HTTPStatus.OK:
        # CVAT shows the status, but not what is said here: this line is where it can be read.
        context.logger.error(f"boundaryclick: {status} {text}")
    return context.Response(body=text, headers={}, content_type="application/json", status_code=int(status))


def _user_agent(event: Any) -> str | None:
    """The header, which tells CVAT's version; Nuclio can be set to leave headers as bytes."""
    for name, value in (event.headers or {}).items():
        if _text(name).lower() == "user-agent":
            return _text(value)
    return None


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
