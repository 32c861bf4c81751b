import math

import numpy as np
import pytest

from model import Click, InvalidClick


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"x": math.nan, "y": 0.0}, "finite"),
        ({"x": 0.0, "y": math.inf}, "finite"),
        ({"x": "1", "y": 0.0}, "number"),
        ({"x": True, "y": 0.0}, "number"),
        ({"x": 10**400, "y": 0.0}, "finite"),
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
