"""Which hosts may be asked for an image, and at which network address."""

import socket
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NoAnswer
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from model.errors import ImageRejected

DEFAULT_PORTS = {"http": 80, "https": 443}
# Translated addresses: the IPv4 address behind them may be a private one.
_NAT64 = ip_network("64:ff9b::/96")
_UNICAST = ip_network("2000::/3")
"""All that has ever been given out of IPv6; outside of it lie further ways to write an IPv4 address."""
LOOK_UP_SECONDS = 10.0
"""For one name; the system's own patience may be half a minute and more."""


@dataclass(frozen=True)
class Origin:
    """Scheme, host and port: what a secret for one server is bound to."""

    scheme: str
    host: str
    port: int

    @property
    def netloc(self) -> str:
        """host[:port] as in a Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @staticmethod
    def of(url: str) -> "Origin":
        """The origin of an http(s) URL; raises ImageRejected for anything else."""
        parts = _split(url)
        if parts.scheme not in DEFAULT_PORTS:
            raise ImageRejected(
                f"image reference: expected http, https or data, got {parts.scheme or 'no scheme'!r}; "
                "give a full URL or send the image itself"
            )
        if parts.username is not None or parts.password is not None:
            raise ImageRejected(
                "image reference: expected a URL without user name and password, got one with them"
            )
        try:
            port = parts.port
        except ValueError:
            raise ImageRejected(
                "image reference: expected a port of 0 to 65535 in the URL, got another"
            ) from None
        host = (parts.hostname or "").rstrip(".")
        if not host:
            raise ImageRejected("image reference: expected a host in the URL, got none")
        return Origin(parts.scheme, host, DEFAULT_PORTS[parts.scheme] if port is None else port)


@dataclass(frozen=True)
class HostPolicy:
    """The hosts that may be asked.

    Args:
        trusted: origins that are always allowed, wherever they live.
        allowed: host, *.domain or *, each with or without :port; without one the scheme's own port is meant.
            A host named in full may have a private address, one matched by * may not.
    """

    trusted: Sequence[Origin] = ()
    allowed: Sequence[str] = ()

    def require(self, origin: Origin) -> bool:
        """Whether it may have a private address; raises ImageRejected unless it may be asked at all."""
        # A URL may name its host "*.example.org", too; that is no name in full.
        if origin in self.trusted or (origin.netloc in self.allowed and "*" not in origin.netloc):
            return True
        if any(_matches(pattern, origin) for pattern in self.allowed):
            return False
        raise ImageRejected(
            f"image reference: expected an allowed host, got {origin.netloc}; "
            "add it to BOUNDARYCLICK_ALLOWED_HOSTS"
        )

    def resolve(self, origin: Origin, seconds: float = LOOK_UP_SECONDS) -> str:
        """The address to connect to.

        Name and address are looked up once and the connection goes to what was checked: a name that answers
        differently the second time gains nothing.

        Raises:
            ImageRejected: the host is not allowed, unknown, or has a private address and may not.
        """
        private_too = self.require(origin)
        addresses = _look_up(origin, min(seconds, LOOK_UP_SECONDS))
        if not private_too and not all(_is_public(address) for address in addresses):
            raise ImageRejected(
                f"image reference: expected a public address, got {origin.netloc} on a private network; "
                "name the host in full in BOUNDARYCLICK_ALLOWED_HOSTS if that is meant"
            )
        # IPv4 first: inside containers an IPv6 address is often announced but not routed.
        return min(addresses, key=lambda address: ":" in address)


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise ImageRejected("image reference: expected a URL, got something else") from None


def _look_up(origin: Origin, seconds: float) -> list[str]:
    """All addresses of a host, looked up in a thread of its own: the system's call cannot be ended."""
    answers: Future[list[str]] = Future()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
            answers.set_result([str(answer[4][0]) for answer in found])
        except Exception as error:
            answers.set_exception(error)

    threading.Thread(target=ask, name="look-up", daemon=True).start()
    try:
        return answers.result(seconds)
    except (OSError, ValueError, NoAnswer):  # ValueError: a name that no name service can be asked for
        raise ImageRejected(
            f"image reference: expected a host that exists, got {origin.netloc}, which has no address"
        ) from None


def _matches(pattern: str, origin: Origin) -> bool:
    """Whether a pattern with a * covers the origin."""
    host, _, port = pattern.partition(":")
    if host != "*" and not host.startswith("*."):
        return False
    return origin.host.endswith(host[1:]) and origin.port == (
        int(port) if port else DEFAULT_PORTS[origin.scheme]
    )


def _is_public(address: str) -> bool:
    parsed: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour
        if inner is None and parsed in _NAT64:
            inner = IPv4Address(int(parsed) & 0xFFFFFFFF)
        if inner is None:
            return parsed in _UNICAST and parsed.is_global
        parsed = inner
    return parsed.is_global and not parsed.is_multicast
