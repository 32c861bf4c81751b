"""The real Label Studio in a real browser, with the real service behind it: from the first click to the export."""

import json
from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image
from selenium.webdriver import Keys

from plugins.labelstudio.rle import encode
from tests.end_to_end.labelstudio.editor import Editor
from tests.end_to_end.labelstudio.masks import (
    CUP,
    FAR_RIM,
    HEIGHT,
    PHOTO,
    RIM,
    SPOON,
    WIDTH,
    configuration,
    drawn,
    filled,
    inside,
    mask_of,
    outside,
    overlap,
    suggested_mask,
)
from tests.end_to_end.labelstudio.server import LabelStudio

QUARTER_TURN = 6
ORIENTATION = 0x0112


def count_of(backend: str, action: str) -> int:
    """How many webhooks with the action have come, this one included."""
    answer = requests.post(backend + "/webhook", json={"action": action}, timeout=600).json()
    assert answer["action"] == action
    return int(answer["count"])


def begin(
    studio: LabelStudio,
    backend: str,
    editor: Editor,
    title: str,
    image: Path = PHOTO,
    auto_accept: bool = False,
) -> tuple[int, int]:
    """A new project, its one task open, label and tool in hand; returns the ids of both."""
    project, task = studio.project(title, configuration("brush"), image, backend)
    editor.open(project, task, auto_accept)
    editor.choose_label("1", "Object")
    editor.choose_tool("m", "click")
    return project, task


def test_two_objects_with_two_labels_from_the_first_click_to_the_exports(
    studio: LabelStudio, backend: str, editor: Editor, tmp_path: Path
) -> None:
    project, task = studio.project("two objects", configuration("brush"), PHOTO, backend)
    editor.open(project, task)
    editor.choose_label("2", "Other")
    editor.choose_tool("m", "click")
    bare = editor.picture()
    suggestions = []
    for number, (x, y) in enumerate((CUP, RIM, FAR_RIM), start=1):
        editor.click(x, y)
        suggestions.append(editor.suggestion_after(number))
    assert len({suggestion["id"] for suggestion in suggestions}) == 1
    assert (editor.picture() != bare).mean() > 0.01
    editor.accept()
    cup = editor.region("brushlabels")

    editor.choose_label("1", "Object")
    editor.choose_tool("m", "click")
    editor.click(*outside(mask_of(cup), *SPOON))
    suggestions.append(editor.suggestion_after(1))
    editor.accept()
    editor.wait(lambda: len(editor.regions("brushlabels")) == 2)
    created = count_of(backend, "ANNOTATION_CREATED")
    editor.submit()
    (annotation,) = editor.wait(lambda: studio.api("GET", f"/api/tasks/{task}")["annotations"])
    editor.wait(lambda: count_of(backend, "ANNOTATION_CREATED") > created + 1)

    stored = {
        item["value"]["brushlabels"][0]: item
        for item in annotation["result"]
        if item["type"] == "brushlabels"
    }
    assert cup["id"] == stored["Other"]["id"] == suggestions[2]["id"]
    assert stored["Object"]["id"] == suggestions[3]["id"] != cup["id"]
    pictures = studio.export(project, "BRUSH_TO_PNG", tmp_path)
    coco = json.loads((studio.export(project, "BRUSH_TO_COCO", tmp_path) / "result_coco.json").read_text())
    categories = {category["id"]: category["name"] for category in coco["categories"]}
    for label, suggestion in (("Other", suggestions[2]), ("Object", suggestions[3])):
        # Compared as masks: Label Studio encodes an accepted region anew and pads its last byte in another way.
        mask = suggested_mask(suggestion)
        assert 0.001 < mask.mean() < 0.9
        np.testing.assert_array_equal(mask_of(stored[label]), mask)
        (picture,) = pictures.rglob(f"*-mask-{label}-*.png")
        np.testing.assert_array_equal(np.asarray(Image.open(picture)) > 0, mask)
        outlines = [
            polygon
            for item in coco["annotations"]
            if categories[item["category_id"]] == label
            for polygon in item["segmentation"]
        ]
        assert overlap(drawn(*outlines), filled(mask)) > 0.99


def test_polygons_with_a_tool_for_each_kind_of_click(
    studio: LabelStudio, backend: str, editor: Editor, tmp_path: Path
) -> None:
    project, task = studio.project("polygons", configuration("polygon-two-tools"), PHOTO, backend)
    editor.open(project, task)
    editor.choose_label("1", "Object")
    editor.choose_tool("m", "select")
    editor.click(*CUP)
    editor.suggestion_after(1)
    editor.choose_tool("k", "boundary")
    editor.click(*RIM)
    editor.suggestion_after(2)
    assert [item["from_name"] for item in editor.sent()[-1]] == ["select", "boundary"]
    editor.accept()
    region = editor.region("polygonlabels")
    assert region["value"]["polygonlabels"] == ["Object"]
    editor.submit()
    editor.wait(lambda: studio.api("GET", f"/api/tasks/{task}")["annotations"])

    answered = drawn(np.multiply(region["value"]["points"], (WIDTH / 100, HEIGHT / 100)))
    assert 0.01 < answered.mean() < 0.9
    coco = json.loads((studio.export(project, "COCO", tmp_path) / "result.json").read_text())
    (outlined,) = coco["annotations"]
    assert overlap(drawn(*outlined["segmentation"]), answered) > 0.99
    (lines,) = (studio.export(project, "YOLO", tmp_path) / "labels").glob("*.txt")
    (number, *shares) = map(float, lines.read_text().split())
    assert (tmp_path / "YOLO" / "classes.txt").read_text().splitlines()[int(number)] == "Object"
    assert overlap(drawn(np.reshape(shares, (-1, 2)) * (WIDTH, HEIGHT)), answered) > 0.99


def test_a_click_is_dragged_and_another_deleted(studio: LabelStudio, backend: str, editor: Editor) -> None:
    begin(studio, backend, editor, "dragged and deleted")
    editor.click(*CUP)
    one = editor.suggestion_after(1)
    editor.click(*RIM)
    two = editor.suggestion_after(2)
    editor.sent()
    editor.drag(RIM, SPOON)
    moved = editor.suggestion_after(2)
    assert one["id"] == two["id"] == moved["id"]
    (request,) = editor.sent()
    np.testing.assert_allclose([request[1]["value"][axis] for axis in "xy"], SPOON, atol=0.5)
    assert (suggested_mask(moved) != suggested_mask(two)).any()

    editor.click(*SPOON, asks=False)  # selects the click that lies there
    editor.press(Keys.BACK_SPACE)
    editor.wait(lambda: editor.clicks() == 1)
    editor.choose_label("1", "Object")  # the editor has let go of it
    editor.choose_tool("m", "click")
    editor.click(*RIM)
    again = editor.suggestion_after(2)
    assert [len(request) for request in editor.sent()] == [2]
    np.testing.assert_array_equal(suggested_mask(again), suggested_mask(two))


def test_clicks_from_before_a_reload_do_not_count(studio: LabelStudio, backend: str, editor: Editor) -> None:
    project, task = begin(studio, backend, editor, "reload")
    editor.click(*CUP)
    editor.suggestion_after(1)
    editor.saved()
    editor.open(project, task)
    editor.wait(lambda: editor.clicks() == 1)
    editor.choose_label("1", "Object")
    editor.choose_tool("m", "click")
    editor.sent()
    editor.click(*SPOON)
    second = editor.suggestion_after(2)
    (request,) = editor.sent()
    assert [item.get("is_positive") for item in request] == [None, True]
    assert second["id"].endswith(request[1]["id"])
    assert suggested_mask(second)[round(SPOON[1] / 100 * HEIGHT), round(SPOON[0] / 100 * WIDTH)]


def test_with_auto_accept_each_click_is_an_object(studio: LabelStudio, backend: str, editor: Editor) -> None:
    begin(studio, backend, editor, "auto accept", auto_accept=True)
    editor.click(*SPOON)
    editor.answered()
    editor.click(*outside(mask_of(editor.region("brushlabels")), *CUP))
    editor.answered()
    editor.wait(lambda: len(editor.regions("brushlabels")) == 2)
    assert len({region["id"] for region in editor.regions("brushlabels")}) == 2
    assert editor.clicks() == 0
    assert [len(request) for request in editor.sent()[-2:]] == [1, 1]


def test_a_submitted_region_is_refined_in_place(studio: LabelStudio, backend: str, editor: Editor) -> None:
    project, task = studio.project("refined", configuration("brush"), PHOTO, backend)
    before = drawn(((170, 60), (400, 60), (380, 260), (200, 260)))
    place = {
        "id": "somebody",
        "to_name": "image",
        "original_width": WIDTH,
        "original_height": HEIGHT,
        "image_rotation": 0,
    }
    value = {"format": "rle", "rle": encode(before)}
    result = [
        {**place, "type": "brushlabels", "from_name": "mask", "value": {**value, "brushlabels": ["Object"]}},
        {**place, "type": "labels", "from_name": "label", "value": {**value, "labels": ["Object"]}},
    ]
    studio.api("POST", f"/api/tasks/{task}/annotations/", json={"result": result})

    editor.open(project, task)
    editor.region("brushlabels")
    editor.choose_label("1", "Object")
    editor.press("u")
    editor.choose_tool("m", "click")
    editor.click(*inside(before), Keys.CONTROL)
    untouched = editor.suggestion_after(1)
    assert untouched["id"] == "somebody"
    np.testing.assert_array_equal(suggested_mask(untouched), before)
    editor.click(*RIM, Keys.CONTROL)
    refined = editor.suggestion_after(2)
    assert refined["id"] == "somebody"
    assert (suggested_mask(refined) != before).any()
    editor.accept()
    editor.wait(lambda: editor.clicks() == 0)
    np.testing.assert_array_equal(mask_of(editor.region("brushlabels")), suggested_mask(refined))
    updated = count_of(backend, "ANNOTATION_UPDATED")
    editor.submit("Update")
    editor.wait(lambda: count_of(backend, "ANNOTATION_UPDATED") > updated + 1)
    (annotation,) = studio.api("GET", f"/api/tasks/{task}")["annotations"]
    (stored,) = [item for item in annotation["result"] if item["type"] == "brushlabels"]
    assert stored["id"] == "somebody"
    np.testing.assert_array_equal(mask_of(stored), suggested_mask(refined))


def test_a_turned_photo_is_seen_as_the_annotator_sees_it(
    studio: LabelStudio, backend: str, editor: Editor, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = QUARTER_TURN
    turned = tmp_path / "turned.jpg"
    Image.open(PHOTO).rotate(90, expand=True).save(turned, exif=exif)
    begin(studio, backend, editor, "turned photo", turned)
    editor.click(*CUP)
    editor.suggestion_after(1)
    editor.accept()
    region = editor.region("brushlabels")
    assert (region["original_width"], region["original_height"]) == (WIDTH, HEIGHT)
    assert mask_of(region)[160, 276]


_LABELS = '<Label value="Object" background="#e53935"/><Label value="Other" background="#1e88e5"/>'
_BOX = f'<RectangleLabels name="box" toName="image" smart="true">{_LABELS}</RectangleLabels>'


@pytest.mark.parametrize("boxes", ["", _BOX], ids=["points", "points-and-boxes"])
def test_a_project_made_for_segment_anything(
    studio: LabelStudio, backend: str, editor: Editor, boxes: str
) -> None:
    """Its brush is smart too, so M stands for the brush; and a label is chosen for each click anew."""
    layout = (
        '<View><Image name="image" value="$image"/>'
        f'<BrushLabels name="mask" toName="image">{_LABELS}</BrushLabels>'
        f'<KeyPointLabels name="point" toName="image" smart="true">{_LABELS}</KeyPointLabels>{boxes}</View>'
    )
    project, task = studio.project("segment anything", layout, PHOTO, backend)
    editor.open(project, task)
    editor.pick_smart_tool("KeyPointTool", "point")
    for number, place in enumerate((CUP, RIM), start=1):
        editor.choose_label("4", "Other")
        editor.click(*place)
        clicked = editor.suggestion_after(number)
    editor.accept()
    region = editor.region("brushlabels")
    assert region["id"] == clicked["id"]
    assert region["value"]["brushlabels"] == ["Other"]
    np.testing.assert_array_equal(mask_of(region), suggested_mask(clicked))
    if boxes:
        editor.pick_smart_tool("RectangleTool", "box")
        editor.choose_label("5", "Object")
        editor.drag((57, 58), (70, 84))
        surrounded = suggested_mask(editor.suggestion_after(0))
        rows, columns = np.nonzero(surrounded)
        assert 45 * WIDTH < 100 * columns.min() <= 100 * columns.max() < 82 * WIDTH
        assert 40 * HEIGHT < 100 * rows.min() <= 100 * rows.max() < 97 * HEIGHT
