import json
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from model.datasets.coco import CocoObjects
from model.errors import DatasetError
from tests.model.scenes import scene, write_coco


def test_objects_without_crowds_with_their_image_mask_and_source(tmp_path: Path):
    data = CocoObjects(write_coco(tmp_path / "set", 3))
    assert [record.source for record in data.records] == ["set1", "set0", "set1"]
    image, mask = scene(2)
    assert np.array_equal(data.image(data.records[1]), image)
    assert np.array_equal(data.mask(data.records[1]), mask)
    assert data.area(data.records[1]) == mask.sum()


def test_masks_lie_on_photos_as_they_are_stored_if_they_were_drawn_so(tmp_path: Path):
    root = write_coco(tmp_path / "set", 1)
    image, _ = scene(1)
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    Image.fromarray(image).save(root / "images" / "1.png", exif=turned)
    data = CocoObjects(root)
    assert np.array_equal(data.image(data.records[0]), image)


def test_an_image_of_another_size_than_its_annotations_is_refused(tmp_path: Path):
    root = write_coco(tmp_path / "set", 1)
    Image.new("RGB", (80, 60)).save(root / "images" / "1.png")
    data = CocoObjects(root)
    with pytest.raises(
        DatasetError, match=r"expected a mask of the image's size \(60, 80\), got \(120, 160\)"
    ):
        data.image(data.records[0])


@pytest.mark.parametrize(
    ("part", "name"), [("annotations", "area"), ("images", "width"), ("images", "file_name")]
)
def test_what_an_annotation_lacks_is_named(part: str, name: str, tmp_path: Path):
    root = write_coco(tmp_path / "set", 1)
    content = json.loads((root / "annotations.json").read_text())
    del content[part][0][name]
    (root / "annotations.json").write_text(json.dumps(content))
    with pytest.raises(DatasetError, match=f"found no {name}"):
        CocoObjects(root)


def test_a_folder_that_is_none(tmp_path: Path):
    with pytest.raises(DatasetError, match=r"annotations\.json and images/"):
        CocoObjects(tmp_path)


def test_a_missing_image_is_named(tmp_path: Path):
    data = CocoObjects(write_coco(tmp_path / "set", 1))
    (tmp_path / "set" / "images" / "1.png").unlink()
    with pytest.raises(DatasetError, match=r"1\.png"):
        data.image(data.records[0])


def changed(root: Path, part: str, **fields: object) -> Path:
    content = json.loads((root / "annotations.json").read_text())
    content[part][0].update(fields)
    (root / "annotations.json").write_text(json.dumps(content))
    return root


def test_other_programs_ways_to_write_the_same_are_read(tmp_path: Path):
    """Truth values, numbers with a point, null for what may be missing."""
    expected = CocoObjects(write_coco(tmp_path / "plain", 2))
    root = write_coco(tmp_path / "set", 2)
    changed(root, "annotations", iscrowd=False, id=2.0, image_id=1.0)
    changed(root, "images", width=160.0, height=120.0, source=None, license=None)
    data = CocoObjects(root)
    assert [record.annotation for record in data.records] == [one.annotation for one in expected.records]
    assert np.array_equal(data.image(data.records[0]), expected.image(expected.records[0]))
    assert np.array_equal(data.mask(data.records[0]), expected.mask(expected.records[0]))
    with pytest.raises(DatasetError, match="found no area"):
        CocoObjects(changed(root, "annotations", area=None))
    assert CocoObjects(changed(root, "annotations", iscrowd=True)).records[0].annotation == 4


@pytest.mark.parametrize(
    ("part", "fields", "message"),
    [
        (
            "images",
            {"height": "tall " * 99},
            "got image 1 with height 'tall .*': input should be a valid integer",
        ),
        ("images", {"width": 9.5}, "got image 1 with width 9.5: input should be a valid integer"),
        ("images", {"width": 10**7}, "at most 200000000 pixels, got image 1 of 10000000 x 120"),
        ("annotations", {"image_id": None}, "got annotation 2 with image_id None: input should be"),
        ("annotations", {"area": [1] * 99}, r"got annotation 2 with area \[1, 1, .*\.\.\.\]: input"),
    ],
)
def test_what_no_reader_could_use_is_named_with_its_entry(
    part: str, fields: dict[str, object], message: str, tmp_path: Path
):
    with pytest.raises(DatasetError, match=message) as caught:
        CocoObjects(changed(write_coco(tmp_path / "set", 1), part, **fields))
    assert len(str(caught.value)) < 300
