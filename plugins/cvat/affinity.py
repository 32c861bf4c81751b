"""Which requests are CVAT's and about the same image, for whoever spreads them over processes that each hold some."""

import hashlib
import re

_IMAGE = re.compile(rb'"image"\s*:\s*"([^"]*)"')


def image_of(_content_type: str, body: bytes) -> str | None:
    """The image of an invocation, which comes with each; None if it brings none."""
    found = _IMAGE.search(body)
    return f"cvat image {hashlib.sha256(found[1]).hexdigest()}" if found else None


def without_login(method: str, path: str) -> bool:
    """Whether a request is CVAT's, which knows no way to log in."""
    return path.startswith(("/api/functions", "/api/function_invocations")) or (method, path) == ("POST", "/")
