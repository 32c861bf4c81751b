from pathlib import Path

import numpy as np
import pytest

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


def test_a_folder_that_is_none(tmp_path: Path):
    with pytest.raises(DatasetError, match=r"annotations\.json and images/"):
        CocoObjects(tmp_path)


def test_a_missing_image_is_named(tmp_path: Path):
    data = CocoObjects(write_coco(tmp_path / "set", 1))
    (tmp_path / "set" / "images" / "1.png").unlink()
    with pytest.raises(DatasetError, match=r"1\.png"):
        data.image(data.records[0])
