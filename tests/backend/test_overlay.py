import numpy as np

from backend.overlay import CLICK_COLOURS, CONTOUR, draw_overlay
from model import Click


def test_mask_outline_and_clicks_are_drawn_and_nothing_else():
    pixels = np.full((60, 80, 3), 100, np.uint8)
    mask = np.zeros((60, 80), bool)
    mask[10:50, 10:50] = True
    picture = draw_overlay(pixels, mask, [Click(30, 30, "select"), Click(70, 30, "boundary")])
    assert tuple(picture[30, 30]) == CLICK_COLOURS["select"]
    assert tuple(picture[30, 70]) == CLICK_COLOURS["boundary"]
    assert tuple(picture[10, 30]) == CONTOUR
    assert (picture[40, 20] != 100).any()
    assert (picture[55:, :] == 100).all()
    assert (pixels == 100).all()


def test_an_empty_mask_leaves_the_photo_as_it_is():
    pixels = np.full((5, 7, 3), 9, np.uint8)
    np.testing.assert_array_equal(draw_overlay(pixels, np.zeros((5, 7), bool)), pixels)
