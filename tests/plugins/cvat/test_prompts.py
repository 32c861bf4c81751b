"""From CVAT's points to clicks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import InvalidClick
from plugins.cvat.prompts import to_clicks


def test_the_middle_of_the_first_pixel_is_where_our_coordinates_begin() -> None:
    (click,) = to_clicks((0.5, 0.5), [], 8, 6)
    assert (click.x, click.y, click.role) == (0.0, 0.0, "select")


def test_the_edge_that_a_region_of_interest_includes_is_the_last_pixel() -> None:
    (_, click) = to_clicks((1, 1), [(8, 6)], 8, 6)
    assert (click.x, click.y, click.role) == (7.5, 5.5, "boundary")
    assert click.pixel(8, 6) == (7, 5)


@given(x=st.floats(-1, 9), y=st.floats(-1, 7))
def test_every_point_of_the_canvas_is_a_click_inside(x: float, y: float) -> None:
    (click,) = to_clicks((x, y), [], 8, 6)
    click.require_inside(8, 6)


@pytest.mark.parametrize("point", [(-1.1, 0), (9.1, 0), (0, -2), (0, 1e9)])
def test_a_point_beyond_the_image_is_refused(point: tuple[float, float]) -> None:
    with pytest.raises(
        InvalidClick, match=r"click [xy]: expected 0 to [86], the image's size in pixels, got"
    ):
        to_clicks((1, 1), [point], 8, 6)
