"""Answers in the forms of old and new versions."""

import json
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from model import Prediction
from plugins.cvat.answers import encode_answer, read_version
from plugins.cvat.rle import encode


def prediction(mask: np.ndarray, score: float = 0.93) -> Prediction:
    return Prediction(mask, lambda: mask.astype(np.float32) - np.float32(0.5), score, None)


def answer(mask: np.ndarray, version: tuple[int, int] | None) -> Any:
    return json.loads(encode_answer(prediction(mask), version))


@pytest.mark.parametrize(
    ("user_agent", "version"),
    [
        ("CVAT/2.73.0 python-requests/2.33.1", (2, 73)),
        ("CVAT/2.4.0", (2, 4)),
        ("CVAT/3.0.0.alpha0", (3, 0)),
        ("python-requests/2.33.1", None),
        ("Mozilla/5.0 CVAT/2.4.0", None),
        ("CVAT/develop", None),
        ("CVAT/99999999999.1", None),
        ("", None),
        (None, None),
    ],
)
def test_versions(user_agent: str | None, version: tuple[int, int] | None) -> None:
    assert read_version(user_agent) == version


@pytest.mark.parametrize(("version", "form"), [
    (None, {"shapes"}), ((3, 0), {"shapes"}), ((2, 60), {"shapes"}),
    ((2, 59), {"mask", "points", "bounds"}), ((2, 8), {"mask", "points", "bounds"}),
    ((2, 7), {"mask", "points"}), ((2, 3), {"mask", "points"}),
])  # fmt: skip
def test_the_form_depends_on_the_version(version: tuple[int, int] | None, form: set[str]) -> None:
    mask = np.eye(5, 7, dtype=bool)
    assert set(answer(mask, version)) == form
    assert set(answer(~mask & mask, version)) == form - {"bounds"}
    assert set(json.loads(encode_answer(None, version))) == form - {"bounds"}


@pytest.mark.parametrize(("score", "text"), [(1.0, "1.0000"), (0.50004, "0.5000"), (0.8765432, "0.8765")])
def test_confidence_is_text(score: float, text: str) -> None:
    (shape,) = json.loads(encode_answer(prediction(np.ones((2, 2), bool), score), None))["shapes"]
    assert shape["attributes"] == [{"spec_id": 0, "value": text}]


@given(mask=arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9))).filter(np.any))
def test_dense_masks_say_the_same_as_run_lengths(mask: np.ndarray) -> None:
    full, cut = answer(mask, (2, 7)), answer(mask, (2, 59))
    assert np.array_equal(full["mask"], mask.astype(int))
    left, top, right, bottom = cut["bounds"]
    assert np.array_equal(cut["mask"], mask[top : bottom + 1, left : right + 1].astype(int))
    assert cut["bounds"] == encode(mask)[-4:]
    assert cut["points"] == full["points"]
    # The page shows nothing without points, and makes no polygon of fewer than three.
    assert len(cut["points"]) >= 3


def test_the_outline_is_that_of_the_largest_part() -> None:
    mask = np.zeros((60, 80), np.uint8)
    cv2.circle(mask, (50, 30), 20, 1, -1)
    disc = mask.copy()
    mask[2:6, 2:6] = 1
    outline = np.array(answer(mask.astype(bool), (2, 59))["points"], np.int32)
    assert np.array_equal(cv2.fillPoly(np.zeros_like(mask), [outline], 1), disc)
