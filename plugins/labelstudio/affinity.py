"""Which requests are about the same image, for whoever spreads them over processes that each hold some."""

import re

_FIRST_ID = re.compile(rb'"tasks"\s*:\s*\[\s*\{\s*"id"\s*:\s*("(?:[^"\\]|\\.){1,512}"|-?\d{1,20})\s*[,}]')


def task_of(_content_type: str, body: bytes) -> str | None:
    """The task of a body of `/predict`, the first of several; None if none is named where Label Studio names it.

    It writes a task's number first. What annotators have drawn, which may be megabytes, is not read, nor is anything
    understood that the service may refuse: the number is taken as it is written.
    """
    found = _FIRST_ID.search(body)
    return f"labelstudio task {found[1].decode('latin-1')}" if found else None
