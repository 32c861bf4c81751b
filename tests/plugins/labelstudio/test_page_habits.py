"""Habits of Label Studio's page: clicks that are deleted, dragged, left over or made with Alt."""

import pytest

from plugins.labelstudio.regions import read_mask
from tests.plugins.labelstudio.clicking import Page, clicked
from tests.plugins.labelstudio.doubles import Discs

BRUSH = (
    '<View><Image name="image" value="$image"/><KeyPoint name="click" toName="image" smartOnly="true"/>'
    '<BrushLabels name="mask" toName="image" smart="false"><Label value="Cat"/></BrushLabels></View>'
)
A, B, C = clicked("a", 50, 50), clicked("b", 60, 50), clicked("c", 50, 60)


def asked(page: Page) -> list[tuple[str, float]]:
    """Role and x of the clicks that the model was asked with last."""
    return [(click.role, click.x) for click in page.service.asked[-1]]


@pytest.fixture
def page() -> Page:
    return Page(BRUSH)


def test_after_a_deleted_click_the_next_one_comes_with_those_that_are_left(page: Page) -> None:
    page.regions(A, B)
    (region,) = page.regions(A, C)
    assert region["id"] == "tor-a"
    assert asked(page) == [("select", 299.5), ("boundary", 299.5)]


def test_a_selection_click_that_was_deleted_still_says_which_object_it_is(page: Page) -> None:
    page.regions(A, B)
    (region,) = page.regions(B, C)
    assert region["id"] == "tor-a"
    assert asked(page) == [("select", 299.5), ("boundary", 359.5), ("boundary", 299.5)]
    # And further on, whatever is deleted next.
    (region,) = page.regions(C)
    assert region["id"] == "tor-a"
    assert asked(page) == [("select", 299.5), ("boundary", 299.5)]


def test_a_dragged_selection_click_selects_anew(page: Page) -> None:
    page.regions(A, B)
    (region,) = page.regions({**A, "value": {**A["value"], "x": 20.0}}, B)
    assert region["id"] == "tor-a"
    assert asked(page) == [("select", 119.5), ("boundary", 359.5)]


def test_points_that_the_small_tick_leaves_replace_the_region_in_place(page: Page) -> None:
    (accepted,) = page.regions(A, B)
    (replaced,) = page.regions(A, B, C)
    assert replaced["id"] == accepted["id"]
    assert read_mask(replaced).sum() > read_mask(accepted).sum()


def test_alt_clicks_reach_a_model_that_knows_them_and_never_come_first() -> None:
    page = Page(BRUSH, Discs(roles=("select", "positive", "negative")))
    outside = clicked("n", 80, 80, is_positive=False)
    page.regions(outside, A, B)
    assert asked(page) == [("select", 299.5), ("negative", 479.5), ("positive", 359.5)]
    assert page.regions(outside) == []
