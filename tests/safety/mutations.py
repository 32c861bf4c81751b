"""Bodies that are almost right: recorded ones with a few places changed, in their structure or in their bytes."""

import copy
import json
from random import Random
from typing import Any

DEEP = "[" * 1500 + "]" * 1500
HOSTILE: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**63,
    -(2**64),
    10**30,
    0.0,
    -0.0,
    0.5,
    100,
    1e-320,
    1e308,
    -1e308,
    float("nan"),
    float("inf"),
    "",
    "0",
    "\0",
    "a\0b",
    "\ud800",
    "\u202e",
    "é" * 300,
    "x" * 5000,
    "$image",
    "image",
    "../../etc/passwd",
    "%2e%2e/%2e%2e/etc/passwd",
    "/etc/passwd",
    "file:///etc/passwd",
    "http://127.0.0.1:1/a",
    "http://user:pass@[::1]/a",
    "http://[",
    "data:,",
    "data:image/png;base64,AAAA",
    "s3://bucket/key",
    "//host/a",
    "-1",
    "1e999",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "1960-01-01T00:00:00Z",
    1e17,
    -1e17,
    [],
    {},
    [[]],
    [{}],
    [None],
    {"": None},
    [0] * 40,
    [255] * 40,
    [[0, 0], [1, 1]],
    {"id": {}},
    {"rle": [1, 2]},
)
WORDS = (
    b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
    b"<!ENTITY",
    b"&b;",
    b"&#0;",
    b"]]>",
    b"<![CDATA[",
    b"<?xml version='1.0' encoding='utf-16'?>",
    b'"rle"',
    b'"rle":[',
    b"NaN",
    b"1e999",
    b"\\ud800",
    b"\\u0000",
    b"[",
    b"]",
    b"{",
    b"}",
    b"\0",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"..",
    b"%00",
    b"%2e%2e/",
    b"://",
    b"@",
    b"\xff\xda",
    b"\xff\xff\xff\xff",
    b"9" * 4400,
)


def mutated_document(document: Any, random: Random) -> bytes:
    """JSON of a document of which a few values were exchanged, taken out, repeated or moved."""
    document = copy.deepcopy(document)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        document = _edited(document, random)
    body = json.dumps(document).encode()
    if random.randrange(20) == 0:
        body = body.replace(b"null", DEEP.encode(), 1)
    return mutated_bytes(body, random) if random.randrange(4) == 0 else body


def mutated_bytes(data: bytes, random: Random) -> bytes:
    """Bytes of which a few were turned, taken out, put in or repeated."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 4, 8))):
        at = random.randrange(len(changed) + 1)
        kind = random.randrange(6)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << random.randrange(8)
        elif kind == 1 and at < len(changed):
            changed[at] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))
        elif kind == 2:
            del changed[at : at + random.choice((1, 2, 4, 64, len(changed)))]
        elif kind == 3:
            changed[at:at] = random.choice(WORDS)
        elif kind == 4:
            changed[at:at] = random.randbytes(random.choice((1, 2, 4, 16)))
        else:
            changed[at:at] = changed[at : at + random.choice((1, 8, 200))]
    return bytes(changed)


def _edited(document: Any, random: Random) -> Any:
    places = list(_places(document))
    if not places:
        return random.choice(HOSTILE)
    holder, key = random.choice(places)
    kind = random.randrange(8)
    if kind <= 3:
        holder[key] = copy.deepcopy(random.choice(HOSTILE))
    elif kind == 4:
        del holder[key]
    elif kind == 5:
        other, at = random.choice(places)
        holder[key] = copy.deepcopy(other[at]) if not _within(other[at], holder) else None
    elif kind == 6 and isinstance(holder, list):
        holder[key:key] = [copy.deepcopy(holder[key]) for _ in range(random.choice((1, 2, 30)))]
    elif isinstance(value := holder[key], (int, float)) and not isinstance(value, bool):
        holder[key] = random.choice((-value, value + 1, value - 1, value * 1000, value // 1000, -(10**200)))
    else:
        holder[key] = [value]
    return document


def _places(value: Any) -> Any:
    """(holder, key) of each value within another."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])


def _within(whole: Any, part: Any) -> bool:
    return whole is part or any(holder[key] is part for holder, key in _places(whole))
