import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from model import masks

SMALL_MASKS = arrays(
    bool, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9), elements=st.booleans()
)


def square(side: int, size: int) -> np.ndarray:
    mask = np.zeros((size, size), bool)
    start = (size - side) // 2
    mask[start : start + side, start : start + side] = True
    return mask


def test_boundary_is_the_inner_line():
    outline = masks.boundary(square(4, 8))
    assert outline.sum() == 12
    assert not outline[3:5, 3:5].any()


def test_the_image_s_edge_counts_as_boundary():
    assert masks.boundary(np.ones((3, 3), bool)).sum() == 8


@given(SMALL_MASKS)
def test_boundary_belongs_to_the_mask_and_is_empty_only_with_it(mask):
    outline = masks.boundary(mask)
    assert not (outline & ~mask).any()
    assert outline.any() == mask.any()


@given(SMALL_MASKS)
def test_components_partition_the_mask(mask):
    labels, areas = masks.components(mask)
    assert ((labels > 0) == mask).all()
    assert areas.sum() == mask.sum()


def test_diagonal_neighbours_are_one_component():
    assert masks.components(np.eye(3, dtype=bool))[1].tolist() == [3]


def test_largest_component():
    mask = np.zeros((3, 6), bool)
    mask[0, 0] = True
    mask[1:, 3:] = True
    assert masks.largest_component(mask).sum() == 6
    assert not masks.largest_component(np.zeros((2, 2), bool)).any()


def brute_force_distance(mask: np.ndarray) -> np.ndarray:
    rows, columns = np.nonzero(mask)
    grid_rows, grid_columns = np.indices(mask.shape)
    squared = (grid_rows[..., None] - rows) ** 2 + (grid_columns[..., None] - columns) ** 2
    return np.sqrt(squared.min(axis=2))


@given(SMALL_MASKS.filter(lambda mask: bool(mask.any())))
def test_distance_to_is_euclidean(mask):
    assert masks.distance_to(mask) == pytest.approx(brute_force_distance(mask), abs=1e-4)


def test_distance_to_nothing_is_infinite():
    assert np.isinf(masks.distance_to(np.zeros((2, 3), bool))).all()


@given(SMALL_MASKS)
def test_outward_distance_has_the_mask_s_sign_and_is_finite(mask):
    distance = masks.outward_distance(mask)
    assert ((distance < 0) == mask).all()
    assert np.isfinite(distance).all()


def test_outward_distance_is_half_a_pixel_on_either_side_of_the_contour():
    mask = np.zeros((1, 4), bool)
    mask[0, :2] = True
    assert masks.outward_distance(mask)[0].tolist() == [-1.5, -0.5, 0.5, 1.5]


def test_components_near_takes_those_within_the_radius():
    mask = np.zeros((5, 20), bool)
    mask[2, 0:3] = mask[2, 10:13] = True
    assert np.flatnonzero(masks.components_near(mask, [(5.0, 2.0)], 3.0)[2]).tolist() == [0, 1, 2]
    assert not masks.components_near(mask, [(5.0, 2.0)], 2.9).any()
    assert not masks.components_near(mask, [(-50.0, -50.0), (90.0, 90.0)], 3.0).any()


def test_iou():
    a, b = np.array([[1, 1, 0, 0]], bool), np.array([[0, 1, 1, 0]], bool)
    assert masks.intersection_over_union(a, b) == pytest.approx(1 / 3)
    assert masks.intersection_over_union(a, b, ignore=np.array([[1, 0, 0, 0]], bool)) == pytest.approx(1 / 2)
    assert masks.intersection_over_union(~a & a, ~b & b) == 1.0


def test_nearest_contour_agrees_with_the_distance_map():
    generator = np.random.default_rng(0)
    mask = np.zeros((40, 50), bool)
    mask[10:30, 5:25] = True
    mask[18:22, 20:45] = True
    points = [(float(x), float(y)) for x, y in generator.integers((0, 0), (50, 40), size=(40, 2))]
    nearest, outward = masks.nearest_contour(mask, points)
    outline = masks.boundary(mask)
    assert all(outline[int(y), int(x)] for x, y in nearest)
    expected = [masks.outward_distance(mask)[int(y), int(x)] for x, y in points]
    assert np.abs(outward - expected).max() <= 1.0, (
        "one counts from the boundary pixel, the other from its edge"
    )
    assert (np.sign(outward) == np.sign(expected)).all()


def test_nearest_contour_of_an_empty_mask_is_far_away():
    nearest, outward = masks.nearest_contour(np.zeros((3, 4), bool), [(1.0, 2.0)])
    assert nearest.tolist() == [[1.0, 2.0]]
    assert outward.tolist() == [5.0]
