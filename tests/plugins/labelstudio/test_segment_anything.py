"""Projects that were configured for Segment Anything backends work as they are."""

from typing import Any

import pytest

from plugins.labelstudio.regions import read_mask
from tests.plugins.labelstudio.clicking import Page, clicked, rectangle
from tests.plugins.labelstudio.doubles import RADIUS

BRUSH = '<BrushLabels name="tag" toName="image"><Label value="Cat"/><Label value="Dog"/></BrushLabels>'
POINTS = (
    '<KeyPointLabels name="tag2" toName="image" smart="true"><Label value="Cat" smart="true"/>'
    '<Label value="Dog" smart="true"/></KeyPointLabels>'
)
BOXES = (
    '<RectangleLabels name="tag3" toName="image" smart="true"><Label value="Cat"/>'
    '<Label value="Dog"/></RectangleLabels>'
)
KEYPOINT: dict[str, Any] = {"type": "keypointlabels", "from_name": "tag2"}


def labelled(label: str) -> dict[str, Any]:
    return {"labels": [label], "keypointlabels": [label]}


@pytest.fixture(params=[BRUSH + POINTS, BRUSH + POINTS + BOXES], ids=["points", "points and boxes"])
def page(request: pytest.FixtureRequest) -> Page:
    return Page(f'<View><Image name="image" value="$image"/>{request.param}</View>')


def test_clicks_with_a_label_make_one_region_with_it(page: Page) -> None:
    first = clicked("a", 50, 50, labelled("Dog"), **KEYPOINT)
    second = clicked("b", 60, 50, labelled("Dog"), **KEYPOINT)
    (before,), (after,) = page.regions(first), page.regions(first, second)
    assert before["id"] == after["id"] == "tor-a"
    assert (after["type"], after["from_name"]) == ("brushlabels", "tag")
    assert after["value"]["brushlabels"] == ["Dog"]
    assert [click.role for click in page.service.asked[-1]] == ["select", "boundary"]


def test_a_rectangle_gives_the_crop() -> None:
    page = Page(f'<View><Image name="image" value="$image"/>{BRUSH}{POINTS}{BOXES}</View>')
    drawn = rectangle("r", (25, 50, 50, 25), label="Cat", type="rectanglelabels", from_name="tag3")
    (region,) = page.regions(drawn)
    assert (region["id"], region["value"]["brushlabels"]) == ("tor-r", ["Cat"])
    (box,) = page.service.boxes
    assert box is not None
    assert (box.left, box.top, box.right, box.bottom) == (150, 200, 450, 300)


def test_each_lone_click_of_auto_accept_is_an_object_of_its_own(page: Page) -> None:
    regions = [
        page.regions(clicked(name, x, 50, labelled("Cat"), **KEYPOINT)) for name, x in (("a", 20), ("b", 80))
    ]
    assert [region["id"] for (region,) in regions] == ["tor-a", "tor-b"]
    masks = [read_mask(region) for (region,) in regions]
    assert not (masks[0] & masks[1]).any()
    assert all(abs(mask.sum() - 3.1416 * RADIUS**2) < 60 for mask in masks)
