"""Answers: the regions that the editor shows."""

import numpy as np
import pytest

from plugins.labelstudio.answers import Target, mask_regions, prediction
from plugins.labelstudio.labelling import Control, Output
from plugins.labelstudio.regions import covers, read_mask
from plugins.labelstudio.rle import decode

BRUSH_LABELS = Output(Control("brushlabels", "mask", ("image",), None, ("A", "B")), None)
LABELS = Control("labels", "label", ("image",), None, ("A", "B"))
BRUSH = Output(Control("brush", "mask", ("image",), None, ()), LABELS)
POLYGON_LABELS = Output(Control("polygonlabels", "mask", ("image",), None, ("A", "B")), None)
POLYGON = Output(Control("polygon", "mask", ("image",), None, ()), LABELS)


def target(
    output: Output, *labels: str, size: tuple[int, int] | None = None, tolerance: float = 0.0
) -> Target:
    return Target("tor-k1", "image", size, output, labels, tolerance)


def corner(width: int, height: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Mask of the top left quarter."""
    rows, columns = np.mgrid[:height, :width]
    return np.asarray((rows < height / 2) & (columns < width / 2))


def test_brushlabels_get_one_item() -> None:
    mask = corner(10, 6)
    (item,) = mask_regions(mask, 0.123456, target(BRUSH_LABELS, "B", size=(10, 6)))
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


@pytest.mark.parametrize(("output", "kind"), [(BRUSH, "brush"), (POLYGON, "polygon")])
def test_a_tool_without_labels_gets_a_second_item_with_the_label_and_the_same_id(
    output: Output, kind: str
) -> None:
    region, label = mask_regions(corner(10, 6), 1.0, target(output, "A"))
    assert (region["id"], region["from_name"], region["type"]) == ("tor-k1", "mask", kind)
    assert (label["id"], label["from_name"], label["type"]) == ("tor-k1", "label", "labels")
    assert label["value"] == {**region["value"], "labels": ["A"]}


@pytest.mark.parametrize("output", [BRUSH_LABELS, BRUSH, POLYGON_LABELS, POLYGON])
def test_without_a_label_the_region_waits_for_one(output: Output) -> None:
    (item,) = mask_regions(corner(10, 6), 1.0, target(output))
    assert item["value"].get(item["type"], []) == []


@pytest.mark.parametrize("size", [(20, 12), (5, 3)])
@pytest.mark.parametrize("output", [BRUSH_LABELS, POLYGON_LABELS])
def test_a_mask_of_another_resolution_is_answered_in_the_editors(
    size: tuple[int, int], output: Output
) -> None:
    (item,) = mask_regions(corner(10, 6), 1.0, target(output, "A", size=size))
    assert (item["original_width"], item["original_height"]) == size
    shown = read_mask(item)
    assert np.abs(shown.mean() - corner(10, 6).mean()) < 0.2
    assert shown[0, 0]
    assert not shown[-1].any()
    assert not shown[:, -1].any()


def test_polygonlabels_get_the_outline_in_percent() -> None:
    (item,) = mask_regions(corner(10, 6), 0.5, target(POLYGON_LABELS, "A"))
    assert (item["type"], item["from_name"]) == ("polygonlabels", "mask")
    assert sorted(item["value"].pop("points")) == [[0.0, 0.0], [0.0, 50.0], [50.0, 0.0], [50.0, 50.0]]
    assert item["value"] == {"closed": True, "polygonlabels": ["A"]}


def test_every_part_of_a_mask_is_a_polygon_and_holes_stay_open() -> None:
    mask = np.zeros((40, 60), dtype=bool)
    mask[2:30, 3:33] = True
    mask[10:20, 10:20] = False
    mask[35:38, 50:58] = True
    items = mask_regions(mask, 0.5, target(POLYGON_LABELS, "A"))
    assert [item["id"] for item in items] == ["tor-k1", "tor-k1.2"]
    np.testing.assert_array_equal(np.any([read_mask(item) for item in items], axis=0), mask)
    assert covers(items[0], 5 / 60, 5 / 40)
    assert not covers(items[0], 15 / 60, 15 / 40)


@pytest.mark.parametrize("output", [BRUSH_LABELS, POLYGON_LABELS])
def test_an_empty_mask_is_no_region(output: Output) -> None:
    assert mask_regions(np.zeros((6, 10), dtype=bool), 0.5, target(output, "A")) == []


def test_a_prediction_names_score_and_model() -> None:
    assert prediction([], 0.123456, "v1") == {"result": [], "score": 0.1235, "model_version": "v1"}
