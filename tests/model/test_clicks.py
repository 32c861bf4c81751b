import math

import numpy as np
import pytest
import torch

from model import Click, InvalidClick
from model.clicks import gaussian_map


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"x": math.nan, "y": 0.0}, "finite"),
        ({"x": 0.0, "y": math.inf}, "finite"),
        ({"x": "1", "y": 0.0}, "number"),
        ({"x": True, "y": 0.0}, "number"),
        ({"x": 0.0, "y": 0.0, "role": "edge"}, "select, boundary"),
    ],
)
def test_a_click_that_is_none_is_refused_in_one_line(arguments, said):
    with pytest.raises(InvalidClick, match=said) as caught:
        Click(**arguments)
    assert "\n" not in str(caught.value)


def test_numpy_numbers_become_floats():
    click = Click(np.float32(1.5), np.int64(2), "boundary")
    assert (click.x, click.y) == (1.5, 2.0)
    assert type(click.y) is float


@pytest.mark.parametrize("point", [(-0.5, -0.5), (3.5, 1.5), (0, 0)])
def test_the_edge_of_the_image_belongs_to_it(point):
    Click(*point).require_inside(width=4, height=2)


@pytest.mark.parametrize("point", [(-0.51, 0), (3.51, 0), (0, 1.51), (0, -0.6)])
def test_a_click_beside_the_image_is_refused(point):
    with pytest.raises(InvalidClick, match="4 x 2 image"):
        Click(*point).require_inside(width=4, height=2)


@pytest.mark.parametrize(("x", "expected"), [(-0.5, 0), (0.49, 0), (0.5, 1), (3.5, 3)])
def test_pixel_under_a_click_is_clamped(x, expected):
    assert Click(x, 0.0).pixel(width=4, height=1) == (expected, 0)


def test_gaussian_map_has_the_paper_s_values():
    guidance = gaussian_map([(30.0, 20.0)], (50, 70), 10.0)
    assert guidance.shape == (50, 70)
    assert guidance[20, 30] == 1.0
    assert guidance[20, 40].item() == pytest.approx(math.exp(-0.5))
    assert guidance[30, 40].item() == pytest.approx(math.exp(-1.0))


def test_gaussian_map_between_pixels_and_beyond_the_map():
    assert gaussian_map([(1.5, 0.0)], (1, 4), 1.0)[0, 1].item() == pytest.approx(math.exp(-0.125))
    assert gaussian_map([(-10.0, 0.0)], (1, 4), 10.0)[0, 0].item() == pytest.approx(math.exp(-0.5))


def test_overlapping_gaussians_keep_the_larger_magnitude_and_its_sign():
    guidance = gaussian_map([(0.0, 0.0), (2.0, 0.0)], (1, 3), 1.0, amplitudes=[1.0, -0.5])
    assert guidance[0, 0].item() == pytest.approx(1.0)
    assert guidance[0, 2].item() == pytest.approx(-0.5)
    assert guidance[0, 1].item() == pytest.approx(math.exp(-0.5))


def test_each_point_may_have_its_own_sigma():
    guidance = gaussian_map([(0.0, 0.0), (10.0, 0.0)], (1, 11), [1.0, 2.0])
    assert guidance[0, 1].item() == pytest.approx(math.exp(-0.5))
    assert guidance[0, 8].item() == pytest.approx(math.exp(-0.5))


def test_no_points_no_guidance():
    assert torch.equal(gaussian_map([], (3, 4), 10.0), torch.zeros(3, 4))
