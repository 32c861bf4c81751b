"""What somebody has drawn on the tasks of a file."""

import json
from typing import Any

import pytest

from model.errors import RequestInvalid
from plugins.labelstudio.labelling import read_labelling
from plugins.labelstudio.task_files import Hint, read_tasks
from tests.plugins.labelstudio.clicking import clicked, rectangle

LABELLING = read_labelling(
    '<View><Image name="image" value="$photo"/><Image name="other" value="$second"/>'
    '<BrushLabels name="mask" toName="image"><Label value="cat"/></BrushLabels></View>'
)


def hints(*annotations: dict[str, Any], **task: Any) -> tuple[Hint, ...]:
    content = [{"data": {"photo": "/data/a.png"}, "annotations": annotations, **task}]
    (read,) = read_tasks(json.dumps(content).encode(), LABELLING)
    return read.hints


def drawn(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"result": items, **more}


def boxed(name: str, place: tuple[float, float, float, float], rotation: float = 0.0) -> dict[str, Any]:
    item = rectangle(name, place, "cat", type="rectanglelabels")
    item["value"]["rotation"] = rotation
    return item


def test_a_turned_rectangle_is_what_surrounds_it() -> None:
    (hint,) = hints(drawn(boxed("r", (50.0, 20.0, 40.0, 5.0), 90.0)))
    # 600 x 400: a quarter turn makes 240 x 20 pixels 20 x 240, which reach to the left and down.
    assert hint.box == pytest.approx((50 - 20 / 6, 20.0, 50.0, 80.0))


def test_a_rectangle_beside_the_image_has_no_area() -> None:
    (hint,) = hints(drawn(boxed("r", (120.0, 20.0, 40.0, 5.0))))
    assert hint.box is not None
    assert hint.box[0] >= hint.box[2]


def test_skipped_annotations_and_other_images_do_not_count() -> None:
    point = clicked("p", 50.0, 25.0, {"labels": ["cat"]})
    elsewhere = clicked("q", 10.0, 10.0, to_name="other")
    kept = (Hint((50.0, 25.0), None, "cat"),)
    assert hints(drawn(elsewhere, was_cancelled=True), drawn(point, elsewhere)) == kept
    assert hints(drawn(elsewhere), predictions=[drawn(point, score=0.5)]) == kept
    assert hints(drawn(point, was_cancelled=True)) == ()


def test_what_cannot_be_read_is_named_with_its_task() -> None:
    broken = clicked("p", 50.0, 25.0, {"x": "left"})
    with pytest.raises(RequestInvalid, match=r"task 7: result\.0\.value\.x: .* got 'left'"):
        hints(drawn(broken), id=7)
    with pytest.raises(RequestInvalid, match="task 7: expected x and y of keypoint 'p', got fewer"):
        hints(drawn(clicked("p", 50.0, 25.0, {"x": None})), id=7)
