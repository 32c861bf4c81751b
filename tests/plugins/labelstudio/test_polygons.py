"""Masks as polygons, drawn again by the decoder that exports use."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pycocotools import mask as coco

from model.masks import intersection_over_union
from plugins.labelstudio.polygons import Part, parts_of

Mask = NDArray[np.bool_]


def drawn(parts: list[Part], shape: tuple[int, ...]) -> Mask:
    """(H, W) what the polygons cover."""
    mask = np.zeros(shape, dtype=bool)
    for part in parts:
        runs = coco.frPyObjects([part.bridged().ravel().tolist()], *shape)
        mask |= coco.decode(runs).any(axis=2)
    return mask


def blobs(seed: int, shape: tuple[int, int] = (60, 80)) -> Mask:
    """Smooth parts with holes, some of them cut by the image's edge."""
    noise = np.random.default_rng(seed).random(shape).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 4)
    return np.asarray(smooth > np.median(smooth))


@given(seed=st.integers(0, 1000))
def test_without_tolerance_the_polygons_are_the_mask(seed: int) -> None:
    mask = blobs(seed)
    np.testing.assert_array_equal(drawn(parts_of(mask, 0.0), mask.shape), mask)


@pytest.mark.parametrize("mask", [np.ones((1, 1), bool), np.ones((7, 9), bool), np.eye(5, dtype=bool)])
def test_small_masks_too(mask: Mask) -> None:
    np.testing.assert_array_equal(drawn(parts_of(mask, 0.0), mask.shape), mask)


def test_a_larger_tolerance_takes_fewer_corners_and_stays_near() -> None:
    rows, columns = np.mgrid[:300, :400]
    disc = (rows - 150) ** 2 + (columns - 200) ** 2 < 120**2
    corners = []
    for tolerance in (0.0, 1.0, 4.0):
        (part,) = parts_of(disc, tolerance)
        corners.append(len(part.outline))
        assert intersection_over_union(drawn([part], disc.shape), disc) > 1 - 0.02 * (tolerance + 0.1)
    assert corners[0] > 2 * corners[1] > 2 * corners[2]


def test_the_largest_part_comes_first_and_what_vanishes_is_left_out() -> None:
    mask = np.zeros((50, 50), dtype=bool)
    mask[40:45, 2:12] = True
    mask[5:25, 5:45] = True
    mask[10:12, 10:12] = False
    mask[48, 48] = True
    exact, rough = parts_of(mask, 0.0), parts_of(mask, 2.5)
    assert [round(part.area) for part in exact] == [796, 50, 1]
    assert [len(part.holes) for part in exact] == [1, 0, 0]
    assert [round(part.area) for part in rough] == [800, 50]


def test_the_last_part_stays_however_small() -> None:
    mask = np.zeros((50, 50), dtype=bool)
    mask[20, 20:22] = True
    (part,) = parts_of(mask, 5.0)
    np.testing.assert_array_equal(drawn([part], mask.shape), mask)


def test_nothing_has_no_outline() -> None:
    assert parts_of(np.zeros((4, 4), dtype=bool), 1.0) == []
