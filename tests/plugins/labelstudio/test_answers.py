"""Answers: the regions that the editor shows."""

import numpy as np
import pytest

from plugins.labelstudio.answers import brush_prediction
from plugins.labelstudio.labelling import Control, Output
from plugins.labelstudio.prompts import Point, Prompt
from plugins.labelstudio.rle import decode

BRUSH_LABELS = Output(Control("brushlabels", "mask", ("image",), None, ("A", "B")), None)
BRUSH = Output(
    Control("brush", "mask", ("image",), None, ()), Control("labels", "label", ("image",), None, ("A", "B"))
)


def prompt(size: tuple[int, int] | None, *labels: str) -> Prompt:
    return Prompt("image", ((Point("k1", 50.0, 50.0, "kp", True, labels), "select"),), size)


def corner(width: int, height: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Mask of the top left quarter."""
    rows, columns = np.mgrid[:height, :width]
    return np.asarray((rows < height / 2) & (columns < width / 2))


def test_brushlabels_get_one_item() -> None:
    mask = corner(10, 6)
    (prediction,) = brush_prediction(mask, 0.123456, "v1", prompt((10, 6), "B"), BRUSH_LABELS)["results"]
    assert (prediction["score"], prediction["model_version"]) == (0.1235, "v1")
    (item,) = prediction["result"]
    rle = item["value"].pop("rle")
    np.testing.assert_array_equal(decode(rle, 10, 6) > 0, mask)
    assert item == {
        "id": "tor-k1",
        "from_name": "mask",
        "to_name": "image",
        "type": "brushlabels",
        "original_width": 10,
        "original_height": 6,
        "image_rotation": 0,
        "score": 0.1235,
        "readonly": False,
        "value": {"format": "rle", "brushlabels": ["B"]},
    }


def test_brush_gets_a_second_item_with_the_label_and_the_same_id() -> None:
    (prediction,) = brush_prediction(corner(10, 6), 1.0, "v1", prompt(None, "A"), BRUSH)["results"]
    region, label = prediction["result"]
    assert (region["id"], region["from_name"], region["type"]) == ("tor-k1", "mask", "brush")
    assert (label["id"], label["from_name"], label["type"]) == ("tor-k1", "label", "labels")
    assert label["value"] == {**region["value"], "labels": ["A"]}


@pytest.mark.parametrize("output", [BRUSH_LABELS, BRUSH])
def test_without_a_label_the_region_waits_for_one(output: Output) -> None:
    (prediction,) = brush_prediction(corner(10, 6), 1.0, "v1", prompt(None), output)["results"]
    (item,) = prediction["result"]
    assert item["value"].get("brushlabels", []) == []


@pytest.mark.parametrize("size", [(20, 12), (5, 3)])
def test_a_mask_of_another_resolution_is_answered_in_the_editors(size: tuple[int, int]) -> None:
    (prediction,) = brush_prediction(corner(10, 6), 1.0, "v1", prompt(size, "A"), BRUSH_LABELS)["results"]
    (item,) = prediction["result"]
    assert (item["original_width"], item["original_height"]) == size
    shown = decode(item["value"]["rle"], *size) > 0
    assert np.abs(shown.mean() - corner(10, 6).mean()) < 0.2
    assert shown[0, 0]
    assert not shown[-1].any()
    assert not shown[:, -1].any()


def test_an_empty_mask_is_a_prediction_without_regions() -> None:
    answer = brush_prediction(np.zeros((6, 10), dtype=bool), 0.5, "v1", prompt(None, "A"), BRUSH_LABELS)
    assert answer == {"results": [{"result": [], "score": 0.0, "model_version": "v1"}]}
