import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from model import masks, simulation

MASKS = arrays(bool, (12, 15), elements=st.booleans())


def rectangle(left: int, top: int, right: int, bottom: int, shape: tuple[int, int] = (40, 60)) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[top:bottom, left:right] = True
    return mask


def test_selection_click_is_the_deepest_point():
    assert simulation.selection_click(rectangle(10, 10, 21, 31)) == (15.0, pytest.approx(20, abs=5))


def test_selection_click_on_one_pixel_and_on_nothing():
    assert simulation.selection_click(rectangle(7, 3, 8, 4)) == (7.0, 3.0)
    with pytest.raises(ValueError, match="empty mask"):
        simulation.selection_click(np.zeros((3, 3), bool))


def test_the_paper_s_selection_click_is_the_centre_of_mass_of_a_convex_object():
    assert simulation.paper_selection_click(rectangle(10, 10, 21, 31)) == (15.0, 20.0)


def test_the_paper_s_selection_click_moves_into_a_concave_object():
    ring = rectangle(10, 5, 40, 35) & ~rectangle(14, 9, 36, 31)
    x, y = simulation.paper_selection_click(ring)
    assert ring[round(y), round(x)]


def test_missing_part_is_clicked_at_its_far_side():
    truth, predicted = rectangle(10, 10, 40, 30), rectangle(10, 10, 25, 30)
    x, y = simulation.boundary_click(predicted, truth)
    assert x == 39.0
    assert 10 <= y < 30


def test_surplus_part_is_clicked_on_the_true_outline_beside_it():
    truth, predicted = rectangle(10, 10, 25, 30), rectangle(10, 10, 40, 30)
    x, y = simulation.boundary_click(predicted, truth)
    assert x == 24.0
    assert 15 <= y <= 25, "max-min: far from where the two contours meet"


def test_the_larger_error_is_clicked():
    truth = rectangle(10, 10, 50, 30)
    predicted = rectangle(12, 10, 35, 30)
    assert simulation.boundary_click(predicted, truth)[0] > 40


def test_a_far_blob_gets_the_nearest_point_of_the_true_outline():
    truth = rectangle(5, 10, 15, 20)
    x, y = simulation.boundary_click(truth | rectangle(30, 12, 40, 18), truth)
    assert x == 14.0
    assert 12 <= y < 18


def test_ignored_pixels_are_no_error():
    truth, predicted = rectangle(10, 10, 40, 30), rectangle(10, 10, 39, 30)
    assert simulation.boundary_click(predicted, truth, ignore=truth ^ predicted) is None


def test_no_error_no_click():
    truth = rectangle(10, 10, 40, 30)
    assert simulation.boundary_click(truth, truth) is None


def test_clicked_points_are_not_clicked_again():
    truth, predicted = rectangle(10, 10, 40, 30), rectangle(10, 10, 25, 30)
    first = simulation.boundary_click(predicted, truth)
    second = simulation.boundary_click(predicted, truth, clicked=[first])
    assert np.hypot(first[0] - second[0], first[1] - second[1]) > simulation.CLICKED_RADIUS


@given(predicted=MASKS, truth=MASKS)
def test_boundary_clicks_lie_on_the_true_outline(predicted, truth):
    point = simulation.boundary_click(predicted, truth)
    if point is None:
        assert (predicted == truth).all() or not truth.any()
    else:
        assert masks.boundary(truth)[round(point[1]), round(point[0])]


@given(noise=st.floats(0, 20), seed=st.integers(0, 1000))
def test_jitter_stays_within_its_radius_and_its_region(noise, seed):
    truth = rectangle(10, 10, 21, 31)
    x, y = simulation.jittered((15.0, 20.0), noise, truth, np.random.default_rng(seed))
    assert np.hypot(x - 15, y - 20) <= noise + 1e-6
    assert truth[round(y), round(x)]
