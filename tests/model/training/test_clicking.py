"""The paper's sampling of refinement clicks (section 3.3)."""

import numpy as np
import pytest

from model.training.clicking import (
    BOUNDARY_RULES,
    central_click,
    error_regions,
    max_min_click,
    paper_click,
    sample_aims,
)
from model.training.rollouts import Rollout
from model.training.settings import ClickSampling

TRUTH = np.zeros((60, 80), bool)
TRUTH[10:50, 10:60] = True  # 2000 pixels
PREDICTED = TRUTH.copy()
PREDICTED[10:20, 10:20] = False  # 100 pixels, 5 %, missing
PREDICTED[40:50, 10:16] = False  # 60 pixels, 3 %, missing
PREDICTED[20:40, 60:68] = True  # 160 pixels, 8 %, surplus
PREDICTED[10:12, 55:60] = False  # 10 pixels, 0.5 %, missing


def aims_of(sampling: ClickSampling, rule=max_min_click, seed: int = 0) -> list:
    return sample_aims(rule, PREDICTED, TRUTH, sampling, np.random.default_rng(seed))


def test_errors_are_clustered_by_connectivity_and_small_ones_discarded():
    assert [region.sum() for region in error_regions(PREDICTED, TRUTH, 0)] == [160, 100, 60, 10]
    assert [region.sum() for region in error_regions(PREDICTED, TRUTH, 0.01 * 2000)] == [160, 100, 60]
    assert [region.sum() for region in error_regions(PREDICTED, TRUTH, 0.05 * 2000)] == [160, 100]


def test_missing_and_surplus_parts_that_touch_are_two_regions():
    predicted = np.roll(TRUTH, 4, axis=0)
    assert len(error_regions(predicted, TRUTH, 0)) == 2
    corner = TRUTH.copy()
    corner[46:50, 56:60], corner[50:54, 60:64] = False, True
    assert [region.sum() for region in error_regions(corner, TRUTH, 0)] == [16, 16]


def test_by_default_a_step_is_one_click_on_the_largest_error():
    sampling = ClickSampling()
    assert sampling.takes_one_of_all
    ((point, role),) = aims_of(sampling)
    assert (point[0], role) == (59.0, "boundary"), "on the true outline beside the surplus part"
    generator = np.random.default_rng(3)
    before = generator.bit_generator.state
    sample_aims(max_min_click, PREDICTED, TRUTH, sampling, generator)
    assert generator.bit_generator.state == before, "and nothing more is drawn than before there was a choice"


def test_two_to_four_regions_are_clicked_the_largest_first():
    counts = set()
    for seed in range(30):
        aims = aims_of(ClickSampling(per_step=(2, 4), smallest_region=(0.0, 0.0)), seed=seed)
        counts.add(len(aims))
        assert aims[0][0][0] == 59.0, "beside the surplus part"
        assert aims[1][0] in ((10.0, 10.0), (19.0, 10.0), (10.0, 19.0))
    assert counts == {2, 3, 4}


def test_m_percent_is_drawn_for_each_object():
    sampling = ClickSampling(per_step=(4, 4), smallest_region=(0.01, 0.05))
    # 160 and 100 px are always large enough; 60 px if m <= 3 %; 10 px never: of four wanted clicks none is there
    columns = [{round(x) for (x, _), _ in aims_of(sampling, seed=seed)} for seed in range(20)]
    assert all(not any(54 < x < 59 for x in found) for found in columns)
    lower_left = [any(y >= 40 for (_, y), _ in aims_of(sampling, seed=seed)) for seed in range(20)]
    assert set(lower_left) == {True, False}


def test_a_single_region_is_clicked_the_least_number_of_times():
    predicted = TRUTH.copy()
    predicted[20:40, 60:68] = True
    sampling = ClickSampling(per_step=(3, 4))
    aims = sample_aims(max_min_click, predicted, TRUTH, sampling, np.random.default_rng(0))
    points = [point for point, _ in aims]
    assert len(points) == 3
    assert all(x == 59.0 for x, _ in points)
    assert len(set(points)) == 3


def test_no_error_no_clicks():
    sampling = ClickSampling(per_step=(2, 4))
    assert sample_aims(max_min_click, TRUTH, TRUTH, sampling, np.random.default_rng(0)) == []


def test_equation_5_decides_where_on_each_region():
    sampling = ClickSampling(per_step=(2, 2), rule="paper")
    (surplus, _), (missing, _) = aims_of(sampling, BOUNDARY_RULES[sampling.rule])
    assert surplus in ((59.0, 19.0), (59.0, 20.0)), "min-min: where the contours cross"
    assert missing == (10.0, 10.0), "max-min: farthest from the predicted contour"
    assert paper_click is BOUNDARY_RULES["paper"]


def test_central_clicks_lie_in_their_regions_with_their_sign():
    aims = aims_of(ClickSampling(per_step=(2, 2)), central_click)
    ((x, y), role), ((x2, y2), role2) = aims
    assert (role, role2) == ("negative", "positive")
    assert 60 <= x < 68
    assert 20 <= y < 40
    assert 10 <= x2 < 20
    assert 10 <= y2 < 20


def test_what_lies_beyond_the_crop_is_not_clicked():
    beyond = np.zeros_like(TRUTH)
    beyond[:, 55:] = True
    aims = sample_aims(
        max_min_click,
        PREDICTED,
        TRUTH,
        ClickSampling(per_step=(2, 2)),
        np.random.default_rng(0),
        ignore=beyond,
    )
    assert all(x < 55 for (x, _), _ in aims)


def test_a_rollout_makes_all_clicks_of_a_step_and_believes_each():
    logits = np.where(PREDICTED, 4, -4).astype(np.float32)
    rollout = Rollout(logits, TRUTH, (35.0, 30.0), ClickSampling(per_step=(3, 3), boundary_jitter=0))
    near = rollout.click(np.random.default_rng(0))
    assert len(rollout.boundary) == 3
    assert near[30, 62]
    assert near[12, 12]
    rollout.accept(np.where(TRUTH, 4, -4).astype(np.float32))
    assert rollout.iou > 0.99


@pytest.mark.parametrize(
    "values", [{"per_step": (4, 2)}, {"smallest_region": (0.05, 0.01)}, {"per_step": (0, 1)}]
)
def test_bounds_in_the_wrong_order_are_refused(values: dict):
    with pytest.raises(ValueError, match=r"expected|greater than"):
        ClickSampling.model_validate(values)
