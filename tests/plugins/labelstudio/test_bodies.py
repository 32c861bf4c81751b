"""Masks are taken out of a body before it is read, and found again."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.labelstudio.bodies import fetch_back, set_aside
from tests.plugins.labelstudio.doubles import refusal

NAMES = st.sampled_from(["rle", "points", 'a "rle": [1]', "x\\", '\\"rle', "id"])
NUMBERS = st.lists(st.integers(0, 255))
DOCUMENTS = st.recursive(
    st.none() | st.integers() | NAMES,
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(NAMES.filter(lambda name: name != "rle"), inner)
        | st.fixed_dictionaries({"rle": NUMBERS, "id": inner})
    ),
)


def put_back(body: bytes, document: Any) -> Any:
    """The document with its masks."""
    if isinstance(document, list):
        return [put_back(body, item) for item in document]
    if isinstance(document, dict):
        return {
            name: fetch_back(body, item) if name == "rle" else put_back(body, item)
            for name, item in document.items()
        }
    return document


@given(document=DOCUMENTS, indent=st.sampled_from([None, 0, 2]))
def test_nothing_is_lost(document: Any, indent: int | None) -> None:
    body = json.dumps(document, indent=indent).encode()
    assert put_back(body, json.loads(set_aside(body))) == document


def test_what_is_read_does_not_grow_with_the_masks() -> None:
    body = json.dumps([{"rle": list(range(256)) * 1000}, {"rle": list(range(256)) * 500}]).encode()
    assert len(set_aside(body)) < 100 < 1_000_000 < len(body)


@pytest.mark.parametrize(
    "body", [b'{"rle"', b'{"rle": [1, 2', b'{"rle": "text"}', b'{"rle": null}', b'"rle"']
)
def test_a_body_without_masks_stays_as_it_is(body: bytes) -> None:
    assert set_aside(body) == body


@pytest.mark.parametrize("place", [None, 7, [1], [1, "a"], ["a", "b"], {}, [0, 2]])
def test_a_place_that_holds_no_mask_is_refused(place: object) -> None:
    assert "expected a list of numbers" in refusal(lambda: fetch_back(b"[1 2]", place))
