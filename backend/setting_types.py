"""What a setting may be: types that pydantic validates."""

import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode

_HOST = re.compile(r"\*(:\d{1,5})?|(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*(:\d{1,5})?|\[[0-9a-f:.]+\](:\d{1,5})?")
_DEVICE = re.compile(r"cpu|mps|cuda(:\d+)?")


def _known_device(value: str) -> str:
    if not _DEVICE.fullmatch(value):
        raise ValueError("expected cpu, cuda, cuda:N or mps")
    return value


def _split_hosts(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(part.strip().lower() for part in value.split(",") if part.strip())


def _valid_hosts(value: tuple[str, ...]) -> tuple[str, ...]:
    for host in value:
        if not _HOST.fullmatch(host):
            raise ValueError(f"expected host, *.domain or *, with or without :port, by commas, got {host!r}")
    return value


def _valid_url(value: str) -> str:
    if "@" in value:
        raise ValueError("expected a URL without user name and password, got one with them")
    try:
        parts = urlsplit(value.strip())
        usable = parts.scheme in ("http", "https") and parts.hostname and not parts.query
        _ = parts.port  # raises ValueError when it is no port
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("expected http(s)://host[:port][/path]")
    return value.strip().rstrip("/")


def _empty_is_none(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


def _existing_folder(value: Path) -> Path:
    if not value.is_dir():
        raise ValueError("expected an existing folder")
    return value


Device = Annotated[str, AfterValidator(_known_device)]
"""A torch device."""

Hosts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_hosts), AfterValidator(_valid_hosts)]
"""Hosts by commas, in small letters: host, *.domain or *, each with or without :port."""

ServerUrl = Annotated[str, AfterValidator(_valid_url)]
"""An http(s) URL without login and query, and without a slash at its end."""

OptionalSecret = Annotated[SecretStr | None, BeforeValidator(_empty_is_none)]
"""A secret that is not logged; None where it is blank."""

ExistingFolder = Annotated[Path, AfterValidator(_existing_folder)]
"""A folder that is there when the program starts."""
