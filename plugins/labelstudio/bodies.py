"""Bodies of requests without the masks in them, which may be megabytes that nobody needs.

A task comes with all its annotations, drafts and predictions, hence with the run lengths of every mask so far. Before
the body is read as JSON, each list of run lengths is replaced by the place where it stands.
"""

import json
from typing import Any

from model.errors import RequestInvalid

LONGEST_LIST = 1 << 26
"""Characters of run lengths: four for each of the bytes that a region may have."""

_KEY = b'"rle"'


def set_aside(body: bytes) -> bytes:
    """The same JSON with `[start, end]`, a slice of `body`, for every list under the name `rle`.

    What is no JSON remains none: the rest is copied as it stands.
    """
    pieces: list[bytes] = []
    done = position = 0
    while (position := body.find(_KEY, position)) >= 0:
        position += len(_KEY)
        # Inside of a string the quote before the name would have a backslash.
        start = (
            _list_after(body, position)
            if body[position - len(_KEY) - 1 : position - len(_KEY)] != b"\\"
            else -1
        )
        end = body.find(b"]", start) + 1 if start >= 0 else 0
        if end > 0:
            pieces += (body[done:start], b"[%d,%d]" % (start, end))
            done = position = end
    return b"".join((*pieces, body[done:]))


def fetch_back(body: bytes, place: object) -> Any:
    """The list that `set_aside` has replaced by `place`.

    Raises:
        RequestInvalid: there is none.
    """
    try:
        if isinstance(place, list) and len(place) == 2 and place[1] - place[0] <= LONGEST_LIST:
            return json.loads(body[place[0] : place[1]])
    except (TypeError, ValueError, RecursionError):
        pass
    raise RequestInvalid("brush region: expected a list of numbers from 0 to 255")


def _list_after(body: bytes, position: int) -> int:
    """Where the list that belongs to the name before `position` begins; -1 if something else follows."""
    colon = _next(body, position)
    if body[colon : colon + 1] != b":":
        return -1
    start = _next(body, colon + 1)
    return start if body[start : start + 1] == b"[" else -1


def _next(body: bytes, position: int) -> int:
    while body[position : position + 1] in (b" ", b"\n", b"\r", b"\t"):
        position += 1
    return position
