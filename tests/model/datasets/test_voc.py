from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.datasets.layouts import open_dataset
from model.errors import DatasetError
from tests.model.datasets.files_on_disk import boxes, write_grey, write_palette, write_photo

# Colours of 1 and 16 are one grey: read so, the two objects would be one.
TRAP = boxes(_255=(0, 0, 14, 14), _1=(1, 1, 13, 13), _16=(20, 20, 28, 28))


@pytest.fixture
def devkit(tmp_path: Path) -> Path:
    """Two images of val with two objects and one, and one of train."""
    root = tmp_path / "VOCdevkit" / "VOC2012"
    for name, ids in (("2007_000033", TRAP), ("2007_000042", boxes(_3=(5, 5, 9, 9))), ("2007_000032", TRAP)):
        write_photo(root / "JPEGImages" / f"{name}.jpg", int(name[5:]))
        write_palette(root / "SegmentationObject" / f"{name}.png", ids)
    lists = root / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "val.txt").write_text("2007_000033\n2007_000042\n")
    (lists / "train.txt").write_text("2007_000032\n")
    return root


def test_each_palette_index_is_an_object(devkit: Path):
    objects = open_dataset(f"voc:{devkit}")
    assert objects.names == ["2007_000033#1", "2007_000033#16", "2007_000042#3"]
    assert np.array_equal(objects[0].truth, TRAP == 1)
    assert np.array_equal(objects[1].truth, TRAP == 16)


def test_the_bands_of_all_objects_are_ignored_for_each(devkit: Path):
    first, second, other = open_dataset(f"voc:{devkit}")
    assert np.array_equal(first.ignore, TRAP == 255)
    assert np.array_equal(second.ignore, TRAP == 255)
    assert not other.ignore.any()


def test_splits(devkit: Path):
    assert open_dataset(f"voc:{devkit}?split=train").names == ["2007_000032#1", "2007_000032#16"]
    with pytest.raises(DatasetError, match="splits there: train, val"):
        open_dataset(f"voc:{devkit}?split=test")


def test_the_devkit_is_found_from_above(devkit: Path):
    for folder in (devkit.parent, devkit.parent.parent):
        assert len(open_dataset(f"voc:{folder}")) == 3
    (devkit.parent / "VOC2007" / "SegmentationObject").mkdir(parents=True)
    with pytest.raises(DatasetError, match="found VOC2007, VOC2012"):
        open_dataset(f"voc:{devkit.parent}")
    with pytest.raises(DatasetError, match="found none"):
        open_dataset(f"voc:{devkit / 'JPEGImages'}")


def test_indices_saved_without_the_palette(devkit: Path):
    write_grey(devkit / "SegmentationObject" / "2007_000033.png", TRAP)
    assert open_dataset(f"voc:{devkit}").names[:2] == ["2007_000033#1", "2007_000033#16"]


def test_masks_turned_into_colours_are_refused(devkit: Path):
    path = devkit / "SegmentationObject" / "2007_000033.png"
    Image.open(path).convert("RGB").save(path)
    with pytest.raises(DatasetError, match=r"2007_000033\.png: .*got colours"):
        open_dataset(f"voc:{devkit}")


def test_an_image_listed_twice_and_one_that_is_missing(devkit: Path):
    listed = devkit / "ImageSets" / "Segmentation" / "val.txt"
    listed.write_text("2007_000033\n2007_000033\n")
    with pytest.raises(DatasetError, match="2007_000033#1 twice"):
        open_dataset(f"voc:{devkit}")
    listed.write_text("2011_000001\n")
    with pytest.raises(DatasetError, match=r"2011_000001\.png: .*no such file"):
        open_dataset(f"voc:{devkit}")
