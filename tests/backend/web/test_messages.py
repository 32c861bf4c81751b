"""Bodies of the page's requests: what is refused and how masks are written."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays

from backend.prediction import MOST_CLICKS
from backend.web.messages import SegmentRequest, encode_runs, parse
from model.clicks import Click
from model.errors import RequestInvalid

DIGEST = "0" * 64
SELECT = {"x": 1.5, "y": -0.5, "role": "select"}


def body_of(message):
    return json.dumps(message).encode()


@given(arrays.arrays(bool, arrays.array_shapes(min_dims=2, max_dims=2, max_side=12)))
def test_runs_alternate_from_off_and_give_back_the_mask(mask):
    runs = encode_runs(mask)
    values = np.arange(len(runs)) % 2 == 1
    assert np.array_equal(np.repeat(values, runs).reshape(mask.shape), mask)
    assert all(run > 0 for run in runs[1:])


@pytest.mark.parametrize(
    ("mask", "runs"),
    [
        ([[False]], [1]),
        ([[True]], [0, 1]),
        ([[False, True], [True, False]], [1, 2, 1]),
    ],
)
def test_runs_of_small_masks(mask, runs):
    assert encode_runs(np.array(mask)) == runs


def test_clicks_keep_order_and_fractions():
    boundary = {"x": 20.25, "y": 3, "role": "boundary"}
    message = parse(SegmentRequest, body_of({"image": DIGEST, "clicks": [SELECT, boundary]}))
    assert message.to_clicks() == [Click(1.5, -0.5, "select"), Click(20.25, 3.0, "boundary")]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (None, "body"),
        ([], "body"),
        ({"clicks": [SELECT]}, "image"),
        ({"image": "abc", "clicks": [SELECT]}, "image"),
        ({"image": DIGEST, "clicks": []}, "clicks"),
        ({"image": DIGEST, "clicks": [SELECT] * (MOST_CLICKS + 1)}, "clicks"),
        ({"image": DIGEST, "clicks": [{"x": 1, "y": 2, "role": "outline"}]}, "clicks.0.role"),
        ({"image": DIGEST, "clicks": [{"x": "left", "y": 2, "role": "select"}]}, "clicks.0.x"),
        ({"image": DIGEST, "clicks": [{"x": True, "y": 2, "role": "select"}]}, "clicks.0.x"),
        ({"image": DIGEST, "clicks": [{"x": 1, "y": "3", "role": "select"}]}, "clicks.0.y"),
        ({"image": DIGEST, "clicks": [{"x": 1, "role": "select"}]}, "clicks.0.y"),
        ({"image": DIGEST, "clicks": [SELECT], "mask": "x" * 9000}, "mask"),
    ],
)
def test_refusals_are_one_short_line_that_names_the_field(body, named):
    with pytest.raises(RequestInvalid) as refused:
        parse(SegmentRequest, body_of(body))
    line = str(refused.value)
    assert line.startswith(f"{named}: ")
    assert "\n" not in line
    assert len(line) < 300
