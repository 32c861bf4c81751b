import numpy as np
import pytest

from model.click_pairs import STEP, straddling_pairs


def square(size: int = 64) -> np.ndarray:
    mask = np.zeros((size, size), bool)
    mask[16:48, 16:48] = True  # its right edge is column 47
    return mask


def test_a_click_outside_the_mask_has_the_missing_part_towards_the_mask():
    (pair,) = straddling_pairs(square(), [(60.0, 32.0)])
    assert pair.outward == pytest.approx(12.5)
    assert pair.inside == pytest.approx((60 - STEP, 32), abs=1e-4)
    assert pair.outside == pytest.approx((60 + STEP, 32), abs=1e-4)


def test_a_click_inside_the_mask_has_the_surplus_towards_the_contour():
    (pair,) = straddling_pairs(square(), [(20.0, 32.0)])
    assert pair.outward == pytest.approx(-4.5)
    assert pair.outside == pytest.approx((20 - STEP, 32), abs=1e-4)
    assert pair.inside == pytest.approx((20 + STEP, 32), abs=1e-4)


def test_a_far_click_is_halfway_into_the_error():
    mask = np.zeros((100, 100), bool)
    mask[:, :20] = True
    (pair,) = straddling_pairs(mask, [(59.0, 50.0)])
    assert pair.inside[0] == pytest.approx(59 - pair.outward / 2)


def test_on_the_contour_the_surroundings_tell_the_sides():
    (pair,) = straddling_pairs(square(), [(47.0, 32.0)])
    assert pair.inside == pytest.approx((47 - STEP, 32), abs=0.5)
    assert pair.outside == pytest.approx((47 + STEP, 32), abs=0.5)


@pytest.mark.parametrize("value", [False, True])
def test_without_a_contour_there_are_no_sides(value: bool):
    mask = np.full((32, 32), value)
    (pair,) = straddling_pairs(mask, [(16.0, 16.0)])
    assert np.isfinite([*pair.inside, *pair.outside, pair.outward]).all()
    assert straddling_pairs(mask, []) == []
