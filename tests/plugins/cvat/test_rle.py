"""Run lengths, compared with cvat-sdk's own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from plugins.cvat.rle import decode, encode
from tests.plugins.cvat.doubles import block

MASKS = arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12)))


def test_a_block_begins_with_no_background() -> None:
    assert encode(block()) == [0, 6, 3, 2, 5, 3]


def test_background_comes_first() -> None:
    assert encode(np.array([[0, 0, 1], [0, 1, 0]], bool)) == [1, 2, 1, 1, 0, 2, 1]


@given(mask=MASKS.filter(np.any))
def test_cvats_own_encoder_says_the_same_and_its_decoder_understands(mask: np.ndarray) -> None:
    masks = pytest.importorskip("cvat_sdk.masks")
    assert encode(mask) == masks.encode_mask(mask)
    height, width = mask.shape
    assert np.array_equal(masks.decode_mask(encode(mask), image_width=width, image_height=height), mask)


@given(mask=MASKS)
def test_what_cvat_encodes_is_decoded_even_if_it_is_empty(mask: np.ndarray) -> None:
    masks = pytest.importorskip("cvat_sdk.masks")
    height, width = mask.shape
    assert np.array_equal(decode(masks.encode_mask(mask), width, height), mask)
    whole = masks.encode_mask(mask, [0, 0, width, height])
    assert np.array_equal(decode([float(number) for number in whole], width, height), mask)


def test_a_view_that_is_not_contiguous_is_encoded_as_it_looks() -> None:
    mask = np.random.default_rng(3).random((12, 18)) < 0.5
    assert encode(mask.T[::2]) == encode(np.array(mask.T[::2]))
