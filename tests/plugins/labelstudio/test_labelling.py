"""Labelling configurations: which controls there are, and where a mask goes."""

import pytest

from model.errors import RequestInvalid
from plugins.labelstudio.labelling import LONGEST_CONFIGURATION, read_labelling

LABELS = '<Label value="Cat"/><Label value="Dog"/>'
IMAGE = '<Image name="image" value="$photo"/>'


def view(inside: str) -> str:
    return f"<View>{IMAGE}{inside}</View>"


def test_images_and_their_data_keys_are_found() -> None:
    labelling = read_labelling(
        '<View><Image name="left" value="$l"/><View><image name="right" value="$r"/></View></View>'
    )
    assert (labelling.data_key("left"), labelling.data_key("right")) == ("l", "r")
    with pytest.raises(RequestInvalid, match=r"expected an Image .*\(left, right\), got 'middle'"):
        labelling.data_key("middle")


@pytest.mark.parametrize(
    ("tags", "control", "labels"),
    [
        (f'<BrushLabels name="b" toName="image">{LABELS}</BrushLabels>', "b", None),
        (f'<Brush name="b" toName="image"/><Labels name="l" toName="image">{LABELS}</Labels>', "b", "l"),
        ('<Brush name="b" toName="image"/>', "b", None),
        (
            f'<Labels name="l" toName="image">{LABELS}</Labels><Brush name="b" toName="image"/>'
            f'<BrushLabels name="c" toName="image">{LABELS}</BrushLabels>',
            "c",
            None,
        ),
        (f'<brushlabels name="b" toName="other, image">{LABELS}</brushlabels>', "b", None),
    ],
)
def test_the_mask_goes_to_the_brush(tags: str, control: str, labels: str | None) -> None:
    output = read_labelling(view(tags)).output("image")
    assert output.control.name == control
    assert (output.labels.name if output.labels else None) == labels


@pytest.mark.parametrize(
    "tags",
    [
        f'<RectangleLabels name="p" toName="image">{LABELS}</RectangleLabels>',
        f'<BrushLabels name="b" toName="other">{LABELS}</BrushLabels><Rectangle name="p" toName="image"/>',
    ],
)
def test_where_no_mask_can_go_the_line_says_what_is_missing(tags: str) -> None:
    with pytest.raises(
        RequestInvalid, match="PolygonLabels, Brush or Polygon on the image 'image', got rectangle"
    ):
        read_labelling(view(tags)).output("image")


def test_a_brush_comes_before_a_polygon_and_labels_come_with_either() -> None:
    polygon = f'<PolygonLabels name="p" toName="image">{LABELS}</PolygonLabels>'
    assert read_labelling(view(polygon)).output("image").control.is_polygon
    bare = f'<Labels name="l" toName="image">{LABELS}</Labels><Polygon name="p" toName="image"/>'
    output = read_labelling(view(bare)).output("image")
    assert (output.control.is_polygon, output.choose(("Cat", "Mouse"))) == (True, ("Cat",))
    assert (
        not read_labelling(view(polygon + '<Brush name="b" toName="image"/>'))
        .output("image")
        .control.is_polygon
    )


@pytest.mark.parametrize(
    ("tag", "role"),
    [
        ('<KeyPoint name="k" toName="image"/>', None),
        ('<KeyPoint name="select" toName="image"/>', "select"),
        ('<KeyPointLabels name="Boundary-click" toName="image"/>', "boundary"),
        ('<KeyPoint name="k" role="select" toName="image"/>', "select"),
        ('<KeyPoint name="k" role="Boundary" toName="image"/>', "boundary"),
        ('<KeyPoint name="select" role="boundary" toName="image"/>', "boundary"),
        ('<RectangleLabels name="select" role="x" toName="image"/>', None),
    ],
)
def test_the_attribute_gives_the_role_and_else_the_name(tag: str, role: str | None) -> None:
    labelling = read_labelling(view(tag))
    assert labelling.role_of(labelling.controls[0].name) == role
    assert labelling.role_of("another") is None


def test_of_two_controls_with_one_name_the_first_gives_the_role() -> None:
    first, second = (f'<KeyPoint name="k" role="{role}" toName="image"/>' for role in ("select", "boundary"))
    assert read_labelling(view(first + second)).role_of("k") == "select"


def test_an_unknown_role_is_refused() -> None:
    with pytest.raises(RequestInvalid, match="expected role select or boundary on 'k', got 'border'"):
        read_labelling(view('<KeyPoint name="k" role="border" toName="image"/>'))


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (("Dog",), ("Dog",)),
        (("Dog", "Bird"), ("Dog",)),
        (("Bird",), ()),
        ((), ()),
        (("Dog", "Cat"), ("Dog", "Cat")),
    ],
)
def test_only_labels_that_the_project_knows_are_answered(
    wanted: tuple[str, ...], chosen: tuple[str, ...]
) -> None:
    output = read_labelling(view(f'<BrushLabels name="b" toName="image">{LABELS}</BrushLabels>')).output(
        "image"
    )
    assert output.choose(wanted) == chosen


@pytest.mark.parametrize(
    ("labels", "wanted", "chosen"),
    [
        ('<Label value="Cat"/>', (), ("Cat",)),
        ('<Label value="Cat"/>', ("Bird",), ("Cat",)),
        ('<Label value="Cat" alias="c1"/>', (), ("c1",)),
        ("", ("From the task",), ("From the task",)),
    ],
    ids=["the only one", "the only one instead", "alias", "labels of the task"],
)
def test_labels_of_special_projects(labels: str, wanted: tuple[str, ...], chosen: tuple[str, ...]) -> None:
    tags = f'<Brush name="b" toName="image"/><Labels name="l" toName="image">{labels}</Labels>'
    assert read_labelling(view(tags)).output("image").choose(wanted) == chosen


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<View><Image></View>", "well-formed XML"),
        ("", "well-formed XML"),
        ("no xml", "well-formed XML"),
        ('<!DOCTYPE v [<!ENTITY a "b">]><View>&a;</View>', "well-formed XML, got DTDForbidden"),
        ("<View>" + " " * LONGEST_CONFIGURATION + "</View>", "at most"),
        ("<View>\x00</View>", "well-formed XML"),
    ],
    ids=["open tag", "empty", "text", "entities", "long", "null byte"],
)
def test_what_is_no_configuration_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(RequestInvalid, match=message) as caught:
        read_labelling(text)
    assert "\n" not in str(caught.value)


def test_controls_without_a_name_or_a_target_are_no_controls() -> None:
    labelling = read_labelling(view('<KeyPoint toName="image"/><Brush name="b"/><Header name="h"/>'))
    assert labelling.controls == ()


def test_a_label_belongs_to_the_innermost_control_around_it() -> None:
    inner = '<Labels name="inner" toName="image"><View><Label value="Cat"/></View></Labels>'
    outer = f'<Labels name="outer" toName="image"><Label value="Dog"/>{inner}<Label value="Bird"/></Labels>'
    controls = read_labelling(view(outer)).controls
    assert [(control.name, control.labels) for control in controls] == [
        ("outer", ("Dog", "Bird")),
        ("inner", ("Cat",)),
    ]


def test_a_deeply_nested_megabyte_gives_each_label_once() -> None:
    start, end = '<L name="a" toName="b"><Label value="c"/>', "</L>"
    depth = LONGEST_CONFIGURATION // len(start + end)
    controls = read_labelling(start * depth + end * depth).controls
    assert len(controls) == depth
    # Labels that were gathered again by each control around them would be depth / 2 times as many.
    assert sum(len(control.labels) for control in controls) == depth
