from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.datasets.layouts import open_dataset
from model.errors import DatasetError
from tests.model.datasets.files_on_disk import blank, boxes, write_grey, write_palette, write_photo

IDS = boxes(_255=(0, 0, 10, 10), _1=(1, 1, 9, 9), _7=(15, 15, 25, 25))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_photo(tmp_path / "images" / "street 1.jpg")
    write_grey(tmp_path / "masks" / "street 1.png", IDS)
    return tmp_path


def test_ids_are_objects_and_255_is_ignored(folder: Path):
    objects = open_dataset(f"folder:{folder}")
    assert objects.names == ["street 1#1", "street 1#7"]
    for id_, item in zip((1, 7), objects, strict=True):
        assert np.array_equal(item.truth, id_ == IDS)
        assert np.array_equal(item.ignore, IDS == 255)


def test_palette_masks_and_more_ids_than_eight_bits_hold(folder: Path):
    write_palette(folder / "masks" / "street 1.png", IDS)
    assert open_dataset(f"folder:{folder}").names == ["street 1#1", "street 1#7"]
    write_grey(folder / "masks" / "street 1.png", np.where(IDS == 7, 700, IDS))
    assert open_dataset(f"folder:{folder}").names == ["street 1#1", "street 1#700"]


def test_a_photo_of_a_telephone_is_shown_upright(folder: Path):
    exif = Image.Exif()
    exif[0x0112] = 8
    stored = write_photo(folder / "images" / "street 1.jpg", exif=exif)
    write_grey(folder / "masks" / "street 1.png", np.rot90(IDS))
    item = open_dataset(f"folder:{folder}")[0]
    assert np.array_equal(item.image, np.rot90(stored))
    assert np.array_equal(item.truth, np.rot90(IDS) == 1)


def test_images_in_which_nothing_is_annotated(folder: Path):
    write_photo(folder / "images" / "empty.png")
    write_grey(folder / "masks" / "empty.png", blank())
    assert open_dataset(f"folder:{folder}").names == ["street 1#1", "street 1#7"]
    write_grey(folder / "masks" / "street 1.png", blank())
    with pytest.raises(DatasetError, match="at least one object"):
        open_dataset(f"folder:{folder}")


def test_masks_of_0_and_255_are_refused_with_a_word(folder: Path):
    write_grey(folder / "masks" / "street 1.png", boxes(_255=(1, 1, 9, 9)))
    with pytest.raises(DatasetError, match=r"street 1\.png: expected ids .*write 1 for the object"):
        open_dataset(f"folder:{folder}")


def test_masks_of_colours_or_of_changed_ids_are_refused(folder: Path):
    mask = Image.open(folder / "masks" / "street 1.png")
    mask.convert("RGB").save(folder / "masks" / "street 1.png")
    with pytest.raises(DatasetError, match="got colours"):
        open_dataset(f"folder:{folder}")
    (folder / "masks" / "street 1.png").unlink()
    mask.save(folder / "masks" / "street 1.jpg")
    with pytest.raises(DatasetError, match=r"expected files \.png"):
        open_dataset(f"folder:{folder}")


def test_an_image_without_a_mask(folder: Path):
    write_photo(folder / "images" / "street 2.jpg")
    with pytest.raises(DatasetError, match="expected a mask street 2"):
        open_dataset(f"folder:{folder}")
