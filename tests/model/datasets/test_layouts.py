from pathlib import Path

import cv2
import numpy as np
import pytest

from model.datasets.layouts import open_dataset
from model.errors import DatasetError
from tests.model.scenes import scene, write_grabcut


def test_grabcut_with_its_ignore_band(tmp_path: Path):
    objects = open_dataset(f"grabcut:{write_grabcut(tmp_path / 'set', 2)}")
    assert [item.name for item in objects] == ["photo0", "photo1"]
    image, mask = scene(1)
    assert np.array_equal(objects[1].image, image)
    assert np.array_equal(objects[1].truth, mask)
    assert objects[1].ignore.any()
    assert not (objects[1].ignore & mask).any()


@pytest.mark.parametrize("layout", ["davis", "coco_mval"])
def test_image_and_truth(tmp_path: Path, layout: str):
    (tmp_path / "img").mkdir()
    (tmp_path / "gt").mkdir()
    image, mask = scene(0)
    cv2.imwrite(str(tmp_path / "img" / "a b.jpg"), image)
    cv2.imwrite(
        str(tmp_path / "gt" / "a b.png"), np.dstack([mask * 0, mask * 128, mask * 0]).astype(np.uint8)
    )
    (item,) = open_dataset(f"{layout}:{tmp_path}")
    assert item.name == "a b"
    assert np.array_equal(item.truth, mask)
    assert not item.ignore.any()


@pytest.mark.parametrize("reference", ["", "grabcut", "grabcut:", "nosuch:/tmp"])
def test_unknown_references(reference: str):
    with pytest.raises(DatasetError, match="LAYOUT:PATH"):
        open_dataset(reference)


def test_missing_mask_is_named(tmp_path: Path):
    root = write_grabcut(tmp_path / "set", 2)
    (root / "boundary_GT" / "photo1.bmp").unlink()
    with pytest.raises(DatasetError, match=r"photo1\.bmp"):
        open_dataset(f"grabcut:{root}")


def test_a_mask_of_another_size_is_refused(tmp_path: Path):
    root = write_grabcut(tmp_path / "set", 1)
    cv2.imwrite(str(root / "boundary_GT" / "photo0.bmp"), np.zeros((5, 5), np.uint8))
    with pytest.raises(DatasetError, match=r"\(120, 160\), got \(5, 5\)"):
        open_dataset(f"grabcut:{root}")[0]


def test_empty_and_missing_folders(tmp_path: Path):
    with pytest.raises(DatasetError, match="folders"):
        open_dataset(f"davis:{tmp_path}")
    (tmp_path / "img").mkdir()
    (tmp_path / "gt").mkdir()
    with pytest.raises(DatasetError, match="found none"):
        open_dataset(f"davis:{tmp_path}")
