"""Which requests are about the same image, for whoever spreads them over processes that each hold some."""

import json
import re

_FIRST_ID = re.compile(rb'"tasks"\s*:\s*\[\s*\{\s*"id"\s*:\s*("(?:[^"\\]|\\.){1,512}"|-?\d{1,20})\s*[,}]')


def task_of(_content_type: str, body: bytes) -> str | None:
    """The task of a body of `/predict`, the first of several; None if it names none.

    Label Studio writes a task's number first, so what annotators have drawn, which may be megabytes, is rarely read.
    """
    found = _FIRST_ID.search(body)
    if found:
        return _name(json.loads(found[1]))
    try:
        return _name(json.loads(body)["tasks"][0]["id"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return None


def _name(task: object) -> str:
    return f"labelstudio task {task}"
