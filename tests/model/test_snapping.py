import numpy as np
import pytest

from model import masks
from model.snapping import CONFIDENCE, DEEPEST, MOST_TAKEN, TOLERANCE, snap_to_click


def half(size: int = 96) -> np.ndarray:
    """Object in the left half."""
    logits = np.full((size, size), -5, np.float32)
    logits[:, : size // 2] = 5
    return logits


@pytest.mark.parametrize("x", [60.0, 65.0, 31.0, 40.0])
def test_the_contour_goes_through_the_click(x: float):
    logits, turned = snap_to_click(half(), (x, 50.0))
    gap = masks.outward_distance(logits > 0)[50, round(x)]
    assert abs(gap) <= 1.0
    assert np.array_equal(turned, (logits > 0) ^ (half() > 0))
    grows = x > 47
    assert set(np.unique(logits[turned])) == {np.float32(CONFIDENCE if grows else -CONFIDENCE)}


def test_the_change_is_one_piece_at_the_mask_and_nothing_far_away():
    logits, turned = snap_to_click(half(), (65.0, 50.0))
    assert masks.components(logits > 0)[1].size == 1
    rows, _ = np.nonzero(turned)
    assert np.ptp(rows) < 4 * 18, "as wide as some distances to the click"
    assert np.array_equal(logits[~turned], half()[~turned])


@pytest.mark.parametrize(
    "click",
    [(48.0, 50.0), (47.0 - TOLERANCE / 2, 50.0), (-3.0, 50.0), (50.0, 500.0)],
)
def test_a_contour_near_the_click_or_a_click_out_of_reach_changes_nothing(click: tuple[float, float]):
    before = half()
    logits, turned = snap_to_click(before, click)
    assert np.array_equal(logits, before)
    assert not turned.any()


@pytest.mark.parametrize("value", [-3.0, 3.0])
def test_without_a_contour_there_is_nothing_to_bend(value: float):
    logits, turned = snap_to_click(np.full((32, 32), value, np.float32), (10.0, 10.0))
    assert (logits == value).all()
    assert not turned.any()


def test_a_click_too_deep_inside_is_not_guessed_at():
    before = half(200)
    _, turned = snap_to_click(before, (97.0 - DEEPEST * 200, 100.0))
    assert not turned.any()


def test_a_click_outside_is_reached_however_far_it_is():
    y, x = np.ogrid[:200, :200]
    before = np.where((x - 20) ** 2 + (y - 20) ** 2 <= 8**2, 5, -5).astype(np.float32)
    after, turned = snap_to_click(before, (190.0, 190.0))
    assert abs(masks.outward_distance(after > 0)[190, 190]) <= 1.0
    assert masks.components(after > 0)[1].size == 1, "what is added hangs together with the mask"
    assert not (turned & (before > 0)).any()


@pytest.mark.parametrize("wide", [10, 150])
def test_a_click_between_two_parts_joins_the_nearer_one_and_ends_there(wide: int):
    before = np.full((200, 320), -5, np.float32)
    before[40:160, 20:60], before[40:160, 62 + 2 * wide :] = 5, 5
    click = (60 + wide, 100)
    after, turned = snap_to_click(before, click)
    assert turned.any()
    assert abs(masks.outward_distance(after > 0)[click[1], click[0]]) <= 1.0
    assert not turned[:, click[0] + 1 :].any()


@pytest.mark.parametrize("offset", [0, 2])
def test_a_click_in_the_middle_of_a_small_mask_does_not_eat_it_up(offset: int):
    y, x = np.ogrid[:128, :128]
    before = np.where((x - 64) ** 2 + (y - 64) ** 2 <= 12**2, 5, -5).astype(np.float32)
    after, _ = snap_to_click(before, (64.0 + offset, 64.0))
    assert np.count_nonzero(after > 0) >= (1 - MOST_TAKEN) * np.count_nonzero(before > 0)


def test_the_crop_s_edge_is_where_a_mask_that_it_cuts_ends():
    before = np.full((128, 128), -5, np.float32)
    before[:100, 20:110] = 5
    for click in ((100.0, 0.0), (100.0, 1.0)):
        assert not snap_to_click(before, click)[1].any()
    assert snap_to_click(before, (100.0, 12.0))[1].any(), "deeper inside it is cut through"
