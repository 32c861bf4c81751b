"""From what Label Studio sends to ordered clicks in pixels."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model import Click
from model.errors import InvalidClick, RequestInvalid
from model.geometry import Box
from plugins.labelstudio.labelling import Labelling, read_labelling
from plugins.labelstudio.messages import Context, PredictRequest, parse
from plugins.labelstudio.prompts import Prompt, read_prompt
from tests.plugins.labelstudio.doubles import golden

ONE_TOOL = read_labelling(
    '<View><Image name="image" value="$image"/><KeyPoint name="kp" toName="image"/>'
    '<BrushLabels name="b" toName="image"><Label value="A"/></BrushLabels></View>'
)
TWO_TOOLS = read_labelling(
    '<View><Image name="image" value="$image"/><KeyPoint name="select" toName="image"/>'
    '<KeyPoint name="boundary" toName="image"/><KeyPoint name="free" toName="image"/></View>'
)


def point(name: str, x: float = 50.0, y: float = 50.0, **changes: Any) -> dict[str, Any]:
    """A click as the page sends it."""
    item = {
        "id": name,
        "type": "keypoint",
        "from_name": "kp",
        "to_name": "image",
        "original_width": 640,
        "original_height": 480,
        "image_rotation": 0,
        "is_positive": True,
        "value": {"x": x, "y": y, "width": 0.3, "labels": []},
    }
    merged = {**item, **changes}
    return {key: value for key, value in merged.items() if value is not None}


def rectangle(name: str, *, labels: bool = False, **changes: Any) -> dict[str, Any]:
    """A rectangle as the page sends it, without is_positive."""
    value: dict[str, Any] = {"x": 25.0, "y": 50.0, "width": 50.0, "height": 25.0, "rotation": 0}
    moved = {key: changes.pop(key) for key in list(changes) if key in value}
    kind = "rectanglelabels" if labels else "rectangle"
    named = {"rectanglelabels": ["Cat"]} if labels else {}
    return point(
        name, type=kind, from_name="box", is_positive=None, value={**value, **moved, **named}, **changes
    )


def prompt(*items: dict[str, Any], labelling: Labelling = ONE_TOOL) -> Prompt | None:
    """What the clicks mean."""
    return read_prompt(parse(Context, json.dumps({"result": items}).encode()), labelling)


def told(*items: dict[str, Any], labelling: Labelling = ONE_TOOL) -> list[tuple[str, str]]:
    """(id, role) of each click that counts."""
    found = prompt(*items, labelling=labelling)
    assert found is not None
    return [(one.id, role) for one, role in found.points]


def recorded(name: str) -> Prompt:
    """What a recorded request means."""
    request = parse(PredictRequest, json.dumps(golden(name)).encode())
    assert request.context is not None
    assert request.label_config is not None
    found = read_prompt(request.context, read_labelling(request.label_config))
    assert found is not None
    return found


@pytest.mark.parametrize("count", [1, 2, 3])
def test_recorded_clicks_keep_their_order_and_their_region(count: int) -> None:
    found = recorded(f"request-clicks-{count}")
    assert [role for _, role in found.points] == ["select", "boundary", "boundary"][:count]
    assert found.region == recorded("request-clicks-1").region == "tor-" + found.points[0][0].id
    assert found.labels == ("Other",)
    assert found.size == (600, 400)


def test_recorded_roles_come_from_the_attribute() -> None:
    found = recorded("request-role-attributes")
    assert [(one.control, role) for one, role in found.points] == [("a", "select"), ("b", "boundary")]


def test_recorded_alt_click_is_left_out_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        found = recorded("request-alt-unlabelled")
    assert len(found.points) == 2
    assert "ignored 1 Alt click" in caplog.text


def test_percent_are_pixel_centres() -> None:
    found = prompt(point("a", 0.0, 0.0), point("b", 100.0, 100.0), point("c", 50.0, 25.0))
    assert found is not None
    assert found.clicks(640, 480) == [
        Click(-0.5, -0.5, "select"),
        Click(639.5, 479.5, "boundary"),
        Click(319.5, 119.5, "boundary"),
    ]


@given(x=st.integers(0, 612), y=st.integers(0, 458))
def test_the_centre_of_a_pixel_in_percent_is_that_pixel(x: int, y: int) -> None:
    size: dict[str, Any] = {"original_width": 613, "original_height": 459}
    found = prompt(point("a", (x + 0.5) / 613 * 100, (y + 0.5) / 459 * 100, **size))
    assert found is not None
    (click,) = found.clicks(613, 459)
    assert (click.x, click.y) == pytest.approx((x, y), abs=1e-6)


def test_rounding_on_the_border_is_forgiven_and_no_more() -> None:
    found = prompt(point("a", 100.00000001, -0.00000001))
    assert found is not None
    assert found.clicks(640, 480) == [Click(639.5, -0.5)]
    outside = prompt(point("a", 100.2, 50.0))
    assert outside is not None
    with pytest.raises(InvalidClick, match=r"click x: expected 0 to 100 percent of the image, got 100\.2"):
        outside.clicks(640, 480)


def test_a_click_with_its_label_counts_once() -> None:
    label: dict[str, Any] = {
        "type": "labels",
        "from_name": "label",
        "value": {"x": 50.0, "y": 50.0, "labels": ["Dog"]},
    }
    found = prompt(point("a"), point("a", **label), point("b", 20.0), point("b", **label))
    assert found is not None
    assert [one.id for one, _ in found.points] == ["a", "b"]
    assert found.labels == ("Dog",)


def test_labels_of_keypointlabels_are_read() -> None:
    value = {"x": 1.0, "y": 1.0, "labels": ["Old"], "keypointlabels": ["Cat"]}
    found = prompt(point("a", type="keypointlabels", value=value))
    assert found is not None
    assert found.labels == ("Cat",)


def test_leftovers_of_an_earlier_visit_are_left_out() -> None:
    assert told(point("old", is_positive=None), point("a"), point("b")) == [
        ("a", "select"),
        ("b", "boundary"),
    ]
    assert told(point("a", is_positive=None), point("b", is_positive=None)) == [
        ("a", "select"),
        ("b", "boundary"),
    ]


def test_alt_clicks_are_no_clicks() -> None:
    assert told(point("n", is_positive=False), point("a"), point("m", is_positive=False), point("b")) == [
        ("a", "select"),
        ("b", "boundary"),
    ]
    assert prompt(point("n", is_positive=False)) is None
    assert prompt() is None


def test_roles_by_tag_come_before_the_order() -> None:
    select: dict[str, Any] = {"from_name": "select"}
    boundary: dict[str, Any] = {"from_name": "boundary"}
    free: dict[str, Any] = {"from_name": "free"}
    assert told(point("b", **boundary), point("s", **select), point("c", **free), labelling=TWO_TOOLS) == [
        ("s", "select"),
        ("b", "boundary"),
        ("c", "boundary"),
    ]
    assert told(point("f", **free), point("b", **boundary), labelling=TWO_TOOLS)[0] == ("f", "select")


def test_a_further_selection_begins_the_next_object() -> None:
    select: dict[str, Any] = {"from_name": "select"}
    boundary: dict[str, Any] = {"from_name": "boundary"}
    items = [point("s1", **select), point("b1", **boundary), point("s2", **select), point("b2", **boundary)]
    found = prompt(*items, labelling=TWO_TOOLS)
    assert found is not None
    assert [one.id for one, _ in found.points] == ["s2", "b2"]
    assert found.region == "tor-s2"


def test_a_boundary_click_alone_says_what_is_missing() -> None:
    with pytest.raises(RequestInvalid, match="expected a selection click on the object first"):
        prompt(point("b", from_name="boundary"), labelling=TWO_TOOLS)


@pytest.mark.parametrize(
    ("width", "height", "message"),
    [
        (480, 640, "expected the shape that Label Studio shows, 640 x 480, got 480 x 640"),
        (640, 470, "expected the shape"),
        (100, 75, "expected 640 x 480 as in the editor, got 100 x 75"),
    ],
    ids=["turned", "cropped", "much smaller"],
)
def test_another_picture_than_the_annotator_sees_is_refused(width: int, height: int, message: str) -> None:
    found = prompt(point("a"))
    assert found is not None
    with pytest.raises(RequestInvalid, match=message):
        found.clicks(width, height)


@pytest.mark.parametrize(("width", "height"), [(640, 480), (1280, 960), (427, 320), (641, 480)])
def test_another_resolution_of_it_is_fine(width: int, height: int) -> None:
    found = prompt(point("a", 50.0, 50.0))
    assert found is not None
    assert found.clicks(width, height) == [Click(width / 2 - 0.5, height / 2 - 0.5)]


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (
            [point("b", type="brushlabels")],
            'expected clicks of a KeyPoint or KeyPointLabels tag, or a rectangle, got brushlabels; set smart="false"',
        ),
        (
            [point("r", type="rectangle")],
            "expected x, y, width and height of rectangle 'r', got fewer",
        ),
        (
            [rectangle("r", x=120.0)],
            "expected a rectangle on the image, got 'r' beside it",
        ),
        ([rectangle("r", image_rotation=90)], "image_rotation: expected 0, got 90"),
        ([point("a", value={"labels": []})], "expected x and y in the value of click 'a'"),
        ([point("a", image_rotation=90)], "image_rotation: expected 0, got 90"),
        ([point("a"), point("b", to_name="other")], "expected clicks on one image"),
    ],
    ids=[
        "brush",
        "half a rectangle",
        "rectangle outside",
        "turned rectangle image",
        "no place",
        "turned image",
        "two images",
    ],
)
def test_what_cannot_be_placed_is_refused(items: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(RequestInvalid, match=message):
        prompt(*items)


def test_the_newest_rectangle_is_the_box_with_its_middle_as_selection() -> None:
    found = prompt(rectangle("old"), rectangle("new", labels=True, x=10.0))
    assert found is not None
    assert (found.region, found.labels) == ("tor-new", ("Cat",))
    assert found.clicks(640, 480) == [Click(223.5, 299.5, "select")]
    assert found.extent is not None
    assert found.extent.box(640, 480) == Box(64, 240, 384, 360)


def test_clicks_come_before_rectangles() -> None:
    found = prompt(rectangle("r"), point("a"))
    assert found is not None
    assert (found.region, found.extent) == ("tor-a", None)


def test_a_turned_rectangle_is_what_surrounds_it_and_stays_on_the_image() -> None:
    found = prompt(rectangle("r", x=50.0, y=50.0, width=75.0, height=10.0, rotation=90))
    assert found is not None
    assert found.extent is not None
    # A quarter turn about the first corner: 480 px down, of which 240 are on the image, and 48 px to the left.
    assert found.extent.box(640, 480) == Box(272, 240, 320, 480)
