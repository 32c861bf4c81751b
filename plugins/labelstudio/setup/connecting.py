"""The backend and its webhook in a project: attached once, and in order."""

import base64
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from model.errors import SettingsError
from plugins.labelstudio.messages import Message, shortened
from plugins.labelstudio.setup.server import Refused, Server

TITLE = "boundaryclick"
_BLOCKED = "reserved network address"


@dataclass(frozen=True)
class BasicAuth:
    """User name and password that the backend asks for."""

    user: str
    password: str = field(repr=False)

    @property
    def header(self) -> dict[str, str]:
        """As a header of HTTP requests."""
        text = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return {"Authorization": f"Basic {text}"}


class Backend(Message):
    """A model that is attached to a project; `state` is CO when it answers."""

    id: int
    url: str
    title: str | None = None
    state: str | None = None
    error_message: str | None = None
    model_version: str | None = None


class Webhook(Message):
    """Where Label Studio tells what happens in a project."""

    id: int
    url: str
    project: int | None = None
    send_payload: bool = True
    send_for_all_actions: bool = True
    is_active: bool = True
    headers: dict[str, str] = Field(default_factory=dict)


def attach(server: Server, project: int, url: str, credentials: BasicAuth | None) -> tuple[Backend, str]:
    """Attach the backend, or bring it up to date where it is attached; returns it and what has been done.

    Raises:
        SettingsError: Label Studio refuses, or does not reach the backend; says which setting is missing.
    """
    before = read_backends(server, project)
    ours = _ours(before, url)
    wanted: dict[str, Any] = {"url": url, "project": project, "title": TITLE, "is_interactive": True}
    if credentials:
        wanted |= {
            "auth_method": "BASIC_AUTH",
            "basic_auth_user": credentials.user,
            "basic_auth_pass": credentials.password,
        }
    try:
        if ours is None:
            backend, done = server.send(Backend, "POST", "/api/ml/", json=wanted), "attached"
        else:
            backend = server.send(Backend, "PATCH", f"/api/ml/{ours.id}", json=wanted)
            done = "attached already" if _same(ours.url, url) else f"moved here from {ours.url}"
    except Refused as refusal:
        # Label Studio keeps the backend and then fails at the webhook when only one of its two locks is open.
        kept = ours is None and _ours(read_backends(server, project), url) is not None
        raise SettingsError(_explained(refusal, url, credentials, kept)) from None
    if backend.state != "CO":
        raise SettingsError(
            f"backend {url}: expected that Label Studio connects to it, "
            f"got {shortened(backend.error_message or 'no answer', 200)}; look at the backend's log"
        )
    _tidy(server, project, ours, url)
    return backend, done


def fix_webhook(server: Server, project: int, url: str, credentials: BasicAuth | None) -> str:
    """See that each event of the project is sent to the backend, once, with its credentials; says what was done.

    Raises:
        SettingsError: Label Studio refuses.
    """
    wanted: dict[str, Any] = {
        "url": url.rstrip("/") + "/webhook",
        "project": project,
        "send_payload": True,
        "send_for_all_actions": True,
        "is_active": True,
    }
    if credentials:
        wanted["headers"] = credentials.header
    there = [hook for hook in _webhooks(server, project) if _same(hook.url, wanted["url"])]
    try:
        if not there:
            server.send(Webhook, "POST", "/api/webhooks/", json=wanted)
            return "made"
        first, *others = there
        for hook in others:
            server.delete(f"/api/webhooks/{hook.id}/")
        if not others and all(getattr(first, name) == value for name, value in wanted.items()):
            return "in order"
        server.send(Webhook, "PATCH", f"/api/webhooks/{first.id}/", json=wanted)
        return "mended"
    except Refused as refusal:
        raise SettingsError(_explained(refusal, url, credentials, kept=True)) from None


def read_backends(server: Server, project: int) -> tuple[Backend, ...]:
    """Every model of a project, its state asked for just now."""
    return server.read(tuple[Backend, ...], "/api/ml", project=project)


def _webhooks(server: Server, project: int) -> list[Webhook]:
    hooks = server.read(tuple[Webhook, ...], "/api/webhooks/", project=project)
    return [hook for hook in hooks if hook.project == project]


def _ours(backends: tuple[Backend, ...], url: str) -> Backend | None:
    """The one with our address, else the one that was attached by us at another address."""
    exact = next((backend for backend in backends if _same(backend.url, url)), None)
    return exact or next((backend for backend in backends if backend.title == TITLE), None)


def _same(first: str, second: str) -> bool:
    return first.rstrip("/") == second.rstrip("/")


def _tidy(server: Server, project: int, before: Backend | None, url: str) -> None:
    """The webhook of an address that the backend has left would fail at each annotation, for a second each."""
    if before is None or _same(before.url, url):
        return
    for hook in _webhooks(server, project):
        if _same(hook.url, before.url.rstrip("/") + "/webhook"):
            server.delete(f"/api/webhooks/{hook.id}/")


def _explained(refusal: Refused, url: str, credentials: BasicAuth | None, kept: bool) -> str:
    """What to do about a refusal, as far as Label Studio's words tell."""
    words = refusal.words
    if _BLOCKED in words:
        missing = (
            "SSRF_PROTECTION_ENABLED=false (ML_BLOCK_LOCAL_IP=false is there already)"
            if kept
            else "ML_BLOCK_LOCAL_IP=false and SSRF_PROTECTION_ENABLED=false"
        )
        return (
            f"backend {url}: Label Studio refuses addresses on private networks; start Label Studio with {missing} "
            "in its environment, then run this again"
        )
    if "authentication parameters" in words:
        given = "other ones than were given" if credentials else "a user name and password"
        return (
            f"backend {url}: it asks for {given}; set BASIC_AUTH_USER and BASIC_AUTH_PASS as for the backend"
        )
    if "health check failed" in words or "resolve hostname" in words:
        return (
            f"backend {url}: Label Studio does not reach it; is it running (boundaryclick serve), and is this "
            "its address as seen from Label Studio? In a container 127.0.0.1 is the container itself: use --backend"
        )
    return f"backend {url}: Label Studio refuses it: {shortened(words, 300)}"
