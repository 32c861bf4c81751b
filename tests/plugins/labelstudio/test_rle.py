"""The brush encoding, against Label Studio's own bytes and against itself."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from model.errors import RequestInvalid
from plugins.labelstudio.rle import decode, encode
from tests.plugins.labelstudio.doubles import golden, refusal

GOLDEN = golden("rle")
SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40))


def picture(case: dict[str, Any]) -> NDArray[np.uint8]:
    """(H, W) opacity that a golden case describes in plain run lengths."""
    values, counts = case["runs"][::2], case["runs"][1::2]
    return np.repeat(np.asarray(values, dtype=np.uint8), counts).reshape(case["height"], case["width"])


@pytest.mark.parametrize("case", GOLDEN["masks"], ids=lambda case: case["name"])
def test_bytes_are_those_of_label_studios_encoder(case: dict[str, Any]) -> None:
    assert encode(picture(case) > 0) == case["rle"]
    np.testing.assert_array_equal(decode(case["rle"], case["width"], case["height"]), picture(case))


def test_a_stroke_drawn_in_the_page_is_read_with_its_soft_edge() -> None:
    stroke = GOLDEN["stroke"]
    opacity = decode(stroke["rle"], stroke["width"], stroke["height"])
    assert len(np.unique(opacity)) > 10
    np.testing.assert_array_equal(opacity, picture(stroke))


@given(mask=arrays(np.bool_, SIZES))
def test_what_is_encoded_comes_back(mask: NDArray[np.bool_]) -> None:
    height, width = mask.shape
    rle = encode(mask)
    assert all(type(number) is int and 0 <= number <= 255 for number in rle)
    np.testing.assert_array_equal(decode(rle, width, height), np.where(mask, 255, 0))


@given(
    lengths=st.lists(st.integers(1, 70_000), min_size=1, max_size=12),
    first=st.booleans(),
)
def test_runs_of_every_length_come_back(lengths: list[int], first: bool) -> None:
    values = (np.arange(len(lengths)) % 2 == 0) == first
    mask = np.repeat(values, lengths)[None]
    np.testing.assert_array_equal(decode(encode(mask), mask.size, 1) > 0, mask)


def test_a_view_that_is_not_contiguous_is_encoded_as_it_looks() -> None:
    mask = np.random.default_rng(3).random((12, 18)) < 0.5
    assert encode(mask.T[::2]) == encode(np.array(mask.T[::2]))


@given(rle=st.lists(st.integers(0, 255), max_size=60))
def test_no_list_of_numbers_does_harm(rle: list[int]) -> None:
    assert "brush region" in refusal(lambda: decode(rle, 5, 3))
    whole = [*encode(np.zeros((3, 5), dtype=bool))[:6], *rle]
    assert "\n" not in refusal(lambda: decode(whole, 5, 3))


@given(data=st.data())
def test_a_cut_or_changed_region_is_refused_or_read(data: st.DataObject) -> None:
    rle = encode(np.arange(63).reshape(7, 9) % 5 == 0)
    with pytest.raises(RequestInvalid, match=r"damaged|bytes or more"):
        decode(rle[: data.draw(st.integers(0, len(rle) - 2))], 9, 7)
    index = data.draw(st.integers(0, len(rle) - 1))
    changed = [*rle[:index], data.draw(st.integers(0, 255)), *rle[index + 1 :]]
    assert refusal(lambda: decode(changed, 9, 7)) or decode(changed, 9, 7).shape == (7, 9)


@pytest.mark.parametrize(
    ("rle", "message"),
    [
        ([300] * 10, "numbers from 0 to 255"),
        (["a"] * 10, "numbers from 0 to 255"),
        ([1.5] * 10, "numbers from 0 to 255"),
        ([255] * 20, "expected 140 values for an image of 7 x 5, got 4294967295"),
        (encode(np.ones((5, 8), dtype=bool)), "expected 140 values for an image of 7 x 5, got 160"),
        ([0, 0, 0, 140, 0xF9, 0x1B, 0xF8, *[0] * 9], "words of 8 bits"),
    ],
    ids=["large", "text", "fraction", "four gigabytes", "another size", "another word size"],
)
def test_what_is_no_region_of_the_image_is_refused(rle: Any, message: str) -> None:
    with pytest.raises(RequestInvalid, match=message):
        decode(rle, 7, 5)
