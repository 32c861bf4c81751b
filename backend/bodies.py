"""How many bytes of a request's body are read, by what it holds."""

from flask import request

NAMES = 1 << 16
"""Of projects, versions and the like."""
CLICKS = 1 << 20
"""And the digest of the image that they are on."""


def limit_body(most: int) -> None:
    """Let no more bytes than these be read of the body of the request at hand; it is refused with 413 instead."""
    request.max_content_length = min(request.max_content_length or most, most)
