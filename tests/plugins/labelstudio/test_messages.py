"""Requests: what is read of them, and the one line that says what is wrong with them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import RequestInvalid
from plugins.labelstudio.messages import (
    MOST_ITEMS,
    PredictRequest,
    SetupRequest,
    WebhookRequest,
    parse,
    shortened,
)
from tests.plugins.labelstudio.doubles import golden, refusal

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=8), inside, max_size=3),
    max_leaves=8,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of every value inside a JSON document."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [path, *(place for key in keys for place in places(value[key], (*path, key)))]


def replaced(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy of the document with another value at the path."""
    if not path:
        return value
    copy = dict(document) if isinstance(document, dict) else list(document)
    copy[path[0]] = replaced(copy[path[0]], path[1:], value)
    return copy


CLICKS = golden("request-clicks-2")
CLICK = CLICKS["params"]["context"]["result"][0]
PLACES = places(CLICKS)


def test_recorded_requests_are_read() -> None:
    request = parse(PredictRequest, json.dumps(CLICKS).encode())
    assert request.context is not None
    assert [item.type for item in request.context.result] == ["keypoint", "labels"] * 2
    assert request.tasks[0].id == 2
    assert parse(PredictRequest, json.dumps(golden("request-opened")).encode()).context is None
    setup = parse(SetupRequest, json.dumps(golden("request-setup")).encode())
    assert setup.label_config is not None
    assert setup.label_config.startswith("<View>")
    assert str(setup.access_token) not in repr(setup)
    created = json.dumps(golden("request-annotation-created")).encode()
    assert parse(WebhookRequest, created).action == "ANNOTATION_CREATED"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("tasks",), None, "tasks: expected"),
        (("tasks", 0, "data"), "x", "tasks.0.data: expected"),
        (("params", "context"), [], "params.context: expected"),
        (
            ("params", "context", "result", 0, "value", "x"),
            "12",
            "result.0.value.x: expected a valid number, got '12'",
        ),
        (("params", "context", "result", 0, "value", "x"), "NaN", "got 'NaN'"),
        (
            ("params", "context", "result", 0, "value", "y"),
            float("nan"),
            "result.0.value.y: expected a finite number",
        ),
        (
            ("params", "context", "result", 0, "value", "y"),
            float("inf"),
            "result.0.value.y: expected a finite number",
        ),
        (("params", "context", "result", 0, "value", "y"), True, "result.0.value.y: expected a valid number"),
        (("params", "context", "result", 0, "id"), "", "result.0.id"),
        (("params", "context", "result", 0, "id"), 7, "result.0.id"),
        (("params", "context", "result", 0, "id"), "z" * 10_000, "result.0.id"),
        (("params", "context", "result", 0, "original_width"), -640, "greater than 0, got -640"),
        (("params", "context", "result", 0, "original_width"), 10**9, "less than or equal"),
        (("params", "context", "result"), [CLICK] * (MOST_ITEMS + 1), "at most 10000 items"),
        (("params", "context", "result"), [{}] * (MOST_ITEMS + 1), "result.0.id: Field required"),
    ],
)
def test_the_line_names_the_field_and_what_came(path: tuple[Any, ...], value: Any, message: str) -> None:
    with pytest.raises(RequestInvalid) as caught:
        parse(PredictRequest, json.dumps(replaced(CLICKS, path, value)).encode())
    assert message in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"12", b"\xff\xfe", b"[" * 100_000, b'{"tasks": 1e999}', b'"' + b"a" * 10**6],
)
def test_what_is_no_request_is_refused_in_one_short_line(body: bytes) -> None:
    with pytest.raises(RequestInvalid) as caught:
        parse(PredictRequest, body)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@given(place=st.sampled_from(PLACES), value=JSON)
def test_any_value_at_any_place_is_read_or_refused(place: tuple[Any, ...], value: Any) -> None:
    body = json.dumps(replaced(CLICKS, place, value)).encode()
    assert "\n" not in refusal(lambda: parse(PredictRequest, body))


@given(value=JSON)
def test_a_value_in_a_message_is_short_and_on_one_line(value: Any) -> None:
    text = shortened(value)
    assert len(text) < 700
    assert "\n" not in text
