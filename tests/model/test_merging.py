import numpy as np

from model.masks import components
from model.merging import accept_click, drop_stray_parts, fill_pinholes, merge_change


def logits_with(*regions: tuple[slice, slice]) -> np.ndarray:
    logits = np.full((60, 60), -3, np.float32)
    for rows, columns in regions:
        logits[rows, columns] = 3
    return logits


BODY = (slice(20, 40), slice(20, 40))
NEAR = (slice(20, 40), slice(40, 45))
FAR = (slice(50, 58), slice(0, 10))


def test_only_the_change_at_the_click_is_believed():
    merged, accepted = merge_change(logits_with(BODY), logits_with(BODY, NEAR, FAR), (44.0, 30.0))
    assert np.array_equal(merged, logits_with(BODY, NEAR))
    assert np.array_equal(accepted, logits_with(NEAR) > 0)


def test_a_part_can_be_taken_away():
    merged, _ = merge_change(logits_with(BODY, NEAR), logits_with(BODY), (40.0, 30.0))
    assert np.array_equal(merged, logits_with(BODY))


def test_a_change_elsewhere_changes_nothing():
    merged, accepted = merge_change(logits_with(BODY), logits_with(BODY, FAR), (44.0, 30.0))
    assert np.array_equal(merged, logits_with(BODY))
    assert not accepted.any()


def test_stray_parts_go_and_held_ones_stay():
    cleaned = drop_stray_parts(logits_with(BODY, FAR), [(30.0, 30.0)])
    assert np.array_equal(cleaned > 0, logits_with(BODY) > 0)
    assert np.array_equal(
        drop_stray_parts(logits_with(BODY, FAR), [(30.0, 30.0), (5.0, 52.0)]), logits_with(BODY, FAR)
    )


def test_a_mask_that_nothing_holds_is_left_alone():
    logits = logits_with(FAR)
    assert np.array_equal(drop_stray_parts(logits, [(50.0, 5.0)]), logits)


def test_pinholes_are_filled_unless_somebody_clicked_them():
    logits = logits_with(BODY)
    logits[25:28, 25:28] = -1
    assert np.array_equal(fill_pinholes(logits, []) > 0, logits_with(BODY) > 0)
    assert np.array_equal(fill_pinholes(logits, [(28.0, 26.0)]), logits)


def test_larger_holes_and_the_background_stay():
    logits = logits_with(BODY)
    logits[25:35, 25:35] = -1
    assert np.array_equal(fill_pinholes(logits, []), logits)


def test_a_click_does_not_make_the_object_vanish():
    before = logits_with(BODY)
    assert np.array_equal(accept_click(before, logits_with(), (39.0, 30.0)), before)


def test_a_speck_at_the_click_is_no_contour_but_a_part_of_some_size_is():
    speck, part = (slice(5, 7), slice(50, 52)), (slice(2, 12), slice(46, 56))
    before = logits_with(BODY)
    reached = accept_click(before, logits_with(BODY, speck), (52.0, 6.0))
    assert components(reached > 0)[1].size == 1, "the mask itself reaches to the click"
    assert (reached > 0)[8, 50]
    assert np.array_equal(accept_click(before, logits_with(BODY, part), (56.0, 6.0)), logits_with(BODY, part))
