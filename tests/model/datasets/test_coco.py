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
