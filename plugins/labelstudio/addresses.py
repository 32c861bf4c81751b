"""Where a task's image is: from the reference in the task's data to a URL."""

import base64
import re
from urllib.parse import SplitResult, parse_qs, unquote, urljoin, urlsplit

from model.errors import ImageRejected
from plugins.labelstudio.messages import shortened

CLOUD_SCHEMES = ("s3", "gs", "azure-blob")
TOKEN_PATHS = ("/data/", "/storage-data/", "/tasks/", "/api/tasks/")
"""Paths below Label Studio's URL that serve images of tasks, and the only ones that a token is sent with."""

LONGEST_SHOWN = 2000
_THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SECRET = re.compile(r"(?<=//)[^/?#]*@|[?#].*", re.DOTALL)
_UNSAFE = re.compile(r"[\s\\\x00-\x1f\x7f]")

Origin = tuple[str, str, int | None]


def absolute_url(reference: object, base: str | None, task: int | str | None) -> str:
    """URL of an image.

    Args:
        reference: as in the task's data: a path on Label Studio's server, a cloud URI, http(s) or data:.
        base: Label Studio's URL, if known.
        task: the task's id; a cloud URI is asked for by way of it.

    Raises:
        ImageRejected: no reference to an image, or Label Studio's URL is needed and not known.
    """
    if not isinstance(reference, str) or not reference:
        raise ImageRejected(f"image: expected a URL or a path in the task's data, got {shown(reference)}")
    if reference.startswith("data:"):
        return reference
    if reference.startswith("/"):
        return _on_server(_quoted(reference), _required(base, reference))
    scheme = reference.partition("://")[0].lower()
    if scheme in ("http", "https"):
        origin(_quoted(reference))
        return _quoted(reference)
    if scheme in CLOUD_SCHEMES:
        uri = base64.urlsafe_b64encode(reference.encode()).decode()
        return _on_server(f"/tasks/{_task_number(task)}/presign/?fileuri={uri}", _required(base, reference))
    raise ImageRejected(
        f"image: expected a path on Label Studio, {', '.join(CLOUD_SCHEMES)}, http, https or data, "
        f"got {shown(reference)}"
    )


def origin(url: str) -> Origin:
    """Scheme, host and port: a token belongs to exactly one of them.

    Raises:
        ImageRejected: no URL that every reader understands in the same way.
    """
    parts = _split(url)
    return parts.scheme, parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme)


def same_server(url: str, other: str) -> bool:
    """Whether two URLs name one server; the names of this machine itself count as one."""
    first, second = origin(url), origin(other)
    return first == second or (
        (first[0], first[2]) == (second[0], second[2]) and {first[1], second[1]} <= _THIS_MACHINE
    )


def takes_token(url: str, base: str) -> bool:
    """Whether `url` is an image on the Label Studio at `base`."""
    if url.startswith("data:") or origin(url) != origin(base):
        return False
    path, below = urlsplit(url).path, urlsplit(base).path.rstrip("/")
    return path.startswith(tuple(below + allowed for allowed in TOKEN_PATHS))


def local_file(url: str, base: str) -> str | None:
    """Path below the document root if `url` is a file of Label Studio's local storage, else None."""
    if not takes_token(url, base):
        return None
    parts = urlsplit(url)
    if parts.path.rstrip("/") != urlsplit(base).path.rstrip("/") + "/data/local-files":
        return None
    return parse_qs(parts.query).get("d", [None])[0]


def shown(reference: object) -> str:
    """A reference as errors and the log may tell it: without the parts that hold passwords, signatures and tokens."""
    if isinstance(reference, str):
        reference = _SECRET.sub("", reference[:LONGEST_SHOWN])
    return shortened(reference)


def _on_server(path: str, base: str) -> str:
    """`path` on the server at `base`; a path that already begins with the server's own prefix keeps it."""
    prefix = urlsplit(base).path.rstrip("/")
    joined = path if prefix and path.startswith(prefix + "/") else prefix + path
    url = urljoin(base, joined) if not joined.startswith("//") else ""
    if not url or origin(url) != origin(base):
        raise ImageRejected(f"image: expected a path on Label Studio, got {shown(path)}")
    return url


def _quoted(reference: str) -> str:
    """File names with spaces are common in hand-made task lists."""
    return reference.strip().replace(" ", "%20")


def _split(url: str) -> SplitResult:
    """Parts of a URL; refuses what two programs might read in two ways."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ImageRejected(f"image: expected a URL, got {shown(url)}") from None
    path = unquote(parts.path)
    if _UNSAFE.search(url) or ".." in path.split("/") or "@" in parts.netloc:
        raise ImageRejected(
            f"image: expected a URL without spaces, backslashes, '..' and user names, got {shown(url)}"
        )
    return parts


def _required(base: str | None, reference: str) -> str:
    if base is None:
        raise ImageRejected(
            f"image: {shown(reference)} lies on Label Studio, whose URL is unknown; set LABEL_STUDIO_URL"
        )
    return base


def _task_number(task: int | str | None) -> str:
    if not re.fullmatch(r"\d+", str(task)):
        raise ImageRejected(
            f"task: expected the id of a stored task to ask for its cloud image, got {shortened(task)}"
        )
    return str(task)
