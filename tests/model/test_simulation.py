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


def test_missing_part_is_clicked_where_the_two_contours_are_farthest_apart():
    truth, predicted = rectangle(10, 10, 40, 30), rectangle(10, 10, 25, 30)
    assert simulation.boundary_click(predicted, truth) == (39.0, 10.0), (
        "15 px from the contour; first in row order"
    )


def test_the_image_s_edge_is_part_of_the_outline():
    truth, predicted = rectangle(0, 10, 20, 30), rectangle(10, 10, 20, 30)
    assert simulation.boundary_click(predicted, truth) == (0.0, 10.0)


def test_a_hole_inside_gets_the_nearest_point_of_the_outline():
    truth = rectangle(10, 5, 50, 35)
    predicted = truth & ~rectangle(14, 15, 20, 21)
    for click in (simulation.boundary_click, simulation.paper_boundary_click):
        x, y = click(predicted, truth)
        assert (x, y) == (10.0, 15.0), "4 px to the left of the hole, its first row"


def test_nothing_predicted_is_clicked_on_the_outline():
    truth = rectangle(10, 10, 40, 30)
    for click in (simulation.boundary_click, simulation.paper_boundary_click):
        x, y = click(np.zeros_like(truth), truth)
        assert masks.boundary(truth)[round(y), round(x)]


def test_an_error_borders_the_outline_across_a_narrow_band_of_ignored_pixels():
    truth, predicted = rectangle(10, 10, 25, 30), rectangle(10, 10, 40, 30)
    ignore = rectangle(9, 9, 26, 31) & ~truth
    x, y = simulation.boundary_click(predicted, truth, ignore)
    assert x == 24.0
    assert 15 <= y <= 25, "max-min, as without the band; the nearest point would be the first, in row 10"


def test_a_wide_band_of_ignored_pixels_separates():
    truth, predicted = rectangle(10, 10, 25, 30), rectangle(10, 10, 50, 30)
    ignore = rectangle(25, 10, 40, 30)
    assert simulation.boundary_click(predicted, truth, ignore) == (24.0, 10.0), "nearest, first in row order"


def test_the_paper_clicks_missing_parts_by_max_min():
    truth, predicted = rectangle(10, 10, 40, 30), rectangle(10, 10, 25, 30)
    assert simulation.paper_boundary_click(predicted, truth) == (39.0, 10.0)


def test_the_paper_clicks_surplus_parts_by_min_min_at_the_end_of_the_arc():
    truth, predicted = rectangle(10, 10, 25, 30), rectangle(10, 10, 40, 30)
    assert simulation.paper_boundary_click(predicted, truth) == (24.0, 10.0), "there the contours cross"


def test_the_paper_decides_by_the_kind_of_the_largest_part():
    truth = rectangle(10, 10, 40, 30)
    missing_left, surplus_right = rectangle(10, 10, 20, 30), rectangle(40, 10, 45, 30)
    predicted = (truth & ~missing_left) | surplus_right
    assert simulation.paper_boundary_click(predicted, truth) == (10.0, 10.0), "10 columns miss, 5 are surplus"
    surplus_right |= rectangle(40, 10, 55, 30)
    assert simulation.paper_boundary_click(predicted | surplus_right, truth) == (39.0, 10.0)


def test_the_paper_does_not_click_the_same_point_again():
    truth, predicted = rectangle(10, 10, 25, 30), rectangle(10, 10, 40, 30)
    second = simulation.paper_boundary_click(predicted, truth, clicked=[(24.0, 10.0)])
    assert second == (24.0, 29.0), "the arc's other end"


def test_a_point_is_spared_up_to_three_pixels_from_a_click():
    truth, predicted = rectangle(10, 10, 25, 30), rectangle(10, 10, 40, 30)
    ends = [(24.0, 10.0), (24.0, 29.0)]
    assert simulation.paper_boundary_click(predicted, truth, clicked=ends) == (24.0, 14.0)


def test_central_click_in_the_middle_of_what_is_missing():
    truth, predicted = rectangle(10, 10, 40, 31), rectangle(10, 10, 25, 31)
    assert simulation.central_click(predicted, truth) == ((32.0, 17.0), True), "8 px deep, first in row order"


def test_central_click_in_what_is_surplus_is_negative():
    truth, predicted = rectangle(10, 10, 25, 31), rectangle(10, 10, 30, 31)
    assert simulation.central_click(predicted, truth) == ((27.0, 12.0), False)


def test_missing_must_be_strictly_deeper_than_surplus():
    truth = rectangle(10, 10, 30, 15)
    predicted = rectangle(10, 20, 30, 25)
    assert simulation.central_click(predicted, truth) == ((12.0, 22.0), False)
    assert simulation.central_click(rectangle(10, 20, 30, 23), truth) == ((12.0, 12.0), True)


def test_the_image_s_edge_bounds_the_depth_of_an_error():
    truth = rectangle(0, 0, 60, 5)
    assert simulation.central_click(np.zeros_like(truth), truth) == ((2.0, 2.0), True)


def test_clicked_pixels_do_not_count_for_central_clicks():
    truth, nothing = rectangle(10, 10, 15, 15), np.zeros((40, 60), bool)
    assert simulation.central_click(nothing, truth) == ((12.0, 12.0), True)
    assert simulation.central_click(nothing, truth, clicked=[(12.0, 12.0)]) == ((11.0, 11.0), True)
    point = rectangle(5, 5, 6, 6)
    assert simulation.central_click(nothing, point, clicked=[(5.0, 5.0)]) is None


def test_ignored_pixels_are_no_error_for_any_clicker():
    truth, predicted = rectangle(10, 10, 40, 30), rectangle(10, 10, 39, 30)
    assert simulation.central_click(predicted, truth, truth ^ predicted) is None
    assert simulation.paper_boundary_click(predicted, truth, truth ^ predicted) is None


@given(predicted=MASKS, truth=MASKS)
def test_central_clicks_lie_in_an_error_of_their_kind(predicted, truth):
    found = simulation.central_click(predicted, truth)
    if found is None:
        assert (predicted == truth).all()
    else:
        (x, y), positive = found
        assert truth[round(y), round(x)] == positive
        assert predicted[round(y), round(x)] != positive


@given(predicted=MASKS, truth=MASKS)
def test_the_paper_s_boundary_clicks_lie_on_the_true_outline(predicted, truth):
    point = simulation.paper_boundary_click(predicted, truth)
    if point is None:
        assert (predicted == truth).all() or not truth.any()
    else:
        assert masks.boundary(truth)[round(point[1]), round(point[0])]


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
